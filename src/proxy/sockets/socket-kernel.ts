/** What the system knows of a socket and can do to it, whichever kind it is. Without system calls of our own: nothing. */

import { Kernel, Libc } from "./libc.ts";
import type { RawSocket } from "./raw-socket.ts";
import type { Tcp } from "./tcp.ts";

export class SocketKernel {
  readonly #libc: Libc | null;
  readonly #number = new Int32Array(1);
  readonly #numberBytes = new Uint32Array(1);

  /** @param libc null = the system cannot be asked. */
  constructor(libc: Libc | null) {
    this.#libc = libc;
  }

  /**
   * That of `tcp`; and without, where there is one: a cut response must not depend on whose sockets serve.
   * On other systems than Linux it knows nothing.
   */
  static of(tcp: Tcp | null): SocketKernel {
    if (tcp !== null) return new SocketKernel(tcp.libc);
    try {
      return new SocketKernel(new Libc());
    } catch {
      return new SocketKernel(null);
    }
  }

  /** Bytes that a socket took and that its peer has not acknowledged (SIOCOUTQ, tcp(7)); -1 = nobody knows. */
  unacknowledged({ fd, heldBytes = 0 }: RawSocket): number {
    if (this.#libc === null || fd < 0) return heldBytes > 0 ? heldBytes : -1;
    this.#number[0] = 0;
    this.#libc.call.ioctl(fd, Kernel.SIOCOUTQ, this.#number);
    return heldBytes + this.#number[0];
  }

  /** Whether the peer's FIN has come, although it may not have been read (TCP_INFO, tcp(7)). */
  peerHasEnded({ fd }: RawSocket): boolean {
    if (this.#libc === null || fd < 0) return false;
    this.#number[0] = 0;
    this.#numberBytes[0] = 4; // of the structure only its first byte, the state, is of interest
    const { IPPROTO_TCP, TCP_INFO, TCP_CLOSE_WAIT } = Kernel;
    this.#libc.call.getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#number, this.#numberBytes);
    return (this.#number[0] & 0xff) === TCP_CLOSE_WAIT;
  }

  /** Another descriptor of the same socket; -1 = there is none to be had. */
  duplicate(fd: number): number {
    return this.#libc === null || fd < 0 ? -1 : this.#libc.call.dup(fd);
  }

  /** Lets go of what `duplicate` gave, if nobody else has it now. */
  close(fd: number): void {
    this.#libc?.call.close(fd);
  }

  /** Makes a socket's close a reset, also if the process dies; or orderly again. */
  closeByReset({ fd }: RawSocket, on: boolean): void {
    if (fd >= 0) this.#libc?.closeByReset(fd, on);
  }
}
