/** Properties: how bytes are cut into packets changes nothing, and what is written is what is read. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ChunkedParser } from "../../../../src/proxy/http1/chunked.ts";
import { RequestHead } from "../../../../src/proxy/http1/head.ts";
import { HeadBuffer } from "../../../../src/proxy/http1/head-buffer.ts";
import { parseRequestHead } from "../../../../src/proxy/http1/request-parser.ts";
import { bytesOf, nameOf, parseRequest, summaryOf, textOf } from "./support.ts";

const LIMITS = { maxHeadBytes: 700, maxFields: 12 };
const RUNS = { numRuns: 400 };

const TOKEN_CHARS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const chars = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)).join("");

const name = chars(TOKEN_CHARS, 1, 20).map((token) => `x${token}`);
const value = chars(`${range(33, 126)}${range(128, 255)} \t`, 0, 60).map((text) =>
  text.replace(/^[ \t]+|[ \t]+$/g, ""),
);
const target = chars(range(33, 126).replace("#", ""), 0, 60).map((text) => `/${text}`);
const ows = chars(" \t", 0, 3);

const request = fc.record({
  method: chars(TOKEN_CHARS, 1, 32).filter((token) => token !== "CONNECT"),
  target,
  fields: fc.array(fc.record({ name, before: ows, value, after: ows }), { maxLength: 8 }),
});
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

const write = ({ method, target, fields }: Request) =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\n${fields
    .map((field) => `${field.name}:${field.before}${field.value}${field.after}\r\n`)
    .join("")}\r\n`;

/** Heads that are good, and heads with a byte or two put in, taken out or changed. */
const mutilated = fc
  .tuple(
    request.map(write),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom("", "\r", "\n", "\r\n", " ", "\0", ":", "\t", "a", "\r\n\r\n")), {
      maxLength: 3,
    }),
    fc.boolean(),
  )
  .map(([text, edits, keep]) => {
    let out = text;
    for (const [at, insert] of edits) {
      const i = at % out.length;
      out = out.slice(0, i) + insert + out.slice(keep ? i : i + 1);
    }
    return out;
  });

const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 40 });

/** Runs the head as the proxy does: the first packet where it lies, then through a buffer. */
function parseInPackets(bytes: Uint8Array, sizes: readonly number[]) {
  const head = new RequestHead();
  const buffer = new HeadBuffer(LIMITS.maxHeadBytes);
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const packet = bytes.slice(at, at + (sizes[i] ?? bytes.length));
    at += packet.length;
    if (packet.length === 0) continue;
    if (buffer.length === 0) {
      const result = parseRequestHead(packet, 0, packet.length, head, LIMITS);
      if (result !== 0) return { result, rest: packet.subarray(Math.max(result, 0)), bytes: packet, head, at };
    }
    // Packets do not start at 0 in life.
    const padded = bytesOf(`???${textOf(packet)}`);
    if (!buffer.push(padded, 3, padded.length)) continue;
    const result = parseRequestHead(buffer.bytes, 0, buffer.length, head, LIMITS);
    if (result === 0) continue;
    const rest = result > 0 ? padded.subarray(buffer.restStart(result)) : padded.subarray(0, 0);
    return { result, rest, bytes: buffer.take(), head, at };
  }
  return { result: 0, rest: bytes.subarray(0, 0), bytes, head, at };
}

describe("heads", () => {
  test("what is written is what is read", () => {
    fc.assert(
      fc.property(request, (message) => {
        const text = write(message);
        const { result, fields, head, bytes } = parseRequest(text);
        expect(nameOf(result)).toBe(`offset ${text.length}`);
        expect(textOf(bytes, head.methodStart, head.methodEnd)).toBe(message.method);
        expect(textOf(bytes, head.targetStart, head.targetEnd)).toBe(message.target);
        expect(fields.slice(1)).toEqual(message.fields.map((field) => [field.name, field.value]));
      }),
      RUNS,
    );
  });

  test("any split gives the same head, the same refusal, and the same rest", () => {
    fc.assert(
      fc.property(mutilated, chars("ab\r\n", 0, 30), cuts, (text, tail, sizes) => {
        const bytes = bytesOf(text + tail);
        const whole = new RequestHead();
        const expected = parseRequestHead(bytes, 0, bytes.length, whole, LIMITS);
        const actual = parseInPackets(bytes, sizes);
        // Rubbish may be noticed later in pieces, never judged otherwise.
        if (expected < 0 && actual.result === 0) return;
        expect(nameOf(actual.result)).toBe(nameOf(expected));
        if (expected <= 0) return;
        expect(summaryOf(actual.bytes, actual.head)).toEqual(summaryOf(bytes, whole));
        expect(textOf(actual.rest) + textOf(bytes, actual.at)).toBe(textOf(bytes, expected));
      }),
      RUNS,
    );
  });

  test("a prefix is incomplete or judged like the whole", () => {
    const head = new RequestHead();
    fc.assert(
      fc.property(mutilated, (text) => {
        const bytes = bytesOf(text);
        const expected = parseRequestHead(bytes, 0, bytes.length, head, LIMITS);
        for (let end = 0; end < bytes.length; end++) {
          const early = parseRequestHead(bytes.slice(0, end), 0, end, head, LIMITS);
          if (early !== 0) expect(nameOf(early)).toBe(nameOf(expected));
        }
      }),
      RUNS,
    );
  });
});

