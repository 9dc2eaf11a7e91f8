/** The checksum CRC-32C (Castagnoli; RFC 3720 appendix B.4), as headers of the PROXY protocol have it. */

const POLYNOMIAL = 0x82f6_3b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value >>> 0;
});

/** Of `bytes[start … end)`, with the four bytes at `zeroAt` taken for zero. */
export function crc32c(bytes: Uint8Array, start: number, end: number, zeroAt: number): number {
  let value = 0xffff_ffff;
  for (let at = start; at < end; at++) {
    const byte = at >= zeroAt && at < zeroAt + 4 ? 0 : bytes[at];
    value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  }
  return (value ^ 0xffff_ffff) >>> 0;
}
