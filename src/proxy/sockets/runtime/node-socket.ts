/** A client's socket of node:tls as the proxy sees it: with partial writes instead of an unbounded queue. */
import type { TLSSocket } from "node:tls";
import { Timed, type TimerWheel } from "../timer-wheel.ts";
import { AdaptedSocket, type SocketEnvironment } from "./adapted-socket.ts";
import type { TlsListening } from "./tls-listening.ts";

export class NodeSocket extends AdaptedSocket {
  readonly #socket: TLSSocket;
  readonly #tls: TlsListening;
  protected readonly peerAddress: string;

  constructor(env: SocketEnvironment, socket: TLSSocket, tls: TlsListening) {
    super(env);
    this.#socket = socket;
    this.#tls = tls;
    this.peerAddress = socket.remoteAddress ?? "";
    socket.on("data", (data: Buffer) => this.received(data));
    socket.on("drain", () => this.drained());
    socket.on("end", () => this.ended());
    socket.on("close", () => this.closed());
    socket.on("error", (error) => this.closed(error));
  }

  get tlsVersion(): string {
    return this.#socket.getProtocol() ?? "";
  }

  /** The types do not say so. */
  protected get descriptor(): number {
    return (this.#socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle?.fd ?? -1;
  }

  get heldBytes(): number {
    return this.#socket.writableLength;
  }

  protected writeNow(data: Uint8Array, offset: number, length: number): number {
    if (this.#socket.destroyed) return -1;
    if (this.#socket.writableNeedDrain) return 0;
    // The stream keeps what it is given, and the caller's memory is used again: it gets a copy.
    this.#socket.write(new Uint8Array(data.subarray(offset, offset + length)));
    return length;
  }

  protected endNow(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (socket.writableFinished) {
      socket.destroy();
      return;
    }
    socket.end();
    socket.once("finish", () => socket.destroySoon());
    const { wheel, lastBytesTimeoutMs } = this.#tls;
    const lastBytes = new LastBytes(socket, wheel, lastBytesTimeoutMs);
    lastBytes.wait(this.env.now());
    socket.once("close", () => wheel.remove(lastBytes));
  }

  protected terminateNow(): void {
    this.#socket.resetAndDestroy();
  }

  protected shutdownNow(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}

/** What a socket took it may still hold when it is ended, and nobody else waits for that then: so it has a deadline. */
class LastBytes extends Timed {
  readonly #socket: TLSSocket;
  readonly #wheel: TimerWheel;
  readonly #timeoutMs: () => number;
  #held = 0;

  constructor(socket: TLSSocket, wheel: TimerWheel, timeoutMs: () => number) {
    super();
    this.#socket = socket;
    this.#wheel = wheel;
    this.#timeoutMs = timeoutMs;
  }

  wait(nowMs: number): void {
    this.#held = this.#socket.writableLength;
    this.#wheel.set(this, nowMs + this.#timeoutMs());
  }

  /** Nothing of it was taken for too long, or some of it was. */
  override onDeadline(nowMs: number): void {
    const held = this.#socket.writableLength;
    if (held === 0 || held >= this.#held) this.#socket.resetAndDestroy();
    else this.wait(nowMs);
  }
}
