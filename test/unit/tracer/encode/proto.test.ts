/** Protocol buffers, written and read. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readExportResponse as read } from "../../../../src/tracer/encode/export-response.ts";
import { fields } from "../../../../src/tracer/encode/proto-reader.ts";
import { ProtoWriter, varintLength, writeNanoseconds } from "../../../../src/tracer/encode/proto-writer.ts";
import { CollectorWords } from "../../../../src/tracer/export/collector-words.ts";
import { retryInfoMs } from "../../../../src/tracer/export/retry-info.ts";
import { encodeResponse } from "../../../support/tracing/decode.ts";

const readExportResponse = (bytes: Uint8Array) => read(bytes, new CollectorWords({}).of);

describe("what is written", () => {
  test("numbers and texts come back", () => {
    const text = fc.string({ maxLength: 400 });
    fc.assert(
      fc.property(fc.maxSafeNat(), text, fc.integer({ min: 1, max: 100 }), (number, value, field) => {
        const writer = new ProtoWriter();
        const begun = writer.begin(field);
        writer.int(1, number);
        writer.text(2, value);
        writer.end(begun);
        const [{ field: outer, value: inside }] = [...fields(writer.bytes())];
        expect(outer).toBe(field);
        const [first, second] = [...fields(inside as Uint8Array)];
        expect(first).toEqual({ field: 1, value: number });
        expect(Buffer.from(second.value as Uint8Array).toString()).toBe(Buffer.from(value).toString());
      }),
    );
  });

  test("a negative number has ten bytes", () => {
    const writer = new ProtoWriter();
    writer.int(1, -2);
    expect(writer.bytes().toString("hex")).toBe("08feffffffffffffffff01");
  });

  test("the length of a number", () => {
    expect([0, 127, 128, 16_383, 16_384, 2 ** 35].map(varintLength)).toEqual([1, 1, 2, 2, 3, 6]);
  });

  test("times are exact to what a number holds", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4_000_000_000_000 }),
        fc.integer({ min: 0, max: 999 }),
        (ms, thousandths) => {
          const writer = new ProtoWriter();
          const time = ms + thousandths / 1000;
          writeNanoseconds(writer, 1, time);
          const whole = Math.floor(time);
          const expected = BigInt(whole) * 1_000_000n + BigInt(Math.round((time - whole) * 1e6));
          expect(writer.bytes().readBigUInt64LE(1)).toBe(expected);
        },
      ),
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])("a time of %p is none", (time) => {
    const writer = new ProtoWriter();
    writeNanoseconds(writer, 1, time);
    expect(writer.bytes().readBigUInt64LE(1)).toBe(0n);
  });
});

describe("what a collector answers", () => {
  test("nothing is all taken; else it says how many it did not want, and why", () => {
    expect(readExportResponse(new Uint8Array())).toEqual({ rejectedSpans: 0, message: "" });
    expect(readExportResponse(encodeResponse(3, "too\nold\u0007"))).toEqual({ rejectedSpans: 3, message: "too old" });
    expect(readExportResponse(encodeResponse(-1, "odd"))).toEqual({ rejectedSpans: 0, message: "odd" });
    expect(readExportResponse(encodeResponse(-(2 ** 52), ""))).toEqual({ rejectedSpans: 0, message: "" });
  });

  test("anything else is an error or harmless, and never hangs", () => {
    for (const text of ["<html>", "OK", "{}", "\x0a\xff\xff\xff\xff\xff\xff"]) {
      expect(() => readExportResponse(Buffer.from(text, "latin1"))).toThrow();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          const { rejectedSpans, message } = readExportResponse(bytes);
          expect(rejectedSpans).toBeGreaterThanOrEqual(0);
          expect(message.length).toBeLessThanOrEqual(200);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
        retryInfoMs(bytes);
      }),
    );
  });

  test("google.rpc.RetryInfo says when to come back", () => {
    const status = new ProtoWriter();
    status.int(1, 8);
    const any = status.begin(3);
    status.text(1, "type.googleapis.com/google.rpc.RetryInfo");
    const info = status.begin(2);
    const delay = status.begin(1);
    status.int(1, 2);
    status.int(2, 500_000_000);
    for (const begun of [delay, info, any]) status.end(begun);
    expect(retryInfoMs(status.bytes())).toBe(2_500);
    expect(retryInfoMs(Buffer.from("rubbish"))).toBeNull();
  });
});
