/** The Huffman code of HPACK (RFC 7541 appendix B): canonical, so the lengths of its codes say all. */

/** Bits of the code of each byte. */
// biome-ignore format: a table of numbers.
const CODE_LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
  28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6,
  12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15,
  5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20,
  22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22,
  23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
  21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26,
  27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
] as const;

/** Bits of the longest code. What comes last among these, thirty ones, is the end of a string, and never in one. */
export const MAX_CODE_BITS = 30;

/** Bits of the code of each byte. */
export const CODE_BITS: Uint8Array = Uint8Array.from(CODE_LENGTHS);
/** Bytes in the order of their codes: by length, then by value. */
export const BYTES_BY_CODE: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => byte).sort(
  (a, b) => CODE_BITS[a] - CODE_BITS[b] || a - b,
);
/** The first code with so many bits. */
export const FIRST_CODE: Int32Array = new Int32Array(MAX_CODE_BITS + 2);
/** How many bytes have shorter codes: where those with so many bits begin in `BYTES_BY_CODE`. */
export const SHORTER_CODES: Int32Array = new Int32Array(MAX_CODE_BITS + 2);
/** The code of each byte, in its lowest bits. */
export const CODES: Int32Array = buildCodes();

function buildCodes(): Int32Array {
  const codes = new Int32Array(256);
  let code = 0;
  let next = 0;
  for (let bits = 1; bits <= MAX_CODE_BITS + 1; bits++) {
    code <<= 1;
    FIRST_CODE[bits] = code;
    SHORTER_CODES[bits] = next;
    while (next < 256 && CODE_BITS[BYTES_BY_CODE[next]] === bits) codes[BYTES_BY_CODE[next++]] = code++;
  }
  return codes;
}
