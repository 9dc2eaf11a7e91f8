/** What reads DER from outside: it finds what is there, and believes no length. */
import { describe, expect, test } from "bun:test";
import * as der from "../../../../src/shared/x509/der.ts";
import { valuesIn } from "../../../../src/shared/x509/der-reader.ts";

describe("values", () => {
  test.each([0, 1, 127, 128, 255, 256, 70_000])("of %d bytes are found, with what comes behind them", (size) => {
    const bytes = Buffer.alloc(size, "x");
    const [first, second] = valuesIn(Buffer.concat([der.octetString(bytes), der.integer(Buffer.of(7))]));
    expect([first.tag, first.content.equals(bytes), first.raw.equals(der.octetString(bytes))]).toEqual([
      0x04,
      true,
      true,
    ]);
    expect([second.tag, second.content]).toEqual([0x02, Buffer.of(7)]);
  });

  test("are read as far as they are wanted", () => {
    expect(valuesIn(Buffer.concat([der.integer(Buffer.of(1)), Buffer.of(0x30, 0x7f)]), 1)).toHaveLength(1);
    expect(valuesIn(Buffer.alloc(0))).toEqual([]);
  });

  test.each([
    ["no length", [0x30]],
    ["less than their length", [0x30, 0x02, 0x00]],
    ["a length without its digits", [0x30, 0x82, 0x01]],
    ["an indefinite length, which is BER", [0x30, 0x80, 0x00, 0x00]],
    ["a length of five digits", [0x30, 0x85, 0, 0, 0, 0, 0]],
    ["a length beyond all there is", [0x30, 0x84, 0xff, 0xff, 0xff, 0xff]],
  ])("with %s are none", (_, bytes) => {
    expect(() => valuesIn(Buffer.from(bytes))).toThrow();
  });
});
