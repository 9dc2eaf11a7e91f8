/**
 * Where bytes from sockets arrive: one buffer that every read uses again, so that they are in the cache when they are sent
 * on. A packet is a view of it and *borrowed*, until the handler that it was given to returns; whoever wants one for longer
 * asks for it with `keep`. Only small packets of clients, which hold the heads of requests and are always kept, are copied
 * at once.
 */

/** Size of a read, bytes: enough for the fewest system calls, and half of a common second-level cache. */
export const RECEIVE_BYTES = 256 * 1024;
/** Packets of clients up to here are copied before anybody sees them. */
const COPY_BYTES = 16 * 1024;
/** Views of so many bytes at most are made once and for all. */
const CACHED_VIEW_BYTES = 2048;

/** More than one read, so that no packet is the whole of it: that would be memory to give away. Behind it is room for a part. */
const memory = Buffer.allocUnsafeSlow(RECEIVE_BYTES + CACHED_VIEW_BYTES);
const partViews: (Buffer | undefined)[] = [];
const views: Buffer[] = Array.from({ length: CACHED_VIEW_BYTES + 1 }, (_, length) => memory.subarray(0, length));

/** Where to receive to, `RECEIVE_BYTES` long. */
export const receiveBuffer: Uint8Array = memory;

/** The packet of the first `length` bytes received, borrowed. */
export function borrowedPacket(length: number): Buffer {
  return length <= CACHED_VIEW_BYTES ? views[length] : memory.subarray(0, length);
}

/**
 * `packet[start … end)` as a packet of its own, as good as `packet` is: a borrowed one until the handler returns, or another part
 * is asked for. A small part of that is copied, for it costs less than a view of it.
 */
export function borrowedPart(packet: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  if (length > CACHED_VIEW_BYTES || !isBorrowed(packet)) return packet.subarray(start, end);
  const view = partViews[length] ?? memory.subarray(RECEIVE_BYTES, RECEIVE_BYTES + length);
  partViews[length] = view;
  packet.copy(view, 0, start, end);
  return view;
}

/** As `borrowedPacket`, but small ones are copies. */
export function clientPacket(length: number): Buffer {
  if (length > COPY_BYTES) return memory.subarray(0, length);
  const packet = Buffer.allocUnsafe(length);
  memory.copy(packet, 0, 0, length);
  return packet;
}

/** What `clientPacket` gave, or another's packet, to be kept as long as is wanted. */
export function keepClientPacket(packet: Buffer): Buffer {
  return packet.length > COPY_BYTES ? keep(packet) : packet;
}

/** The packet, or the part of one, itself when it may be kept, else a copy. */
export function keep(packet: Buffer): Buffer {
  return isBorrowed(packet) ? Buffer.from(packet) : packet;
}

/** True when the packet's bytes are only there until the handler returns. */
export function isBorrowed(packet: Uint8Array): boolean {
  return packet.buffer === memory.buffer;
}
