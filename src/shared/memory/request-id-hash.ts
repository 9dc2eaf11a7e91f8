/** Request ids as the 128 bits that a decision's record has room for. */

/**
 * Writes a hash of the id in `bytes[start … end)` into `words[at … at + 4)`. An id is text of any length (a trusted peer may
 * have sent it), and it is hashed for every request: four bytes at a time, into four words in turn.
 */
export function hashRequestId(bytes: Buffer, start: number, end: number, words: Int32Array, at: number): void {
  let a = 0x243f6a88;
  let b = 0x85a308d3;
  let c = 0x13198a2e;
  let d = end - start;
  let i = start;
  for (; i + 16 <= end; i += 16) {
    a = mix(a, bytes.readInt32LE(i));
    b = mix(b, bytes.readInt32LE(i + 4));
    c = mix(c, bytes.readInt32LE(i + 8));
    d = mix(d, bytes.readInt32LE(i + 12));
  }
  for (; i < end; i++) {
    a = mix(a, bytes[i]);
    b = mix(b, a);
    c = mix(c, b);
    d = mix(d, c);
  }
  words[at] = a;
  words[at + 1] = b;
  words[at + 2] = c;
  words[at + 3] = d;
}

function mix(hash: number, word: number): number {
  const h = Math.imul(hash ^ word, 0x9e3779b1);
  return h ^ (h >>> 15);
}
