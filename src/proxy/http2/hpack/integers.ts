/** Integers of HPACK (RFC 7541 section 5.1): what does not fit into a byte's prefix follows in groups of seven bits. */

/** Bytes behind the prefix that are read at most: 28 bits, and so is every sum of it and the prefix exact. */
export const MAX_REST_BYTES = 4;

/** Most bytes that `writeInteger` takes for a number below 2^28. */
export const MAX_INTEGER_BYTES = 1 + MAX_REST_BYTES;

/** How many bytes follow the prefix of an integer, zeros at its end included; 0 = more than there are, or than are read. */
export function restBytes(buf: Uint8Array, start: number, end: number): number {
  const limit = Math.min(end, start + MAX_REST_BYTES);
  for (let pos = start; pos < limit; pos++) if (buf[pos] < 0x80) return pos + 1 - start;
  return 0;
}

/** What the groups `buf[start … start + bytes)` add to a prefix of ones. */
export function restValue(buf: Uint8Array, start: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value |= (buf[start + i] & 0x7f) << (7 * i);
  return value;
}

/**
 * Writes `value`, below 2^28, with a prefix of some bits.
 * @param mask the prefix of ones, such as 0x7f.
 * @param flags the bits above it.
 * @returns the offset after it.
 */
export function writeInteger(out: Uint8Array, at: number, value: number, mask: number, flags: number): number {
  if (value < mask) {
    out[at] = flags | value;
    return at + 1;
  }
  out[at++] = flags | mask;
  let rest = value - mask;
  while (rest >= 0x80) {
    out[at++] = 0x80 | (rest & 0x7f);
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}
