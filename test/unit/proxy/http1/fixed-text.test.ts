/** Text that is written by words is the same bytes. */
import { describe, expect, test } from "bun:test";
import { FixedText, viewOf, writeFixed } from "../../../../src/proxy/http1/fixed-text.ts";

const PLACES = 9;
const ROOM = 8;

describe("fixed text", () => {
  test.each(["", "a", "1234567", "12345678", "123456789", ',"first_byte_ms":', "Grüße, 東京 🦊", "\u007f".repeat(9)])(
    "is written as it is, wherever it begins: %j",
    (text) => {
      const bytes = Buffer.from(text);
      const fixed = new FixedText(text);
      expect(fixed.bytes).toEqual(bytes);
      for (let at = 0; at < PLACES; at++) {
        const out = Buffer.alloc(at + bytes.length + ROOM, "x");
        expect(writeFixed(viewOf(out), at, fixed)).toBe(at + bytes.length);
        expect(out.subarray(0, at + bytes.length)).toEqual(Buffer.concat([Buffer.alloc(at, "x"), bytes]));
      }
    },
  );

  test("nothing in UTF-8 is a number that is none", () => {
    for (let code = 1; code <= 0x10_ffff; code += 7) {
      const text = String.fromCodePoint(code);
      const { words } = new FixedText(text.repeat(8));
      expect(words.every((word) => !Number.isNaN(word))).toBe(true);
    }
  });

  test("may change its bytes", () => {
    const fixed = new FixedText("0000-00");
    fixed.bytes.write("2031-02");
    const out = Buffer.alloc(16);
    expect(out.toString("latin1", 0, writeFixed(viewOf(out), 0, fixed))).toBe("2031-02");
  });
});
