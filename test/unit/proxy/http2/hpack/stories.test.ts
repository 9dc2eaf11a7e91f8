/** What encoders that nobody here wrote have made of real header sets, and what our own makes of them. */
import { expect, test } from "bun:test";
import { HpackDecoder } from "../../../../../src/proxy/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../../../src/proxy/http2/hpack/encoder.ts";
import { LiteralMemo } from "../../../../../src/proxy/http2/hpack/literal-memo.ts";
import { RecurringLines } from "../../../../../src/proxy/http2/hpack/recurring-lines.ts";
import { readStories } from "../../../../fixtures/hpack-test-case/read.ts";
import { FieldList, NO_RULES } from "./support.ts";

const STORIES = readStories();
const encoders = new Set(STORIES.map(({ encoder }) => encoder));

/** Of all connections that follow, as a worker has it. */
const literals = new LiteralMemo();

test.each(
  [...encoders].flatMap((encoder) => [
    { encoder, title: "", memo: null },
    { encoder, title: ", with literals that are known", memo: literals },
  ]),
)("blocks of $encoder are read$title", ({ encoder, memo }) => {
  for (const { name, blocks } of STORIES.filter((story) => story.encoder === encoder)) {
    const decoder = new HpackDecoder(NO_RULES, memo);
    for (const [index, { block, fields, tableSize }] of blocks.entries()) {
      if (tableSize > 0) decoder.announced(tableSize);
      const list = new FieldList();
      const code = decoder.decode(block, 0, block.length, list);
      const plain = list.fields.map((field) => field.replace(/ \(never\)$/, ""));
      const expected = fields.map(([fieldName, value]) => Buffer.from(`${fieldName}: ${value}`).toString("latin1"));
      if (code !== 0 || !Bun.deepEquals(plain, expected)) {
        expect({ name, index, code, fields: plain }).toEqual({ name, index, code: 0, fields: expected });
      }
    }
  }
});

test("there are all of them", () => {
  expect(encoders.size).toBe(14);
  expect(STORIES.reduce((sum, { blocks }) => sum + blocks.length, 0)).toBe(47_142);
});

test("what our own encoder makes of them is read again, and small", () => {
  const recurring = new RecurringLines();
  const out = Buffer.alloc(65_536);
  let plainBytes = 0;
  let blockBytes = 0;
  for (const { blocks } of STORIES.filter(({ encoder }) => encoder === "nghttp2")) {
    const encoder = new HpackEncoder(recurring);
    const decoder = new HpackDecoder(NO_RULES);
    for (const { fields } of blocks) {
      const plain = fields.filter(([name]) => !name.startsWith(":")).map(([name, value]) => `${name}: ${value}`);
      const lines = Buffer.from(plain.map((line) => `${line}\r\n`).join(""));
      let at = encoder.begin(out, 0);
      for (let start = 0; start < lines.length; start = encoder.lineEnd) {
        const next = encoder.known(out, at, lines, start, lines.length);
        if (next >= 0) at = next;
        else {
          encoder.scan(lines, start);
          at = encoder.put(out, at, lines, false);
        }
      }
      plainBytes += lines.length;
      blockBytes += at;
      const list = new FieldList();
      expect(decoder.decode(out, 0, at, list)).toBe(0);
      expect(list.fields).toEqual(
        plain.map((line) => Buffer.from(line.replace(/(?<=: .*) +$/, "")).toString("latin1")),
      );
    }
  }
  expect(blockBytes / plainBytes).toBeLessThan(0.4);
});
