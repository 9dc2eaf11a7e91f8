/** One connection to a server: connecting, idle in its pool, or serving one exchange. */

import type { Failure } from "../failure.ts";
import { Failures } from "../failure.ts";
import { HeadBuffer } from "../http1/head-buffer.ts";
import { Channel, type RawSocket } from "../sockets/channel.ts";
import type { Dialler } from "../sockets/tcp.ts";
import type { TimerWheel } from "../sockets/timer-wheel.ts";
import type { UpstreamPool } from "./pool.ts";

/** Who is told what happens on a busy connection. */
export interface UpstreamUser {
  /** The connection is ready; nothing was sent on it yet. */
  onConnected(connection: UpstreamConnection, nowMs: number): void;
  onConnectFailed(connection: UpstreamConnection, failure: Failure, nowMs: number): void;
  onUpstreamData(connection: UpstreamConnection, data: Buffer, nowMs: number): void;
  /** The server sends nothing more (FIN); or, with `broken`, the connection is gone both ways. */
  onUpstreamEnd(connection: UpstreamConnection, broken: boolean, nowMs: number): void;
  onUpstreamDrain(connection: UpstreamConnection, nowMs: number): void;
  onUpstreamDeadline(connection: UpstreamConnection, nowMs: number): void;
}

const State = { CONNECTING: 0, IDLE: 1, BUSY: 2, CLOSED: 3 } as const;

/** One connection, from the dialling to its end. */
export class UpstreamConnection extends Channel implements Dialler {
  readonly pool: UpstreamPool;
  user: UpstreamUser | null;
  /** Answers that it has carried: a connection that has carried one may turn out stale. */
  served = 0;
  /** Bytes of the present answer have arrived. */
  answered = false;
  /** Something was said on it that rules out another exchange. */
  reusable = true;
  /** Monotonic milliseconds since when it is idle. */
  idleSinceMs = 0;
  #state: number = State.CONNECTING;
  /** Of a connection in the making: closing it ends that at once. */
  #unready: RawSocket | null = null;
  /** Given up while connecting; the kernel has not ended the attempt yet. */
  #abandoned = false;
  #headBuffer: HeadBuffer | null = null;

  constructor(pool: UpstreamPool, user: UpstreamUser, wheel: TimerWheel) {
    super(null, wheel);
    this.pool = pool;
    this.user = user;
  }

  get connecting(): boolean {
    return this.#state === State.CONNECTING;
  }

  /** Collects a head that arrives in pieces. */
  headBuffer(maxHeadBytes: number): HeadBuffer {
    this.#headBuffer ??= new HeadBuffer(maxHeadBytes);
    return this.#headBuffer;
  }

  get collectingHead(): boolean {
    return this.#headBuffer !== null && this.#headBuffer.length > 0;
  }

  /** There is a socket, although nothing can be sent yet: from here on giving up closes it at once. */
  begun(socket: RawSocket): void {
    if (this.#state === State.CONNECTING) this.#unready = socket;
    else {
      this.#endAbandoned();
      socket.terminate();
    }
  }

  /** The handshake is through (TCP, and TLS where there is any). */
  opened(socket: RawSocket, nowMs: number): void {
    if (this.#state === State.CLOSED) {
      this.#endAbandoned();
      socket.terminate();
      return;
    }
    this.socket = socket;
    this.#unready = null;
    this.wheel.clear(this);
    this.#state = State.BUSY;
    // Whoever wanted it may have gone; then the next one may have it.
    if (this.user === null) this.pool.release(this, nowMs);
    else this.user.onConnected(this, nowMs);
  }

  /** The connection could not be made. */
  failed(failure: Failure, nowMs: number): void {
    this.#endAbandoned();
    if (this.#state === State.CLOSED) return;
    this.#state = State.CLOSED;
    this.wheel.remove(this);
    this.pool.connectFailed();
    const user = this.user;
    this.user = null;
    user?.onConnectFailed(this, failure, nowMs);
  }

  /** As `failed`, by the name of the system's error. */
  refused(code: string, nowMs: number): void {
    this.failed(code === "ECONNREFUSED" ? Failures.CONNECT_REFUSED : Failures.CONNECT_FAILED, nowMs);
  }

  /** Takes it out of the pool for an exchange. */
  use(user: UpstreamUser): void {
    this.user = user;
    this.answered = false;
    this.#state = State.BUSY;
    if (this.socket !== null) this.socket.idle = false;
  }

  /** It is clean and may serve the next exchange. */
  becomeIdle(nowMs: number, idleTimeoutMs: number): void {
    this.user = null;
    this.served++;
    this.idleSinceMs = nowMs;
    this.#state = State.IDLE;
    if (this.socket !== null) this.socket.idle = true;
    this.resumeReading();
    this.wheel.set(this, nowMs + idleTimeoutMs);
  }

  /**
   * Ends it, whatever it is doing, without telling its user.
   * @param inOrder let what was written reach the server; else the connection is reset.
   */
  destroy(inOrder = false): void {
    if (this.#state === State.CLOSED) return;
    const state = this.#state;
    this.#state = State.CLOSED;
    this.user = null;
    if (state === State.CONNECTING) {
      this.socket = this.#unready;
      this.#unready = null;
      if (this.socket === null) {
        this.#abandoned = true;
        this.pool.abandoned();
      } else this.pool.connectFailed();
    } else this.pool.closed(this, state === State.IDLE);
    this.letGo(inOrder && state !== State.CONNECTING);
  }

  onData(data: Buffer, nowMs: number): void {
    if (this.#state === State.BUSY) {
      this.answered = true;
      this.user?.onUpstreamData(this, data, nowMs);
      return;
    }
    // Bytes that nobody asked for must never become the beginning of somebody's answer.
    this.destroy();
  }

  onEnd(nowMs: number): void {
    if (this.#state === State.BUSY) this.user?.onUpstreamEnd(this, false, nowMs);
    else this.destroy(true);
  }

  onDrain(nowMs: number): void {
    // A server that takes nothing more may have answered: its socket reports its end when that is read.
    this.flush();
    this.user?.onUpstreamDrain(this, nowMs);
  }

  /** What a server had answered before it broke off is the client's. */
  get wantsRest(): boolean {
    return true;
  }

  /** The socket is closed, or broken by `error`. */
  onClose(nowMs: number, error?: Error): void {
    this.#endAbandoned();
    if (this.#state === State.CLOSED) return;
    this.gone = true;
    this.dropQueue();
    const user = this.user;
    const inOrder = error === undefined && this.sendingEnded;
    if (this.#state === State.BUSY && user !== null) user.onUpstreamEnd(this, !inOrder, nowMs);
    this.destroy();
  }

  onInternalError(nowMs: number): void {
    this.onClose(nowMs);
  }

  #endAbandoned(): void {
    if (!this.#abandoned) return;
    this.#abandoned = false;
    this.pool.abandonedEnded();
  }

  override onDeadline(nowMs: number): void {
    if (this.#state === State.CONNECTING) {
      const user = this.user;
      this.destroy();
      user?.onConnectFailed(this, Failures.CONNECT_TIMEOUT, nowMs);
    } else if (this.#state === State.BUSY) this.user?.onUpstreamDeadline(this, nowMs);
    else this.destroy(true);
  }
}
