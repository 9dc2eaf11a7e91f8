/** What a head costs grows with its length, not with the square of it: bytes that are looked at are counted. */
import { expect, test } from "bun:test";
import { fieldIsListedInConnection, MAX_CONNECTION_OPTIONS, RequestHead } from "../../../../src/proxy/http1/head.ts";
import { HeadBuffer } from "../../../../src/proxy/http1/head-buffer.ts";
import { parseRequestHead } from "../../../../src/proxy/http1/request-parser.ts";
import { bytesOf, nameOf } from "./support.ts";

const FIELDS = 1024;
const LIMITS = { maxHeadBytes: 1 << 20, maxFields: FIELDS };

/** The bytes, and how many of them were looked at. */
function counted(bytes: Uint8Array): { bytes: Uint8Array; reads: () => number } {
  let reads = 0;
  const watched = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === "string" && key.charCodeAt(0) <= 57) reads++;
      return Reflect.get(target, key, target);
    },
  });
  return { bytes: watched, reads: () => reads };
}

const repeat = (unit: string, length: number) => unit.repeat(Math.floor(length / unit.length));
const fields = (length: number, line: (i: number) => string) => {
  let text = "";
  for (let i = 0; i < FIELDS - 8 && text.length < length; i++) text += line(i);
  return text;
};
const options = Array.from({ length: MAX_CONNECTION_OPTIONS }, (_, i) => `x-same-length-${10 + i}`).join();

test.each<[name: string, lines: (length: number) => string]>([
  ["options that nobody knows", (length) => `Connection: ${repeat("a,", length)}\r\n`],
  [
    "options that are known, and fields",
    (length) => `Connection: x,${repeat("close,", length / 2)}\r\n${fields(length / 2, (i) => `X-${i}: y\r\n`)}`,
  ],
  [
    "as many options as may be, and fields",
    (length) => `Connection: ${options}\r\n${fields(length, () => "x-same-length-99: y\r\n")}`,
  ],
  ["commas", (length) => `Connection: ${repeat(",", length)}\r\n`],
  ["many Connection fields", (length) => fields(length, () => "Connection: close\r\n")],
  ["protocols", (length) => `Connection: upgrade\r\nUpgrade: ${repeat("h2,", length)}\r\n`],
  ["codings", (length) => `Transfer-Encoding: ${repeat("gzip,", length)}chunked\r\n`],
  ["many lengths", (length) => fields(length, () => "Content-Length: 1\r\n")],
  ["forwarding fields", (length) => fields(length, (i) => `X-Forwarded-${i}: y\r\n`)],
])("%s", (_, lines) => {
  for (const length of [4000, 16_000]) {
    const text = bytesOf(`GET / HTTP/1.1\r\nHost: a\r\n${lines(length)}\r\n`);
    const { bytes, reads } = counted(text);
    const head = new RequestHead(FIELDS);
    const end = parseRequestHead(bytes, 0, text.length, head, LIMITS);
    expect(nameOf(end)).not.toBe("INCOMPLETE");
    if (end > 0) {
      const anyOption = head.hasConnectionOptions;
      for (let i = 0; i < head.fieldCount && anyOption; i++) fieldIsListedInConnection(bytes, head, i);
    }
    expect(reads()).toBeGreaterThan(0);
    expect(reads()).toBeLessThan(text.length * (4 * MAX_CONNECTION_OPTIONS));
  }
});

test("a head with line feeds alone, byte by byte, is not parsed again at each of them", () => {
  const text = bytesOf(`HTTP/1.1 200 OK\n${"a:\n".repeat(4000)}\n`);
  const collected = new HeadBuffer(1 << 20);
  let asked = 0;
  for (let i = 0; i < text.length; i++) if (collected.push(text, i, i + 1)) asked++;
  expect(asked).toBeLessThan(20);
  expect(collected.length).toBe(text.length);
});
