/**
 * Where bytes from sockets arrive. Small packets get memory of their own. Large ones stay where they came, in one buffer
 * that every read uses again, so that they are in the cache when they are sent on: such a packet is *borrowed*, until the
 * handler that it was given to returns. Whoever wants one for longer asks for it with `keep`.
 */

/** Size of a read, bytes: enough for the fewest system calls, and half of a common second-level cache. */
export const RECEIVE_BYTES = 256 * 1024;
/** Packets up to here are copied: that costs less than taking care of borrowed ones. */
const COPY_BYTES = 16 * 1024;

/** A little more than one read, so that no packet is the whole of it: that would be memory to give away. */
const memory = Buffer.allocUnsafeSlow(RECEIVE_BYTES + 64);

/** Where to receive to, `RECEIVE_BYTES` long. */
export const receiveBuffer: Uint8Array = memory;

/** The packet of the first `length` bytes received. */
export function packetOf(length: number): Buffer {
  if (length > COPY_BYTES) return memory.subarray(0, length);
  const packet = Buffer.allocUnsafe(length);
  memory.copy(packet, 0, 0, length);
  return packet;
}

/** The packet itself when it may be kept, else a copy. */
export function keep(packet: Buffer): Buffer {
  return packet.buffer === memory.buffer ? Buffer.from(packet) : packet;
}

/** True when the packet's bytes are only there until the handler returns. */
export function isBorrowed(packet: Uint8Array): boolean {
  return packet.buffer === memory.buffer;
}
