import { describe, expect, test } from "bun:test";
import {
  grpcMessage,
  grpcStatusIn,
  grpcStatusOf,
  grpcTimeoutMs,
  isGrpc,
} from "../../../../src/proxy/grpc/grpc-message.ts";
import { RequestHead, ResponseHead } from "../../../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../../../src/proxy/http1/request-parser.ts";
import { parseResponseHead } from "../../../../src/proxy/http1/response-parser.ts";
import { Method } from "../../../../src/shared/memory/series-table.ts";

const LIMITS = { maxHeadBytes: 65_536, maxFields: 100 };

function request(fields: string): [Buffer, RequestHead] {
  const bytes = Buffer.from(`POST /a.B/C HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  const head = new RequestHead();
  expect(parseRequestHead(bytes, 0, bytes.length, head, LIMITS)).toBe(bytes.length);
  return [bytes, head];
}

function response(fields: string): [Buffer, ResponseHead] {
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n`);
  const head = new ResponseHead();
  expect(parseResponseHead(bytes, 0, bytes.length, head, LIMITS, Method.POST)).toBe(bytes.length);
  return [bytes, head];
}

describe("what a call of gRPC is", () => {
  test.each([
    "application/grpc",
    "Application/gRPC",
    "application/grpc+proto",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc; charset=utf-8",
  ])("%s", (type) => {
    expect(isGrpc(...request(`Content-Type: ${type}\r\n`))).toBe(true);
  });

  test.each(["application/json", "application/grpcx", "application/grp", "x-application/grpc", ""])(
    "not %p",
    (type) => {
      expect(isGrpc(...request(`Content-Type: ${type}\r\n`))).toBe(false);
    },
  );

  test("not without a type", () => {
    expect(isGrpc(...request(""))).toBe(false);
  });
});

describe("how long its client waits", () => {
  test.each([
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["15S", 15_000],
    ["250m", 250],
    ["1500u", 1.5],
    ["1000000n", 1],
    ["99999999S", 99_999_999_000],
  ])("%s", (text, ms) => {
    expect(grpcTimeoutMs(...request(`grpc-timeout: ${text}\r\n`))).toBeCloseTo(ms, 9);
  });

  test.each(["", "1", "S", "-1S", "1s", "123456789S", "1.5S", "1S, 2S"])("nothing is made of %p", (text) => {
    expect(grpcTimeoutMs(...request(`grpc-timeout: ${text}\r\n`))).toBe(0);
    expect(grpcTimeoutMs(...request(""))).toBe(0);
  });
});

describe("how it ended", () => {
  test("in a head and behind a body", () => {
    expect(grpcStatusOf(...response("grpc-status: 14\r\n"))).toBe(14);
    expect(grpcStatusOf(...response("Grpc-Status: 0\r\n"))).toBe(0);
    expect(grpcStatusIn(Buffer.from("grpc-status: 0\r\n"))).toBe(0);
    expect(grpcStatusIn(Buffer.from("x-sum: 7\r\ngrpc-status:13\r\ngrpc-message: no\r\n"))).toBe(13);
  });

  test.each(["", "grpc-status: \r\n", "grpc-status: x\r\n", "grpc-status: -1\r\n", "grpc-status: 1234\r\n"])(
    "not by %p",
    (line) => {
      expect(grpcStatusOf(...response(line))).toBe(-1);
      expect(grpcStatusIn(Buffer.from(line))).toBe(-1);
    },
  );

  test("not by a field that only has its name in its value", () => {
    expect(grpcStatusIn(Buffer.from("x-note: grpc-status: 14\r\n"))).toBe(-1);
  });
});

test("a message has printable ASCII alone", () => {
  expect(grpcMessage("no server is there")).toBe("no server is there");
  expect(grpcMessage("100 % für\r\nalle")).toBe("100 %25 f%C3%BCr%0D%0Aalle");
});
