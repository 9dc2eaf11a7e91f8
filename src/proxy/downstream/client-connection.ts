/** A client's connection, as the listeners and the worker see it, whatever protocol it speaks. */
import type { SocketUser } from "../sockets/raw-socket.ts";

/** One connection. What it carries is its own business: requests one after the other, or many at once. */
export interface ClientConnection extends SocketUser {
  /** Nothing can be sent any more: what the socket reports as the peer's end then is its break. */
  readonly gone: boolean;
  /** TLS is through. */
  onHandshake(nowMs: number): void;
  /** The worker is finishing: what is idle has no reason to stay for long. */
  drain(nowMs: number): void;
  /** The runtime's sockets report no end while reading is paused. Asked once a second. */
  lookForEnd(nowMs: number): void;
}
