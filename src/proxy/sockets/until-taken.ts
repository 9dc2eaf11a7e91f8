/** How long a reset waits: it destroys what is on its way to the peer, so it comes when the peer has taken that. */

import type { RawSocket } from "./channel.ts";
import type { SocketKernel } from "./socket-kernel.ts";

/** How often the system is asked, milliseconds. */
const LOOK_MS = 50;
/** How long is waited where the system does not tell. */
const BLIND_MS = 1000;

/** One such wait. */
export class UntilTaken {
  #left = Number.POSITIVE_INFINITY;
  #untilMs = 0;

  /**
   * @param socket null = it is gone.
   * @param patienceMs how long its peer may acknowledge nothing more.
   * @returns when to look again; 0 = there is nothing more to wait for.
   */
  nextLook(kernel: SocketKernel, socket: RawSocket | null, patienceMs: number, nowMs: number): number {
    const left = socket === null ? 0 : kernel.unacknowledged(socket);
    if (left < this.#left) this.#untilMs = nowMs + (left < 0 ? BLIND_MS : patienceMs);
    this.#left = left;
    return left === 0 || nowMs >= this.#untilMs ? 0 : Math.min(nowMs + LOOK_MS, this.#untilMs);
  }
}
