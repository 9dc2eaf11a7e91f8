/** What the system knows of a socket and can do to it, whichever kind it is. Without our own system calls: nothing. */
import type { RawSocket } from "./channel.ts";
import type { Tcp } from "./sockets/tcp.ts";

export class SocketKernel {
  readonly #tcp: Tcp | null;

  /** @param tcp null = there are no system calls of our own. */
  constructor(tcp: Tcp | null) {
    this.#tcp = tcp;
  }

  /** Bytes that a socket took and that its peer has not acknowledged; -1 = nobody knows. */
  unacknowledged({ fd = -1, heldBytes = 0 }: RawSocket): number {
    const sent = this.#tcp === null || fd < 0 ? -1 : this.#tcp.unacknowledged(fd);
    return sent < 0 && heldBytes > 0 ? heldBytes : heldBytes + sent;
  }

  /** Makes a socket's close a reset, also if the process dies; or orderly again. */
  closeByReset({ fd = -1 }: RawSocket, on: boolean): void {
    if (fd >= 0) this.#tcp?.libc.closeByReset(fd, on);
  }
}
