/** Trailers of HTTP/2 as field lines. */
import { expect, test } from "bun:test";
import { DEFAULT_TRAILER_LIMITS, type TrailerLimits } from "../../../../../src/proxy/http1/trailer-rules.ts";
import { REQUEST_RULES } from "../../../../../src/proxy/http2/heads/field-rules.ts";
import { TrailerReader } from "../../../../../src/proxy/http2/heads/trailer-reader.ts";
import { HpackDecoder } from "../../../../../src/proxy/http2/hpack/decoder.ts";
import { blockOf, type Field, nameOf } from "./support.ts";

const reader = new TrailerReader();

function trailers(fields: readonly Field[], limits: TrailerLimits | null = null, maxBytes = 1000): string | null {
  const block = blockOf(fields);
  reader.begin(maxBytes);
  expect(new HpackDecoder(REQUEST_RULES).decode(block, 0, block.length, reader)).toBe(0);
  const length = reader.finish(limits);
  if (length < 0) return nameOf(length);
  expect(reader.lines?.length ?? 0).toBe(length);
  return reader.lines?.toString("latin1") ?? null;
}

test("are field lines, and all there are where others check them", () => {
  expect(trailers([])).toBeNull();
  expect(
    trailers([
      ["grpc-status", "0"],
      ["host", "a"],
      ["cookie", "b"],
      ["content-length", "1"],
    ]),
  ).toBe("grpc-status: 0\r\nhost: a\r\ncookie: b\r\ncontent-length: 1\r\n");
});

test("of a server are those that may be passed on", () => {
  const fields: Field[] = [
    ["host", "a"],
    ["grpc-status", "0"],
    ["x_forwarded_for", "b"],
    ["x-user", "root"],
    ["x_user", "root"],
    ["grpc-message", ""],
    ["set-cookie", "c"],
  ];
  const limits = { ...DEFAULT_TRAILER_LIMITS, refused: [Buffer.from("x-user")] };
  expect(trailers(fields, limits)).toBe("grpc-status: 0\r\ngrpc-message: \r\n");
  expect(trailers([["host", "a"]], limits)).toBeNull();
});

test("are refused when they are not what they may be", () => {
  expect(trailers([[":path", "/"]])).toBe("UNEXPECTED_PSEUDO_FIELD");
  expect(
    trailers([
      ["a", "b"],
      [":status", "200"],
    ]),
  ).toBe("UNKNOWN_PSEUDO_FIELD");
  expect(
    trailers([
      ["a", "b"],
      [":path", "/"],
    ]),
  ).toBe("LATE_PSEUDO_FIELD");
  expect(trailers([["connection", "close"]])).toBe("CONNECTION_FIELD");
  expect(trailers([["a", "b\r\n"]])).toBe("INVALID_FIELD_VALUE");
});

test("are bounded in bytes and in number", () => {
  expect(trailers([["a", "b".repeat(995)]])).toHaveLength(1000);
  expect(trailers([["a", "b".repeat(996)]])).toBe("TRAILER_TOO_LARGE");
  const limits = { ...DEFAULT_TRAILER_LIMITS, maxTrailerFields: 2 };
  expect(
    trailers(
      [
        ["a", "1"],
        ["host", "x"],
        ["b", "2"],
      ],
      limits,
    ),
  ).toBe("a: 1\r\nb: 2\r\n");
  expect(
    trailers(
      [
        ["a", "1"],
        ["b", "2"],
        ["c", "3"],
      ],
      limits,
    ),
  ).toBe("TRAILER_TOO_LARGE");
});
