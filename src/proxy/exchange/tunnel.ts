/**
 * Two connections tied together after 101 (Switching Protocols): bytes go both ways as they come, each direction ends on
 * its own (half-close), and a slow receiver pauses the other side.
 */

import type { RequestSettings } from "../../protocol/pool.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { type Failure, Failures } from "../failure.ts";
import { Timed } from "../sockets/timer-wheel.ts";
import { UntilTaken } from "../sockets/until-taken.ts";
import type { UpstreamLeg } from "../upstream/leg.ts";
import type { ExchangeContext } from "./context.ts";
import type { Downstream } from "./downstream.ts";
import { HIGH_WATER_BYTES } from "./request-relay.ts";

/** One end of a tunnel. */
type Side = Downstream | UpstreamLeg;

export class Tunnel extends Timed {
  readonly #ctx: ExchangeContext;
  readonly #settings: RequestSettings;
  readonly #client: Downstream;
  readonly #server: UpstreamLeg;
  readonly #onEnd: (failure: Failure | null, nowMs: number) => void;
  #clientDone = false;
  #serverDone = false;
  /** One side is broken: the other one, which gets what there is for it before that is passed on. */
  #last: Side | null = null;
  #failure: Failure | null = null;
  #untilTaken: UntilTaken | null = null;
  #over = false;
  bytesToClient = 0;

  constructor(
    ctx: ExchangeContext,
    settings: RequestSettings,
    client: Downstream,
    server: UpstreamLeg,
    nowMs: number,
    onEnd: (failure: Failure | null, nowMs: number) => void,
  ) {
    super();
    this.#ctx = ctx;
    this.#settings = settings;
    this.#client = client;
    this.#server = server;
    this.#onEnd = onEnd;
    ctx.wheel.clear(server);
    ctx.counters[WorkerCounter.TUNNELS_OPEN]++;
    ctx.counters[WorkerCounter.TUNNELS_TOTAL]++;
    this.#moved(nowMs);
  }

  fromClient(data: Buffer, nowMs: number): void {
    this.#ctx.counters[WorkerCounter.BYTES_FROM_CLIENTS] += data.length;
    this.#relay(this.#client, this.#server, data, nowMs);
  }

  fromServer(data: Buffer, nowMs: number): void {
    this.bytesToClient += data.length;
    this.#relay(this.#server, this.#client, data, nowMs);
  }

  serverDrained(nowMs: number): void {
    this.#drained(this.#server, this.#client, this.#clientDone, nowMs);
  }

  clientDrained(nowMs: number): void {
    this.#drained(this.#client, this.#server, this.#serverDone, nowMs);
  }

  clientEnded(nowMs: number): void {
    this.#clientDone = true;
    this.#ended(this.#server, nowMs);
  }

  serverEnded(broken: boolean, nowMs: number): void {
    this.#serverDone = true;
    if (broken) this.#broken(this.#client, Failures.RESPONSE_TRUNCATED, nowMs);
    else this.#ended(this.#client, nowMs);
  }

  clientGone(nowMs: number): void {
    this.#clientDone = true;
    this.#broken(this.#server, this.#serverDone ? null : Failures.CLIENT_ABORTED, nowMs);
  }

  /** The worker stops: what has come is still passed on. */
  close(nowMs: number): void {
    this.#client.pauseReading();
    this.#server.pauseReading();
    this.#clientDone = true;
    this.#serverDone = true;
    this.#ended(this.#client, nowMs);
    this.#ended(this.#server, nowMs);
  }

  /** Nothing moved for too long. */
  override onDeadline(nowMs: number): void {
    if (this.#client.queuedBytes > 0) this.#finish(Failures.CLIENT_WRITE_TIMEOUT, nowMs);
    else if (this.#server.queuedBytes > 0) this.#finish(Failures.REQUEST_WRITE_TIMEOUT, nowMs);
    else if (this.#last !== null) this.#passOnBreak(this.#last, nowMs);
    else this.#finish(null, nowMs);
  }

  /** Something moved, or has to from here on. */
  #moved(nowMs: number): void {
    const { wheel } = this.#ctx;
    const { tunnelTimeoutMs, responseBodyTimeoutMs } = this.#settings;
    // Between two that speak silence is allowed. What is left when both have ended has only to be taken.
    const onlyTaking = this.#last !== null || (this.#clientDone && this.#serverDone);
    wheel.set(this, nowMs + (onlyTaking ? Math.min(tunnelTimeoutMs, responseBodyTimeoutMs) : tunnelTimeoutMs));
  }

  #relay(from: Side, to: Side, data: Buffer, nowMs: number): void {
    // What the one says who is left has nobody to go to, and must not put off the end.
    if (this.#over || from === this.#last) return;
    this.#moved(nowMs);
    // A receiver that is gone says so itself: it may have sent something before.
    if (to.sendAway(data, 0, data.length) && to.queuedBytes > HIGH_WATER_BYTES) from.pauseReading();
  }

  #drained(side: Side, other: Side, otherDone: boolean, nowMs: number): void {
    if (this.#over) return;
    this.#moved(nowMs);
    if (side.queuedBytes > 0) return;
    if (side === this.#last) this.#passOnBreak(side, nowMs);
    else if (otherDone) this.#ended(side, nowMs);
    else other.resumeReading();
  }

  /** One side sends nothing more: the other side is told when it has taken everything. */
  #ended(receiver: Side, nowMs: number): void {
    if (this.#over || this.#last !== null) return;
    this.#moved(nowMs);
    if (receiver.queuedBytes > 0) return;
    receiver.endSending();
    if (this.#clientDone && this.#serverDone && this.#client.queuedBytes + this.#server.queuedBytes === 0) {
      this.#finish(null, nowMs);
    }
  }

  /** One side broke off. The other one must not take that for an orderly end, and gets what was meant for it before. */
  #broken(other: Side, failure: Failure | null, nowMs: number): void {
    if (this.#over) return;
    // Both sides broke off: there is nobody left.
    if (this.#last !== null) {
      this.#finish(this.#failure, nowMs);
      return;
    }
    this.#last = other;
    this.#failure = failure;
    this.#moved(nowMs);
    other.resumeReading(); // whoever does not read would not hear of its end either
    if (other.queuedBytes === 0) this.#passOnBreak(other, nowMs);
  }

  #passOnBreak(side: Side, nowMs: number): void {
    const { wheel } = this.#ctx;
    // The client's connection waits by itself before it is reset.
    if (side === this.#server && this.#failure !== null) {
      this.#untilTaken ??= new UntilTaken();
      const next = this.#untilTaken.nextLook(this.#server.unacknowledged(), this.#settings.requestBodyTimeoutMs, nowMs);
      if (next > 0) {
        wheel.set(this, next);
        return;
      }
    }
    this.#finish(this.#failure, nowMs);
  }

  #finish(failure: Failure | null, nowMs: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#ctx.wheel.remove(this);
    this.#ctx.counters[WorkerCounter.TUNNELS_OPEN]--;
    this.#onEnd(failure, nowMs);
  }
}
