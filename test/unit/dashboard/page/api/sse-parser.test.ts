import { expect, test } from "bun:test";
import { SseParser } from "../../../../../src/dashboard/page/api/sse-parser.ts";

const STREAM =
  'retry: 1000\r\n\r\nevent: frame\ndata: {"at":1}\n\n: still here\n\nid: 1-4\nevent: event\ndata: a\ndata: b\n\n';

test("however the stream is cut into pieces, the same events come out", () => {
  const whole = new SseParser().push(STREAM);
  expect(whole).toEqual([
    { type: "frame", data: '{"at":1}', id: "" },
    { type: "event", data: "a\nb", id: "1-4" },
  ]);
  for (let size = 1; size < STREAM.length; size++) {
    const parser = new SseParser();
    const found = [];
    for (let at = 0; at < STREAM.length; at += size) found.push(...parser.push(STREAM.slice(at, at + size)));
    expect(found).toEqual(whole);
  }
});

test("an event that is not complete is none", () => {
  expect(new SseParser().push("data: half\n")).toEqual([]);
});

test("a line that never ends is refused", () => {
  expect(() => new SseParser().push("x".repeat(9 * 1024 * 1024))).toThrow("without an end");
});
