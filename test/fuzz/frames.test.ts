/** Damaged connections of HTTP/2: in whatever pieces the bytes come, there is one reading of them. */
import { expect, test } from "bun:test";
import { readStories } from "../fixtures/hpack-test-case/read.ts";
import cases from "../fixtures/http2-frame-test-case/cases.json";
import { END_HEADERS, END_STREAM, frame, PADDED, PRIORITY, readIn, Type } from "../unit/proxy/http2/frames/support.ts";
import { mutate, type Random, seededRandom } from "./mutate.ts";

const MAX_BYTES = 600;
const ERROR = /^connection error/;

const BLOCKS = readStories()
  .slice(0, 40)
  .map(({ blocks }) => blocks[0].block.subarray(0, 60));
const POOL: readonly Buffer[] = [
  ...cases.map(({ wire }) => Buffer.from(wire, "hex")),
  ...BLOCKS.map((block, at) => frame(Type.HEADERS, END_HEADERS | (at & 1), 1 + 2 * at, block)),
  ...BLOCKS.map((block, at) =>
    Buffer.concat([
      frame(Type.HEADERS, PADDED, 1 + 2 * at, Buffer.concat([Buffer.from([3]), block, Buffer.alloc(3)])),
      frame(Type.CONTINUATION, 0, 1 + 2 * at, ""),
      frame(Type.CONTINUATION, END_HEADERS, 1 + 2 * at, block),
    ]),
  ),
  frame(Type.HEADERS, PRIORITY | END_HEADERS, 1, "\0\0\0\x01\x10abc"),
  frame(Type.DATA, PADDED | END_STREAM, 1, "\x02abc\0\0"),
  frame(Type.DATA, PADDED, 1, "\0"),
  frame(Type.DATA, 0, 3, "x".repeat(200)),
  frame(0xfa, 0xff, 7, "unknown"),
];

/** A connection of a few frames, most of which are whole. */
function nextConnection(random: Random): Buffer {
  const pick = () => POOL[random(POOL.length)];
  const parts = Array.from({ length: 1 + random(5) }, () => {
    const part = Buffer.from(pick());
    const way = random(6);
    if (way === 0) return Buffer.from(mutate(part, pick(), random, MAX_BYTES));
    // The header says what the rest is taken for.
    if (way === 1) part[random(Math.min(9, part.length))] ^= 1 << random(8);
    if (way === 2 && part.length > 9) part[2] = part.length - 9 - random(3);
    return part;
  });
  return Buffer.concat(parts);
}

/** Sizes of packets, one byte to many. */
function sizes(random: Random): number[] {
  return Array.from({ length: 400 }, () => 1 + random(random(2) === 0 ? 4 : 60));
}

test("20,000 damaged connections are read alike in any pieces", () => {
  const random = seededRandom(9113);
  const kinds = { refused: 0, read: 0 };
  for (let round = 0; round < 20_000; round++) {
    const bytes = nextConnection(random);
    const whole = readIn(bytes);
    const notes = { bytes: bytes.toString("hex"), lines: whole };
    expect({ ...notes, lines: readIn(bytes, 1) }).toEqual(notes);
    expect({ ...notes, lines: readIn(bytes, ...sizes(random)) }).toEqual(notes);
    // A beginning is read as the beginning of the whole, and nothing follows what ends the connection.
    const cut = random(bytes.length + 1);
    const early = readIn(bytes.subarray(0, cut)).filter((line) => !line.startsWith("data"));
    expect(whole.filter((line) => !line.startsWith("data")).slice(0, early.length)).toEqual(early);
    const end = whole.findIndex((line) => ERROR.test(line));
    if (end >= 0) expect(end).toBe(whole.length - 1);
    kinds[end < 0 ? "read" : "refused"]++;
  }
  expect(kinds.read).toBeGreaterThan(3000);
  expect(kinds.refused).toBeGreaterThan(3000);
});
