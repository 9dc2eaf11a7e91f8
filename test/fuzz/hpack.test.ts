/** Damaged header blocks: the decoder reads and refuses what RFC 7541 does, and heads of them are sound. */
import { expect, test } from "bun:test";
import { RequestHead } from "../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../src/proxy/http1/request-parser.ts";
import { REQUEST_RULES, RESPONSE_RULES } from "../../src/proxy/http2/heads/field-rules.ts";
import { RequestReader } from "../../src/proxy/http2/heads/request-reader.ts";
import { ResponseReader } from "../../src/proxy/http2/heads/response-reader.ts";
import { HpackDecoder } from "../../src/proxy/http2/hpack/decoder.ts";
import { LiteralMemo } from "../../src/proxy/http2/hpack/literal-memo.ts";
import { readStories } from "../fixtures/hpack-test-case/read.ts";
import { FieldList, NO_RULES } from "../unit/proxy/http2/hpack/support.ts";
import { mutate, type Random, seededRandom } from "./mutate.ts";
import { PlainHpack } from "./plain-hpack.ts";

const MAX_BYTES = 400;
/** First blocks of connections, as encoders of others write them. */
const POOL = readStories()
  .map(({ blocks }) => blocks[0].block)
  .filter(({ length }) => length <= MAX_BYTES);
/** What may stand behind the pseudo-fields of a request, in several representations. */
const FIELDS = [
  "90",
  "508a",
  "4001610162",
  "00017803797a20",
  "100174827f8f",
  "58 86a8eb10649cbf",
  "60036b3d76",
  "0f0d0135",
].map((digits) => Buffer.from(digits.replaceAll(" ", ""), "hex"));
/** What numbers, indices and sizes begin with, and ends of codes. */
const WORDS = [
  "80",
  "be",
  "ff80808000",
  "7f01",
  "40",
  "20",
  "3fe11f",
  "3f45",
  "1f",
  "0f2f",
  "ffffffff",
  "81ff",
  "8007",
];

/** What a response begins with. */
const STATUSES = ["4803323030", "0803323030", "1803323030", "88", "be"].map((digits) => Buffer.from(digits, "hex"));
/** Its fields, and entries of the dynamic table. */
const RESPONSE_FIELDS = [
  "be",
  "bf",
  "c0",
  "5c0135",
  "0f0d0135",
  "58 86a8eb10649cbf",
  "4001610162",
  "0001610163",
  "7e0164",
  "3fe11f",
].map((digits) => Buffer.from(digits.replaceAll(" ", ""), "hex"));

/** A block that may be damaged: a little, in a word, or from its ground up. */
function nextBlock(pool: readonly Buffer[], random: Random): Buffer {
  const block = Buffer.from(pool[random(pool.length)]);
  const way = random(4);
  if (way === 1) block[random(block.length)] ^= 1 << random(8);
  else if (way === 2) {
    const at = random(block.length + 1);
    const word = Buffer.from(WORDS[random(WORDS.length)], "hex");
    return Buffer.concat([block.subarray(0, at), word, block.subarray(at)]);
  } else if (way === 3) return Buffer.from(mutate(block, pool[random(pool.length)], random, MAX_BYTES));
  return block;
}

test("30,000 damaged blocks are read as RFC 7541 says, over whole connections", () => {
  const random = seededRandom(7541);
  const kinds = { read: 0, refused: 0 };
  for (let connection = 0; connection < 6000; connection++) {
    const decoder = new HpackDecoder(NO_RULES);
    const plain = new PlainHpack();
    for (let round = 0; round < 5; round++) {
      if (random(8) === 0) {
        const size = random(5000);
        decoder.announced(size);
        plain.announced(size);
      }
      const block = nextBlock(POOL, random);
      const list = new FieldList();
      const code = decoder.decode(block, 0, block.length, list);
      const expected = plain.decode(block);
      const read = code === 0 ? list.fields.map((field) => field.replace(/ \(never\)$/, "")) : null;
      if (!Bun.deepEquals(read, expected)) {
        expect({ block: block.toString("hex"), code, read }).toEqual({
          block: block.toString("hex"),
          code,
          read: expected,
        });
      }
      kinds[read === null ? "refused" : "read"]++;
      if (read === null) break;
      expect(decoder.tableSize).toBe(plain.tableSize);
    }
  }
  expect(kinds.read).toBeGreaterThan(3000);
  expect(kinds.refused).toBeGreaterThan(3000);
});

test("30,000 damaged requests are refused, or are one head of HTTP/1.1 and nothing behind it", () => {
  const random = seededRandom(9113);
  const reader = new RequestReader();
  const head = new RequestHead();
  const out = Buffer.alloc(65_536);
  let accepted = 0;
  for (let round = 0; round < 30_000; round++) {
    const decoder = new HpackDecoder(REQUEST_RULES);
    // Every request begins as one, else hardly any would get past the pseudo-fields.
    const fields = Array.from({ length: random(5) }, () => nextBlock(FIELDS, random));
    const block = Buffer.concat([Buffer.from("828684410161", "hex"), ...fields]);
    reader.begin(random(10) === 0 ? random(600) : out.length);
    if (decoder.decode(block, 0, block.length, reader) !== 0) continue;
    const length = reader.finish(random(2) === 0, null);
    if (length < 0) continue;
    expect(reader.write(out, 0)).toBe(length);
    const result = parseRequestHead(out, 0, length, head, { maxHeadBytes: out.length, maxFields: 128 });
    expect(result).not.toBe(0);
    if (result < 0) continue;
    accepted++;
    let lines = 0;
    expect(result).toBe(length);
    expect(out.toString("latin1", 0, 23)).toBe("GET / HTTP/1.1\r\nhost: a");
    for (let at = out.indexOf("\r\n"); at < length - 2; at = out.indexOf("\r\n", at + 2)) lines++;
    expect(lines).toBe(head.fieldCount + 1);
  }
  expect(accepted).toBeGreaterThan(3000);
});

test("30,000 damaged responses are read alike, whether or not their literals are known", () => {
  const random = seededRandom(7540);
  const literals = new LiteralMemo();
  const out = Buffer.alloc(65_536);
  let accepted = 0;
  for (let connection = 0; connection < 3000; connection++) {
    const sides = [null, literals].map((memo) => ({
      decoder: new HpackDecoder(RESPONSE_RULES, memo),
      reader: new ResponseReader(),
    }));
    for (let round = 0; round < 10; round++) {
      const fields = Array.from({ length: random(6) }, () => RESPONSE_FIELDS[random(RESPONSE_FIELDS.length)]);
      const whole = Buffer.concat([STATUSES[random(STATUSES.length)], ...fields]);
      const block = random(3) === 0 ? nextBlock([whole], random) : whole;
      const [first, second] = sides.map(({ decoder, reader }) => {
        reader.begin(out.length);
        const code = decoder.decode(block, 0, block.length, reader);
        const length = code === 0 ? reader.finish(false, true, null) : 0;
        const head = length > 0 ? out.toString("latin1", 0, reader.write(out, 0)) : "";
        return { code, length, head, tableSize: decoder.tableSize };
      });
      expect(second).toEqual(first);
      if (first.code !== 0) break;
      if (first.length > 0) accepted++;
    }
  }
  expect(accepted).toBeGreaterThan(1000);
});
