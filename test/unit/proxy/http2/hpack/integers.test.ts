import { expect, test } from "bun:test";
import fc from "fast-check";
import { MAX_REST_BYTES, restBytes, restValue, writeInteger } from "../../../../../src/proxy/http2/hpack/integers.ts";

test("examples of RFC 7541 section C.1", () => {
  const out = new Uint8Array(4);
  expect([writeInteger(out, 0, 10, 0x1f, 0), out[0]]).toEqual([1, 10]);
  expect([writeInteger(out, 0, 1337, 0x1f, 0xe0), ...out.subarray(0, 3)]).toEqual([3, 0xff, 0x9a, 0x0a]);
  expect([writeInteger(out, 0, 42, 0xff, 0), out[0]]).toEqual([1, 42]);
});

test("what is written is read, whatever the prefix", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 28 - 1 }), fc.integer({ min: 1, max: 8 }), (value, bits) => {
      const mask = 2 ** bits - 1;
      const out = new Uint8Array(8).fill(0xee);
      const end = writeInteger(out, 1, value, mask, 0);
      if (value < mask) expect([end, out[1]]).toEqual([2, value]);
      else {
        expect(out[1]).toBe(mask);
        const bytes = restBytes(out, 2, end);
        expect(bytes).toBe(end - 2);
        expect(mask + restValue(out, 2, bytes)).toBe(value);
        expect(restBytes(out, 2, end - 1)).toBe(0);
      }
    }),
  );
});

test("no more bytes are read than make an exact number", () => {
  const groups = (count: number) => new Uint8Array(count).fill(0xff, 0, count - 1).fill(0x7f, count - 1);
  expect(restBytes(groups(MAX_REST_BYTES), 0, MAX_REST_BYTES)).toBe(MAX_REST_BYTES);
  expect(restValue(groups(MAX_REST_BYTES), 0, MAX_REST_BYTES)).toBe(2 ** 28 - 1);
  expect(restBytes(groups(MAX_REST_BYTES + 1), 0, MAX_REST_BYTES + 1)).toBe(0);
});
