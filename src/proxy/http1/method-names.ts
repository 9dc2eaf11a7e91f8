/** Methods by their bytes. Unlike field names they are case-sensitive (RFC 9110 section 9.1). */
import { METHODS, Method } from "../../shared/memory/series-table.ts";

const WORDS: readonly Uint8Array[] = METHODS.map((name) => new TextEncoder().encode(name));
/** Longest method in `METHODS`. */
const LONGEST = WORDS.reduce((longest, word) => Math.max(longest, word.length), 0);
/** Identity for (length × 32 + low five bits of the first byte + second byte): the table is built without collision. */
const BY_SHAPE = buildShapes();

/** Index into `METHODS` of the token `buf[start, end)`; `Method.OTHER` when it is not there. */
export function methodOf(buf: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 2 || length > LONGEST) return Method.OTHER;
  const method = BY_SHAPE[shapeOf(length, buf[start], buf[start + 1])];
  if (method === Method.OTHER) return Method.OTHER;
  const word = WORDS[method];
  for (let i = 0; i < length; i++) if (buf[start + i] !== word[i]) return Method.OTHER;
  return word.length === length ? method : Method.OTHER;
}

function shapeOf(length: number, first: number, second: number): number {
  return (length * 8 + first * 3 + second) & 255;
}

function buildShapes(): Uint8Array {
  const shapes = new Uint8Array(256);
  for (let method = 1; method < WORDS.length; method++) {
    const word = WORDS[method];
    const shape = shapeOf(word.length, word[0], word[1]);
    if (shapes[shape] !== 0) throw new Error(`methods ${METHODS[method]} and ${METHODS[shapes[shape]]} collide`);
    shapes[shape] = method;
  }
  return shapes;
}
