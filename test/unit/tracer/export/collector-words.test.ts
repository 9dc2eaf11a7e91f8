/** What a collector says, as logs have it. */
import { expect, test } from "bun:test";
import { CollectorWords } from "../../../../src/tracer/export/collector-words.ts";

test("it is one visible line, and short", () => {
  const words = new CollectorWords({});
  expect(words.of(Buffer.from(` a\r\n\u001b[31m{"level":"fatal"}\u202e\u0000b`))).toBe('a [31m{"level":"fatal"} b');
  expect(words.of("x".repeat(60_000))).toHaveLength(200);
});

test("what it was sent is not repeated: not in part, nor where the text is cut", () => {
  const words = new CollectorWords({ authorization: "Bearer abc-SECRET-abc", "x-key": "abc-SECRET", "x-tenant": "1" });
  expect(words.of("no Bearer abc-SECRET-abc 1")).toBe("no **** 1");
  expect(words.of("token abc-SECRET-abc, key abc-SECRET")).toBe("token ****, key ****");
  expect(words.of(`${"x".repeat(195)}abc-SECRET-abc`)).toBe(`${"x".repeat(195)}****`);
});
