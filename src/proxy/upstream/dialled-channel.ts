/** A connection to a server from the dialling to its end: what all of them have in common, whatever is spoken on them then. */
import type { Failure } from "../failure.ts";
import { Channel } from "../sockets/channel.ts";
import type { Dialler, RawSocket } from "../sockets/raw-socket.ts";
import type { TimerWheel } from "../sockets/timer-wheel.ts";
import type { ConnectCounts } from "./connect-counts.ts";
import { dialFailure } from "./dial.ts";

/** What a connection begins with. */
export interface Dialled {
  readonly tls: boolean;
  /** Whose it is, where servers are told so; "" = anybody's. */
  readonly client: string;
  /** What the server is told then, in front of everything else; null = nothing. */
  readonly preface: Buffer | null;
  readonly counts: ConnectCounts;
}

export abstract class DialledChannel extends Channel implements Dialler {
  readonly client: string;
  readonly #preface: Buffer | null;
  readonly #tls: boolean;
  readonly #counts: ConnectCounts;
  readonly #dialledMs: number;
  /** When its handshake of TLS began; NaN = there is none. */
  #handshakeMs = Number.NaN;
  /** What that took, milliseconds; NaN = there was none. */
  tlsMs = Number.NaN;
  /** The connection is not made yet, and somebody wants it. */
  #connecting = true;
  /** While it is made: closing it ends that at once. */
  #unready: RawSocket | null = null;
  /** Given up while connecting; the kernel has not ended the attempt yet. */
  #abandoned = false;

  constructor({ tls, client, preface, counts }: Dialled, wheel: TimerWheel, nowMs: number) {
    super(null, wheel);
    this.client = client;
    this.#preface = preface;
    this.#tls = tls;
    this.#counts = counts;
    this.#dialledMs = nowMs;
  }

  /** There is a socket to write to. */
  protected abstract onConnected(nowMs: number): void;
  /** There will be none. */
  protected abstract onConnectFailed(failure: Failure, nowMs: number): void;

  begun(socket: RawSocket, nowMs: number): void {
    if (this.#connecting) {
      this.#unready = socket;
      if (this.#tls) this.#handshakeMs = nowMs;
    } else {
      this.endAbandoned();
      socket.terminate();
    }
  }

  opened(socket: RawSocket, nowMs: number): void {
    if (!this.#connecting) {
      this.endAbandoned();
      socket.terminate();
      return;
    }
    this.#connecting = false;
    this.tlsMs = nowMs - this.#handshakeMs;
    this.socket = socket;
    this.#unready = null;
    this.wheel.clear(this);
    // With TLS it went in front of that.
    if (this.#preface !== null && !this.#tls) this.send(this.#preface, 0, this.#preface.length, true);
    this.#counts.connected(nowMs - this.#dialledMs, this.tlsMs);
    this.onConnected(nowMs);
  }

  /** The connection could not be made. */
  failed(failure: Failure, nowMs: number): void {
    this.endAbandoned();
    if (!this.#connecting) return;
    this.#connecting = false;
    this.wheel.remove(this);
    this.#counts.failed();
    this.onConnectFailed(failure, nowMs);
  }

  refused(code: string, nowMs: number): void {
    this.failed(dialFailure(code), nowMs);
  }

  /** Nobody wants it any more, before it was made: to be called before `letGo`. */
  protected giveUpConnecting(): void {
    this.#connecting = false;
    this.socket = this.#unready;
    this.#unready = null;
    if (this.socket === null) {
      this.#abandoned = true;
      this.#counts.abandoned();
    } else this.#counts.failed();
  }

  /** The system has ended what was given up. */
  protected endAbandoned(): void {
    if (!this.#abandoned) return;
    this.#abandoned = false;
    this.#counts.abandonedEnded();
  }

  // What happens on the socket is the protocol's.
  abstract onData(data: Buffer, nowMs: number): void;
  abstract onDrain(nowMs: number): void;
  abstract onEnd(nowMs: number): void;
  abstract onClose(nowMs: number, error?: Error): void;
  abstract readonly wantsRest: boolean;
  abstract onInternalError(nowMs: number): void;
}
