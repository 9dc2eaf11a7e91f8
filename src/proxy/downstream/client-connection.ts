/** A client's connection, as the worker sees it, whatever protocol it speaks. */
import type { SocketUser } from "../sockets/raw-socket.ts";

/** One connection. What it carries is its own business: requests one after the other, or many at once. */
export interface ClientConnection extends SocketUser {
  /** Readiness has failed: the client is to go elsewhere, and is served until it does. Of HTTP/1 the next response says it. */
  askToLeave?(nowMs: number): void;
  /** The worker is finishing: what is idle has no reason to stay for long. */
  drain(nowMs: number): void;
  /** The runtime's sockets report no end while reading is paused. Asked once a second. */
  lookForEnd(nowMs: number): void;
}
