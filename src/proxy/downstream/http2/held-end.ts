/**
 * The end of what a client sends through a tunnel, held back for a while. Browsers end their side with the frame that closes a
 * WebSocket; over HTTP/1.1 nobody does, and servers of it (nginx in front of others) take that for the end of both sides, before
 * they have said that they close, too. The server has the first word: RFC 6455 section 7.1.1 wants it to end its side first.
 */
import type { DownstreamUser } from "../../exchange/downstream.ts";
import { Timed, type TimerWheel } from "../../sockets/timer-wheel.ts";

/** As long as a browser waits for the server. */
const HOLD_MS = 2000;

/** One tunnel's. */
export class HeldEnd extends Timed {
  readonly #wheel: TimerWheel;
  readonly #exchange: DownstreamUser;
  #told = false;

  constructor(wheel: TimerWheel, exchange: DownstreamUser, nowMs: number) {
    super();
    this.#wheel = wheel;
    this.#exchange = exchange;
    wheel.set(this, nowMs + HOLD_MS);
  }

  /** The server has ended its side: there is nothing more to wait for. */
  hasten(): void {
    if (!this.#told) this.#wheel.set(this, 0);
  }

  /** The tunnel is no more, and its exchange another's. */
  drop(): void {
    this.#wheel.remove(this);
  }

  override onDeadline(nowMs: number): void {
    this.#told = true;
    this.#exchange.onClientEnd(nowMs);
  }
}
