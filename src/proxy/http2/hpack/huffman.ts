/** Strings in the Huffman code of HPACK (RFC 7541 section 5.2). */
import { BYTES_BY_CODE, CODE_BITS, CODES, FIRST_CODE, MAX_CODE_BITS, SHORTER_CODES } from "./huffman-codes.ts";

/** Bits that are looked up at once: codes of what text is made of are no longer. */
const LOOKUP_BITS = 9;
/** What a string of so many bits begins with: its first byte, and the bits of that code above it; 0 = a longer code. */
const BITS_SHIFT = 8;
const LOOKUP = buildLookup();

/** Most bytes that `bytes` of code become: no code is shorter than five bits. */
export function mostDecodedBytes(bytes: number): number {
  return ((bytes * 8) / 5) | 0;
}

/**
 * Decodes `src[start, end)` to `out[at]`, which must have room for `mostDecodedBytes`.
 * @returns the offset after the bytes; -1 when it is no string: padding that is not of ones or is longer than seven bits, or
 * the code for the end of a string.
 */
export function decodeHuffman(src: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let pos = start;
  let bits = 0; // The lowest `count` are those that were read and not decoded.
  let count = 0;
  for (;;) {
    while (count <= 23 && pos < end) {
      bits = (bits << 8) | src[pos++];
      count += 8;
    }
    while (count >= LOOKUP_BITS) {
      const entry = LOOKUP[(bits >>> (count - LOOKUP_BITS)) & (2 ** LOOKUP_BITS - 1)];
      if (entry === 0) break;
      out[at++] = entry;
      count -= entry >> BITS_SHIFT;
    }
    if (count >= LOOKUP_BITS) {
      // A long code: where it begins is known by how much has been read.
      const from = pos * 8 - count;
      const length = longCodeBits(src, from, end * 8);
      if (length < 0) return -1;
      if (length === 0) return isPadding(src, from, end * 8) ? at : -1;
      out[at++] = longCodeByte(src, from, length);
      const next = from + length;
      pos = (next + 7) >> 3;
      count = pos * 8 - next;
      bits = count === 0 ? 0 : src[pos - 1];
      continue;
    }
    if (pos < end) continue;
    // Fewer bits than are looked up: the rest is filled up with ones, as padding is.
    const missing = LOOKUP_BITS - count;
    const entry = LOOKUP[((bits << missing) | ((1 << missing) - 1)) & (2 ** LOOKUP_BITS - 1)];
    const length = entry >> BITS_SHIFT;
    if (entry === 0 || length > count) {
      const ones = (1 << count) - 1;
      return count < 8 && (bits & ones) === ones ? at : -1;
    }
    out[at++] = entry;
    count -= length;
  }
}

/** Bits of the code that starts at bit `from`; 0 = it is not all there, -1 = it is the end of a string. */
function longCodeBits(src: Uint8Array, from: number, end: number): number {
  let code = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    const bit = from + length - 1;
    if (bit >= end) return 0;
    code = (code << 1) | ((src[bit >> 3] >> (7 - (bit & 7))) & 1);
    if (code - FIRST_CODE[length] < SHORTER_CODES[length + 1] - SHORTER_CODES[length]) return length;
  }
  return -1;
}

function longCodeByte(src: Uint8Array, from: number, length: number): number {
  let code = 0;
  for (let bit = from; bit < from + length; bit++) code = (code << 1) | ((src[bit >> 3] >> (7 - (bit & 7))) & 1);
  return BYTES_BY_CODE[SHORTER_CODES[length] + code - FIRST_CODE[length]];
}

function isPadding(src: Uint8Array, from: number, end: number): boolean {
  if (end - from > 7) return false;
  for (let bit = from; bit < end; bit++) if (((src[bit >> 3] >> (7 - (bit & 7))) & 1) === 0) return false;
  return true;
}

/** Bytes that `src[start, end)` becomes. */
export function huffmanBytes(src: Uint8Array, start: number, end: number): number {
  let bits = 7;
  for (let pos = start; pos < end; pos++) bits += CODE_BITS[src[pos]];
  return Math.floor(bits / 8);
}

/** Writes `src[start, end)` in code to `out[at]` and returns the offset after it. */
export function encodeHuffman(src: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let bits = 0;
  let count = 0; // below eight between two bytes
  for (let pos = start; pos < end; pos++) {
    const byte = src[pos];
    let length = CODE_BITS[byte];
    const code = CODES[byte];
    if (length > 24) {
      // Together with what is left over it would not fit into an integer.
      length -= 16;
      bits = (bits << length) | (code >>> 16);
      count += length;
      for (; count >= 8; count -= 8) out[at++] = bits >>> (count - 8);
      length = 16;
    }
    bits = (bits << length) | (code & ((1 << length) - 1));
    count += length;
    for (; count >= 8; count -= 8) out[at++] = bits >>> (count - 8);
  }
  if (count > 0) out[at++] = (bits << (8 - count)) | ((1 << (8 - count)) - 1);
  return at;
}

function buildLookup(): Uint16Array {
  const lookup = new Uint16Array(2 ** LOOKUP_BITS);
  for (let byte = 0; byte < 256; byte++) {
    const spare = LOOKUP_BITS - CODE_BITS[byte];
    if (spare < 0) continue;
    lookup.fill((CODE_BITS[byte] << BITS_SHIFT) | byte, CODES[byte] << spare, (CODES[byte] + 1) << spare);
  }
  return lookup;
}
