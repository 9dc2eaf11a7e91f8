import { expect, test } from "bun:test";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { ProtobufWriter } from "../../../../src/shared/protobuf/writer.ts";

/** Writes one field and reads what stands behind its key. */
function written<T>(write: (out: ProtobufWriter) => void, read: (reader: BinaryReader) => T): T {
  const out = new ProtobufWriter();
  write(out);
  const reader = new BinaryReader(out.take());
  expect(reader.tag()[0]).toBe(3);
  const value = read(reader);
  expect(reader.pos).toBe(reader.len);
  return value;
}

test("numbers are read as they were written", () => {
  const whole = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 2 ** 32 - 1, 2 ** 32, 2 ** 53));
  fc.assert(
    fc.property(whole, fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), fc.double(), (uint, sint, double) => {
      expect(
        written(
          (out) => out.uint(3, uint),
          (reader) => Number(reader.uint64()),
        ),
      ).toBe(uint);
      expect(
        written(
          (out) => out.sint(3, sint),
          (reader) => Number(reader.sint64()),
        ),
      ).toBe(sint === 0 ? 0 : sint);
      expect(
        written(
          (out) => out.double(3, double),
          (reader) => reader.double(),
        ),
      ).toBe(double);
    }),
  );
});

test("what has a sign is read as it was written", () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1, -(2 ** 53))), (value) => {
      expect(
        written(
          (out) => out.int(3, value),
          (reader) => Number(reader.int64()),
        ),
      ).toBe(value);
    }),
  );
});

test("what has a fixed length is read as it was written", () => {
  const half = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(half, half, fc.uint8Array({ maxLength: 300 }), (low, high, bytes) => {
      expect(
        written(
          (out) => out.fixed32(3, low),
          (reader) => reader.fixed32(),
        ),
      ).toBe(low);
      expect(
        written(
          (out) => out.fixed64(3, low, high),
          (reader) => BigInt(reader.fixed64()),
        ),
      ).toBe((BigInt(high) << 32n) | BigInt(low));
      expect(
        written(
          (out) => out.bytes(3, bytes),
          (reader) => reader.bytes(),
        ),
      ).toEqual(bytes);
    }),
  );
});

test("text is read as it was written, what is no Unicode replaced", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constant("\ud800x")), (text) => {
      expect(
        written(
          (out) => out.string(3, text),
          (reader) => reader.string(),
        ),
      ).toBe(text.toWellFormed());
    }),
  );
});

test("messages within messages have their lengths, however long they are", () => {
  for (const length of [0, 1, 100, 120, 126, 127, 128, 16_000, 16_383, 16_384, 70_000, 3_000_000]) {
    const out = new ProtobufWriter();
    out.begin();
    out.begin(1);
    out.string(2, "x".repeat(length));
    out.end();
    out.uint(4, 5);
    out.end();
    const reader = new BinaryReader(out.take());
    const outer = new BinaryReader(reader.bytes());
    expect(reader.pos).toBe(reader.len);
    expect(outer.tag()[0]).toBe(1);
    const inner = new BinaryReader(outer.bytes());
    expect(inner.tag()[0]).toBe(2);
    expect(inner.string().length).toBe(length);
    expect(inner.pos).toBe(inner.len);
    expect(outer.tag()[0]).toBe(4);
    expect(outer.uint32()).toBe(5);
    expect(out.take().length).toBe(0);
  }
});
