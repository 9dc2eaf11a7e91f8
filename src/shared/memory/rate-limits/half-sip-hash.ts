/**
 * HalfSipHash-2-4 with 64 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", and its reference code): a
 * hash with a secret, so that nobody can choose inputs that fall together. Words of 32 bits, which is what this language does fast.
 */

/** Two words of secret. */
export interface HashSecret {
  readonly k0: number;
  readonly k1: number;
}

/** The hash that was worked out last: used again for the next one, so that none allocates. */
export class KeyHash {
  hi = 0;
  lo = 0;
}

/** Hashes `bytes[start … end)` into `out`. */
export function halfSipHash({ k0, k1 }: HashSecret, bytes: Uint8Array, start: number, end: number, out: KeyHash): void {
  let v0 = k0;
  let v1 = k1 ^ 0xee;
  let v2 = 0x6c796765 ^ k0;
  let v3 = 0x74656462 ^ k1;
  const length = end - start;
  const whole = start + (length & ~3);
  let at = start;
  // The last word has what is left of the bytes, and their number.
  for (;;) {
    const isLast = at === whole;
    let word = isLast ? length << 24 : bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    if (isLast) for (let i = 0; whole + i < end; i++) word |= bytes[whole + i] << (8 * i);
    v3 ^= word;
    for (let round = 0; round < 2; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
    if (isLast) break;
    at += 4;
  }
  v2 ^= 0xee;
  for (let round = 0; round < 8; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    if (round === 3) {
      out.lo = v1 ^ v3;
      v1 ^= 0xdd;
    }
  }
  out.hi = v1 ^ v3;
}
