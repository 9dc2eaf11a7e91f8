/** What of a response waits until its client lets us send it: whole packets, of which the first may have been sent in part. */
import { isBorrowed } from "../../sockets/receive-memory.ts";
import { freeMemory, isWorthFreeing } from "../../sockets/spare-memory.ts";

/** One stream's. */
export class BodyQueue {
  #packets: Buffer[] = [];
  /** Of the first packet. */
  #offset = 0;
  bytes = 0;
  /** What waits is others' as well: it is not freed when it was sent. */
  #isShared = false;

  /** All of `content` waits, which others may look at: a response of our own. */
  pushShared(content: Buffer): void {
    this.#isShared = true;
    this.push(content, 0, content.length);
  }

  /** `packet[start … end)` waits; the packet is nobody else's. */
  push(packet: Buffer, start: number, end: number): void {
    if (start === end) return;
    const left = packet.subarray(start, end);
    this.#packets.push(isBorrowed(packet) ? Buffer.from(left) : left);
    this.bytes += end - start;
  }

  /** The packet whose turn it is; null = nothing waits. */
  get first(): Buffer | null {
    return this.#packets[0] ?? null;
  }

  /** Where in it what was not sent begins. */
  get offset(): number {
    return this.#offset;
  }

  /** `count` bytes of the first packet are sent. */
  sent(count: number): void {
    this.bytes -= count;
    this.#offset += count;
    if (this.#offset < this.#packets[0].length) return;
    const packet = this.#packets.shift();
    this.#offset = 0;
    if (packet !== undefined && !this.#isShared && isWorthFreeing(packet)) freeMemory(packet);
  }

  /** Nobody wants it any more. */
  clear(): void {
    this.#packets = [];
    this.#offset = 0;
    this.bytes = 0;
  }
}
