import { describe, expect, test } from "bun:test";
import { CopyData, storableJson } from "../../../../src/storage/postgres/wire/copy.ts";

describe("COPY's binary format", () => {
  const HEAD = 19;
  const bytes = (data: CopyData) => [...data.end().subarray(HEAD, -2)];

  test("has a head, rows with the number of their fields, and an end", () => {
    const data = new CopyData().row(2).int4(1).null().end();
    expect(new TextDecoder("latin1").decode(data.subarray(0, 11))).toBe("PGCOPY\n\u00ff\r\n\0");
    expect([...data.subarray(11)]).toEqual([
      ...[0, 0, 0, 0, 0, 0, 0, 0],
      ...[0, 2, 0, 0, 0, 4, 0, 0, 0, 1, 255, 255, 255, 255],
      ...[255, 255],
    ]);
  });

  test("says how long each field is", () => {
    expect(bytes(new CopyData().int2(-2))).toEqual([0, 0, 0, 2, 255, 254]);
    expect(bytes(new CopyData().int8(2 ** 40))).toEqual([0, 0, 0, 8, 0, 0, 1, 0, 0, 0, 0, 0]);
    expect(bytes(new CopyData().boolean(true))).toEqual([0, 0, 0, 1, 1]);
    expect(bytes(new CopyData().known(Number.NaN))).toEqual([255, 255, 255, 255]);
    expect(bytes(new CopyData().float8(1))).toEqual([0, 0, 0, 8, 63, 240, 0, 0, 0, 0, 0, 0]);
    expect(bytes(new CopyData().bytes(Uint8Array.of(7, 8)))).toEqual([0, 0, 0, 2, 7, 8]);
  });

  test("counts time in microseconds since 2000", () => {
    expect(bytes(new CopyData().time(946_684_800_001))).toEqual([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 3, 232]);
    expect(bytes(new CopyData().time(946_684_799_999)).slice(4)).toEqual([255, 255, 255, 255, 255, 255, 252, 24]);
  });

  test("keeps texts of any length, but for what PostgreSQL does not", () => {
    expect(bytes(new CopyData().text("ä€"))).toEqual([0, 0, 0, 5, 195, 164, 226, 130, 172]);
    expect(bytes(new CopyData().text("\0"))).toEqual([0, 0, 0, 3, 239, 191, 189]);
    const long = "ü".repeat(100_000);
    const data = new CopyData().text("a").text(long).text("b").end();
    expect(new TextDecoder().decode(data.subarray(HEAD + 5 + 4, HEAD + 5 + 4 + 200_000))).toBe(long);
    expect([...data.subarray(-7)]).toEqual([0, 0, 0, 1, 98, 255, 255]);
  });

  test("has arrays with their bounds", () => {
    expect(bytes(new CopyData().int4s([5, 2 ** 40]))).toEqual([
      ...[0, 0, 0, 36, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 2, 0, 0, 0, 1],
      ...[0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 4, 127, 255, 255, 255],
    ]);
    expect(bytes(new CopyData().int4s([]))).toEqual([0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 23]);
    expect(bytes(new CopyData().int8s([5, 2 ** 40 + 2 ** 31]))).toEqual([
      ...[0, 0, 0, 44, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 1],
      ...[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 1, 0, 128, 0, 0, 0],
    ]);
    expect(bytes(new CopyData().int8s([]))).toEqual([0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20]);
  });
});

describe("JSON for jsonb", () => {
  test("is as it was, but for characters that jsonb refuses", () => {
    expect(storableJson('{"a":"\\\\u0041"}')).toBe('{"a":"\\\\u0041"}');
    expect(storableJson('{"a\\u0000":["\\ud800",{"b":"\\u0000"}],"c":1.5}')).toBe(
      '{"a\ufffd":["\ufffd",{"b":"\ufffd"}],"c":1.5}',
    );
    expect(storableJson('"\\ud83d\\ude00"')).toBe('"😀"');
  });
});
