/** Memory of packets that have been passed on. */

/** Less than this is cheaper left to the garbage collector, bytes. */
const LEAST_BYTES = 32 * 1024;

/** True when it pays to free the packet's memory at once, and nothing else can be in that memory. */
export function isWorthFreeing(packet: Uint8Array): boolean {
  return packet.length >= LEAST_BYTES && packet.length === packet.buffer.byteLength;
}

/**
 * Frees the memory that `data` is in, now: `data` and whatever else looks at that memory is empty afterwards. The runtime
 * copies each packet into new memory that only a garbage collection frees, and the next packets meanwhile go into memory
 * that is not in the caches, or not even there. Given back at once it serves the next packet.
 */
export function freeMemory(data: Uint8Array): void {
  (data.buffer as ArrayBuffer).transfer(0);
}
