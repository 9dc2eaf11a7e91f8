/** The Huffman code: every byte, every alignment, and nothing that is not exactly the code of a string. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodeHuffman,
  encodeHuffman,
  huffmanBytes,
  mostDecodedBytes,
} from "../../../../../src/proxy/http2/hpack/huffman.ts";
import { CODE_BITS, CODES } from "../../../../../src/proxy/http2/hpack/huffman-codes.ts";

function encode(text: Uint8Array): Uint8Array {
  const out = new Uint8Array(text.length * 4 + 1);
  return out.subarray(0, encodeHuffman(text, 0, text.length, out, 0));
}

/** Decodes in the middle of other bytes. @returns null when it is refused. */
function decode(code: Uint8Array): Uint8Array | null {
  const src = new Uint8Array(code.length + 2).fill(0x1f);
  src.set(code, 1);
  const room = mostDecodedBytes(code.length);
  const out = new Uint8Array(room + 2).fill(0xee);
  const end = decodeHuffman(src, 1, 1 + code.length, out, 1);
  expect([out[0], out[room + 1]]).toEqual([0xee, 0xee]);
  return end < 0 ? null : out.slice(1, end);
}

/** Bits as text, each byte of it apart from the table that is used else. */
function bitsOf(text: Uint8Array): string {
  return [...text].map((byte) => CODES[byte].toString(2).padStart(CODE_BITS[byte], "0")).join("");
}

function fromBits(bits: string): Uint8Array {
  return Uint8Array.from({ length: bits.length / 8 }, (_, i) => Number.parseInt(bits.slice(i * 8, i * 8 + 8), 2));
}

test("codes are those of RFC 7541 appendix B", () => {
  const samples: [byte: number, code: number, bits: number][] = [
    [0, 0x1ff8, 13],
    [10, 0x3ffffffc, 30],
    [32, 0x14, 6],
    [48, 0x0, 5],
    [92, 0x7fff0, 19],
    [122, 0x7b, 7],
    [127, 0xffffffc, 28],
    [220, 0xffffffd, 28],
    [255, 0x3ffffee, 26],
    [22, 0x3ffffffe, 30],
  ];
  for (const [byte, code, bits] of samples) expect([CODES[byte], CODE_BITS[byte]]).toEqual([code, bits]);
  // A complete code, but for the end of a string.
  expect(CODE_BITS.reduce((sum, bits) => sum + 2 ** (30 - bits), 1)).toBe(2 ** 30);
});

test("every byte comes back, behind and before every other", () => {
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      const text = Uint8Array.of(first, second, first);
      const code = encode(text);
      expect(code.length).toBe(huffmanBytes(text, 0, 3));
      if (!Bun.deepEquals(decode(code), text)) throw new Error(`${first}, ${second}`);
    }
  }
});

test("any string comes back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (text) => {
      const code = encode(text);
      expect(code.length).toBe(huffmanBytes(text, 0, text.length));
      expect(decode(code)).toEqual(text);
    }),
  );
});

test("any bytes are the code of one string, or of none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (code) => {
      const text = decode(code);
      if (text !== null) expect(encode(text)).toEqual(code);
    }),
    { numRuns: 2000 },
  );
});

describe("refused", () => {
  test.each([
    ["more than seven bits of padding", "00000" + "11111111111"],
    ["padding with a zero", "00000" + "110"],
    ["the end of a string", "1".repeat(32)],
    ["the end of a string behind a byte", `00000${"1".repeat(35)}`],
    ["a part of a code that is no padding", "11111111" + "11111110"],
  ])("%s", (_, bits) => {
    expect(decode(fromBits(bits))).toBeNull();
  });

  test("a long code at every place, short of one bit", () => {
    for (let before = 0; before < 9; before++) {
      const text = new Uint8Array(before + 1).fill(48);
      text[before] = 10;
      const bits = bitsOf(text);
      const whole = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
      expect(decode(fromBits(whole))).toEqual(text);
      const cut = whole.slice(0, Math.floor((bits.length - 1) / 8) * 8);
      expect(decode(fromBits(cut))).toBeNull();
    }
  });
});