describe("HeadBuffer", () => {
  /** Pushes byte by byte and notes at which lengths it asks for a parse. */
  const checksOf = (text: string, max = 10_000) => {
    const buffer = new HeadBuffer(max);
    const checks: number[] = [];
    for (const byte of bytesOf(text)) if (buffer.push(Uint8Array.of(byte), 0, 1)) checks.push(buffer.length);
    return { checks, buffer };
  };

  test("a head sent byte by byte is parsed a logarithmic number of times", () => {
    const text = `GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(1000)}\r\n`;
    const { checks, buffer } = checksOf(text);
    expect(checks[0]).toBe("GET / HTTP/1.1\r\n".length);
    expect(checks.at(-1)).toBe(text.length);
    expect(checks.length).toBeLessThan(10);
    expect(textOf(buffer.take())).toBe(text);
  });

  test("a bare LF is noticed at once, long lines without any by their length", () => {
    expect(checksOf("GET / HTTP/1.1\r\nA: b\n").checks).toEqual([16, 21]);
    expect(checksOf("\x16".repeat(1100)).checks).toEqual([256, 512, 1024]);
  });

  test("nothing beyond the limit is kept", () => {
    const buffer = new HeadBuffer(100);
    expect(buffer.push(new Uint8Array(5000).fill(65), 0, 5000)).toBe(true);
    expect([buffer.length, buffer.bytes.length]).toEqual([100, 100]);
    expect(buffer.push(new Uint8Array(10), 0, 10)).toBe(true);
    expect(buffer.length).toBe(100);
  });

  test("it serves head after head, and what was taken stays as it was", () => {
    const buffer = new HeadBuffer(1000);
    buffer.push(bytesOf("first"), 0, 5);
    const first = buffer.take();
    buffer.push(bytesOf("second"), 0, 6);
    expect([textOf(first), textOf(buffer.bytes, 0, buffer.length)]).toEqual(["first", "second"]);
    buffer.clear();
    buffer.push(bytesOf("third"), 2, 4);
    expect(textOf(buffer.take())).toBe("ir");
  });
});

describe("chunked bodies", () => {
  const chunk = fc.record({
    data: chars(range(0, 255), 1, 40),
    zeros: fc.nat({ max: 4 }),
    upper: fc.boolean(),
    extension: fc.constantFrom("", ";a", ";a=b", ';a="b;\\"c"', ";a;b=c"),
  });
  const body = fc.record({
    chunks: fc.array(chunk, { maxLength: 6 }),
    trailers: fc.array(fc.record({ name, value }), { maxLength: 3 }),
  });

  test("any split gives the same end, length and data", () => {
    fc.assert(
      fc.property(body, chars("\r\n05a", 0, 10), cuts, ({ chunks, trailers }, tail, sizes) => {
        const raw = `${chunks
          .map(({ data, zeros, upper, extension }) => {
            const size = "0".repeat(zeros) + data.length.toString(16);
            return `${upper ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`;
          })
          .join("")}0\r\n${trailers.map((field) => `${field.name}: ${field.value}\r\n`).join("")}\r\n`;
        const data = chunks.map((item) => item.data).join("");
        const parser = new ChunkedParser();
        const decoder = new ChunkedParser();
        const bytes = bytesOf(raw + tail);
        let decoded = "";
        let at = 0;
        for (let i = 0; at < bytes.length && !parser.done; i++) {
          const end = Math.min(bytes.length, at + (sizes[i] ?? bytes.length));
          const packet = bytes.slice(at, end);
          expect(decoder.decode(packet, 0, packet.length)).toBe(parser.consume(bytes, at, end) - at);
          decoded += textOf(packet, 0, decoder.decodedEnd);
          at = parser.done ? raw.length : end;
        }
        expect([parser.done, decoder.done]).toEqual([true, true]);
        expect(parser.bodyBytes).toBe(data.length);
        expect(decoded).toBe(data);
        const lines = trailers.map((field) => `${field.name}: ${field.value}\r\n`).join("");
        expect(decoder.trailers?.toString("latin1") ?? "").toBe(lines);
      }),
      RUNS,
    );
  });

  test("any split of a damaged body is judged alike", () => {
    const damaged = fc
      .tuple(body, fc.nat(), fc.constantFrom("", "\r", "\n", " ", ";", "0", "\0"))
      .map(([{ chunks, trailers }, at, insert]) => {
        const raw = `${chunks.map((item) => `${item.data.length.toString(16)}${item.extension}\r\n${item.data}\r\n`).join("")}0\r\n${trailers.map((field) => `${field.name}: ${field.value}\r\n`).join("")}\r\n`;
        const i = at % raw.length;
        return raw.slice(0, i) + insert + raw.slice(i + 1);
      });
    const run = (bytes: Uint8Array, sizes: readonly number[]) => {
      const parser = new ChunkedParser();
      let at = 0;
      for (let i = 0; at < bytes.length && !parser.done; i++) {
        const end = Math.min(bytes.length, at + (sizes[i] ?? bytes.length));
        const next = parser.consume(bytes, at, end);
        if (next < 0) return nameOf(next);
        at = next;
      }
      return `${at} ${parser.done} ${parser.bodyBytes}`;
    };
    fc.assert(
      fc.property(damaged, cuts, (text, sizes) => {
        const bytes = bytesOf(text);
        expect(run(bytes, sizes)).toBe(run(bytes, []));
      }),
      RUNS,
    );
  });
});
