/** The benchmark's clients and servers: what they must notice, or their figures mean nothing. */
import { describe, expect, test } from "bun:test";
import { RESPONSES } from "../../../bench/load/backend-responses.ts";
import { Latencies } from "../../../bench/load/latencies.ts";
import { PATTERN } from "../../../bench/load/pattern.ts";
import { type ReadRequest, RequestReader } from "../../../bench/load/request-reader.ts";
import { PATHS, requestBytes } from "../../../bench/load/requests.ts";
import { ResponseChecker } from "../../../bench/load/response-checker.ts";

const LENGTH = { status: 200, bodyBytes: 100, framing: "length" } as const;

function answer(head: string, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${head}\r\n\r\n`), body]);
}

describe("ResponseChecker", () => {
  for (const [path, expected] of Object.entries(PATHS)) {
    test(`accepts ${path} whole and in pieces of any size`, () => {
      const bytes = RESPONSES.get(path)!;
      const checker = new ResponseChecker(expected);
      for (const size of [bytes.length, 1, 7, 1000, 70_000]) {
        if (bytes.length / size > 20_000) continue;
        checker.reset();
        for (let at = 0; at < bytes.length; at += size) {
          const last = at + size >= bytes.length;
          expect(checker.push(bytes.subarray(at, at + size))).toBe(last);
        }
      }
    });
  }

  const body = PATTERN.subarray(0, 100);
  const refused: readonly [what: string, bytes: Buffer, why: string][] = [
    ["another status", answer("502 Bad Gateway\r\nContent-Length: 100", body), "status 502"],
    ["another length", answer("200 OK\r\nContent-Length: 99", body.subarray(1)), "Content-Length 99"],
    ["no length", answer("200 OK", body), "Content-Length -1"],
    ["chunked instead of a length", answer("200 OK\r\nTransfer-Encoding: chunked", body), "chunked"],
    ["a byte changed", answer("200 OK\r\nContent-Length: 100", Buffer.from(body).fill(0, 50, 51)), "wrong bytes"],
    ["bytes too many", answer("200 OK\r\nContent-Length: 100", PATTERN.subarray(0, 101)), "1 bytes after the end"],
  ];
  for (const [what, bytes, why] of refused) {
    test(`refuses ${what}`, () => {
      expect(() => new ResponseChecker(LENGTH).push(bytes)).toThrow(why);
    });
  }

  test("refuses a chunked body that is too short, and one with a wrong chunk", () => {
    const expected = { status: 200, bodyBytes: 100, framing: "chunked" } as const;
    const chunked = (chunks: string): Buffer => answer("200 OK\r\nTransfer-Encoding: chunked", Buffer.from(chunks));
    const text = body.toString("latin1");
    expect(new ResponseChecker(expected).push(chunked(`64\r\n${text}\r\n0\r\n\r\n`))).toBe(true);
    expect(() => new ResponseChecker(expected).push(chunked(`63\r\n${text.slice(1)}\r\n0\r\n\r\n`))).toThrow("wrong");
    expect(() => new ResponseChecker(expected).push(chunked(`a\r\n${text.slice(0, 10)}\r\n0\r\n\r\n`))).toThrow("10 b");
    expect(() => new ResponseChecker(expected).push(chunked(`63\r\n${text}\r\n0\r\n\r\n`))).toThrow("longer");
  });

  test("knows whether the connection will be closed, and whether it is midway", () => {
    const checker = new ResponseChecker(LENGTH);
    const bytes = answer("200 OK\r\nconnection: close\r\ncontent-length: 100", body);
    expect(checker.midway).toBe(false);
    checker.push(bytes.subarray(0, 20));
    expect(checker.midway).toBe(true);
    checker.push(bytes.subarray(20));
    expect(checker.midway).toBe(false);
    expect(checker.closing).toBe(true);
  });
});

describe("RequestReader", () => {
  const shape = { path: "/small", bodyBytes: 5000, browser: true, close: false };

  test("finds requests with and without a body in pieces of any size", () => {
    const reader = new RequestReader();
    for (const bodyBytes of [0, 5000]) {
      const bytes = requestBytes({ ...shape, bodyBytes });
      for (const size of [bytes.length, 1, 333]) {
        let found: ReadRequest | null = null;
        for (let at = 0; at < bytes.length; at += size) {
          expect(found).toBeNull();
          found = reader.push(Buffer.from(bytes.subarray(at, at + size)));
        }
        expect(found).toMatchObject({ path: "/small", bodyBytes, intact: true });
      }
    }
  });

  test("sees a body that was changed, and bytes that belong to no request", () => {
    const bytes = requestBytes(shape);
    const changed = Buffer.from(bytes);
    changed[bytes.length - 1] ^= 1;
    expect(new RequestReader().push(changed)?.intact).toBe(false);
    expect(new RequestReader().push(Buffer.concat([bytes, Buffer.from("x")]))?.intact).toBe(false);
  });
});

test("quantiles are by nearest rank, of the samples that there are", () => {
  const latencies = new Latencies(100);
  for (let ms = 100; ms >= 1; ms--) latencies.add(ms);
  latencies.add(1e6); // no room
  expect(latencies.quantiles(0.5, 0.99, 1)).toEqual([50, 99, 100]);
  expect(new Latencies(0).quantiles(0.5)[0]).toBeNaN();
});
