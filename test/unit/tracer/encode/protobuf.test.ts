/** What goes to a collector, and what comes from one. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ProtobufWriter } from "../../../../src/shared/protobuf/writer.ts";
import { readExportResponse as read } from "../../../../src/tracer/encode/export-response.ts";
import { writeNanoseconds } from "../../../../src/tracer/encode/nanoseconds.ts";
import { CollectorWords } from "../../../../src/tracer/export/collector-words.ts";
import { retryInfoMs } from "../../../../src/tracer/export/retry-info.ts";
import { encodeResponse } from "../../../support/tracing/decode.ts";

const readExportResponse = (bytes: Uint8Array) => read(bytes, new CollectorWords({}).of);

describe("a time", () => {
  test("is exact to what a number holds", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4_000_000_000_000 }),
        fc.integer({ min: 0, max: 999 }),
        (ms, thousandths) => {
          const writer = new ProtobufWriter();
          const time = ms + thousandths / 1000;
          writeNanoseconds(writer, 1, time);
          const whole = Math.floor(time);
          const expected = BigInt(whole) * 1_000_000n + BigInt(Math.round((time - whole) * 1e6));
          expect(writer.take().readBigUInt64LE(1)).toBe(expected);
        },
      ),
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])("%p is none", (time) => {
    const writer = new ProtobufWriter();
    writeNanoseconds(writer, 1, time);
    expect(writer.take().readBigUInt64LE(1)).toBe(0n);
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
    const status = new ProtobufWriter();
    status.uint(1, 8);
    status.begin(3);
    status.string(1, "type.googleapis.com/google.rpc.RetryInfo");
    status.begin(2);
    status.begin(1);
    status.uint(1, 2);
    status.uint(2, 500_000_000);
    for (let open = 3; open > 0; open--) status.end();
    expect(retryInfoMs(status.take())).toBe(2_500);
    expect(retryInfoMs(Buffer.from("rubbish"))).toBeNull();
  });
});
