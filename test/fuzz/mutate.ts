/** Damages HTTP messages, reproducibly: by bytes, by words that matter, and by pieces of other messages. */

/** A seeded generator: uniform integers in [0, bound). */
export type Random = (bound: number) => number;

/** mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

const WORDS: readonly Uint8Array[] = [
  "\r\n",
  "\r",
  "\n",
  "\r\n\r\n",
  "\n\n",
  "\r\r\n",
  " ",
  "\t",
  "\0",
  "\x0b",
  "\x7f",
  "\x80",
  ":",
  ": ",
  " :",
  ",",
  ";",
  "=",
  '"',
  "\\",
  "#",
  "?",
  "@",
  "[",
  "]",
  "%41",
  "0",
  "1",
  "5",
  "a",
  "F",
  "0x",
  "+",
  "-",
  "_",
  "chunked",
  ", chunked",
  "identity",
  "gzip, ",
  "close",
  "keep-alive",
  "upgrade",
  "transfer-encoding",
  "100-continue",
  "GET ",
  "POST ",
  "HEAD ",
  "HTTP/1.0",
  "HTTP/1.1",
  "HTTP/2.0",
  "http://b",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: x\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Content-Length: 18446744073709551617\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "Connection: upgrade\r\nUpgrade: x\r\n",
  "Host: b\r\n",
  "Expect: 100-continue\r\n",
  "X: y\r\n",
  " z\r\n",
  "0\r\n\r\n",
  "1\r\nx\r\n",
  ";a=b",
  ';a="b"',
  "ffffffffffffffff",
  "GET /s HTTP/1.1\r\nHost: s\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  " 204 ",
  " 304 ",
].map((word) => Uint8Array.from(word, (character) => character.charCodeAt(0)));

/** One to four damages to a copy of `input`; `other` lends pieces. The result has at most `maxBytes`. */
export function mutate(input: Uint8Array, other: Uint8Array, random: Random, maxBytes: number): Uint8Array {
  let bytes = input;
  for (let damages = 1 + random(random(2) === 0 ? 1 : 4); damages > 0; damages--) bytes = damage(bytes, other, random);
  return bytes.subarray(0, maxBytes);
}

function damage(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const at = random(bytes.length + 1);
  const length = 1 + random(random(3) === 0 ? 30 : 3);
  switch (random(10)) {
    case 0:
      return splice(bytes, at, 1, Uint8Array.of(random(256)));
    case 1:
      return splice(bytes, at, length, EMPTY);
    case 2:
      return splice(bytes, at, 0, bytes.subarray(at, at + length));
    case 3: {
      const from = random(other.length + 1);
      return splice(bytes, at, random(2) === 0 ? 0 : length, other.subarray(from, from + length * 3));
    }
    case 4:
      return splice(bytes, at, length, WORDS[random(WORDS.length)]);
    case 5:
      return splice(bytes, lineStart(bytes, at), 0, WORDS[random(WORDS.length)]);
    case 6: {
      const start = lineStart(bytes, at);
      return splice(bytes, start, 0, bytes.subarray(start, lineStart(bytes, at + 40)));
    }
    case 7:
      // Another letter case, another digit: what a flipped bit makes of text.
      return splice(bytes, at, 1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << random(8))));
    case 8:
      return splice(bytes, bytes.length, 0, other);
    default:
      return splice(bytes, at, 0, WORDS[random(WORDS.length)]);
  }
}

const EMPTY = new Uint8Array(0);

/** Offset of the line that holds `at`. */
function lineStart(bytes: Uint8Array, at: number): number {
  return bytes.lastIndexOf(0x0a, Math.max(0, at - 1)) + 1;
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const tail = bytes.subarray(Math.min(bytes.length, at + remove));
  const out = new Uint8Array(Math.min(at, bytes.length) + insert.length + tail.length);
  out.set(bytes.subarray(0, at));
  out.set(insert, Math.min(at, bytes.length));
  out.set(tail, out.length - tail.length);
  return out;
}
