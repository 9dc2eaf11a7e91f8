/** Heads of HTTP/1.1 as blocks: what a peer reads of them. */
import { describe, expect, test } from "bun:test";
import {
  mostBlockBytes,
  writeRequestBlock,
  writeResponseBlock,
  writeTrailerBlock,
} from "../../../../../src/proxy/http2/heads/block-writer.ts";
import { HpackDecoder } from "../../../../../src/proxy/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../../../src/proxy/http2/hpack/encoder.ts";
import { RecurringLines } from "../../../../../src/proxy/http2/hpack/recurring-lines.ts";
import { FieldList, NO_RULES } from "../hpack/support.ts";
import { head } from "./support.ts";

type Write = (encoder: HpackEncoder, out: Buffer, at: number, src: Buffer, start: number, end: number) => number;

/** Has a text written three times, so that tables have what they may have. @returns the fields, each time the same. */
function fieldsOf(text: string, write: Write): string[] {
  const encoder = new HpackEncoder(new RecurringLines());
  const decoder = new HpackDecoder(NO_RULES);
  const src = Buffer.from(`??${text}??`, "latin1");
  const rounds = [1, 2, 3].map(() => {
    const out = Buffer.alloc(mostBlockBytes(text.length) + 1);
    const end = write(encoder, out, 1, src, 2, src.length - 2);
    const list = new FieldList();
    expect(decoder.decode(out, 1, end, list)).toBe(0);
    return list.fields;
  });
  expect(rounds[1]).toEqual(rounds[0]);
  expect(rounds[2]).toEqual(rounds[0]);
  return rounds[0];
}

function responseFields(text: string, tunnel = false): string[] {
  return fieldsOf(text, (encoder, out, at, src, start, end) =>
    writeResponseBlock(encoder, out, at, src, start, end, tunnel),
  );
}

function requestFields(text: string, { secure = true, tunnel = false } = {}): string[] {
  return fieldsOf(text, (encoder, out, at, src, start, end) =>
    writeRequestBlock(encoder, out, at, src, start, end, secure, tunnel),
  );
}

describe("a response", () => {
  test("has its status first, names in lower case, and nothing about the connection", () => {
    const text = head(
      "HTTP/1.1 200 Fine",
      "Server: nginx",
      "Transfer-Encoding: chunked",
      "Connection: close, X",
      "Keep-Alive: timeout=5",
      "Proxy-Connection: close",
      "Upgrade: h2c",
      "TE: trailers",
      "X-A:  b ",
      "Host: kept",
      "Trailer: x-sum",
    );
    expect(responseFields(text)).toEqual([":status: 200", "server: nginx", "x-a: b", "host: kept", "trailer: x-sum"]);
  });

  test.each([200, 204, 206, 304, 400, 404, 500, 100, 103, 201, 302, 426, 502, 999])("has the status %d", (status) => {
    expect(responseFields(head(`HTTP/1.1 ${status} `))).toEqual([`:status: ${status}`]);
    expect(responseFields(head(`HTTP/1.1 ${status} Some Words`, "a: b"))).toEqual([`:status: ${status}`, "a: b"]);
  });

  test("that sets a cookie asks everybody to keep it in no table", () => {
    expect(responseFields(head("HTTP/1.1 200 OK", "Set-Cookie: a=b", "Server: x"))).toEqual([
      ":status: 200",
      "set-cookie: a=b (never)",
      "server: x",
    ]);
  });

  test("to an extended CONNECT is a 200 when it switches protocols", () => {
    const lines = [
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: x",
      "Sec-WebSocket-Protocol: chat",
    ];
    expect(responseFields(head("HTTP/1.1 101 Switching Protocols", ...lines), true)).toEqual([
      ":status: 200",
      "sec-websocket-protocol: chat",
    ]);
    expect(responseFields(head("HTTP/1.1 403 Forbidden", "a: b"), true)).toEqual([":status: 403", "a: b"]);
  });
});

describe("a request", () => {
  test("has its pseudo-fields first, and nothing about the connection", () => {
    const text = head(
      "GET /a?b HTTP/1.1",
      "Accept: */*",
      "Host: shop.example:8443",
      "TE: trailers",
      "Connection: TE",
      "Cookie: a=b; c=d",
      "Authorization: Basic x",
      "Transfer-Encoding: chunked",
    );
    expect(requestFields(text)).toEqual([
      ":method: GET",
      ":scheme: https",
      ":path: /a?b",
      ":authority: shop.example:8443",
      "accept: */*",
      "te: trailers",
      "cookie: a=b; c=d (never)",
      "authorization: Basic x (never)",
    ]);
  });

  test.each(["GET", "POST", "HEAD", "PATCH", "QUERY"])("has the method %s", (method) => {
    expect(requestFields(head(`${method} / HTTP/1.1`, "Host: a"), { secure: false })).toEqual([
      `:method: ${method}`,
      ":scheme: http",
      ":path: /",
      ":authority: a",
    ]);
  });

  test("for the server as a whole, and with a TE that is not for HTTP/2", () => {
    expect(requestFields(head("OPTIONS * HTTP/1.1", "TE: gzip", "Host: a"))).toEqual([
      ":method: OPTIONS",
      ":scheme: https",
      ":path: *",
      ":authority: a",
    ]);
  });

  test("to switch protocols is an extended CONNECT", () => {
    const text = head(
      "GET /chat HTTP/1.1",
      "Host: a",
      "Upgrade: websocket",
      "Sec-WebSocket-Key: x",
      "Sec-WebSocket-Version: 13",
      "Connection: Upgrade",
    );
    expect(requestFields(text, { tunnel: true })).toEqual([
      ":method: CONNECT",
      ":scheme: https",
      ":path: /chat",
      ":authority: a",
      ":protocol: websocket",
      "sec-websocket-version: 13",
    ]);
  });
});

test("trailers are fields, in lower case", () => {
  const fields = fieldsOf("Grpc-Status: 0\r\nGrpc-Message: \r\nConnection: close\r\n", writeTrailerBlock);
  expect(fields).toEqual(["grpc-status: 0", "grpc-message: "]);
});

test("there is room for the worst of heads: many short lines, names and values without a shorter code", () => {
  const lines = Array.from({ length: 3000 }, (_, i) => `${String.fromCharCode(97 + (i % 26))}: \xff`);
  expect(responseFields(head("HTTP/1.1 999 ", ...lines))).toHaveLength(3001);
  expect(responseFields(head("HTTP/1.1 200 ", `${"N".repeat(5000)}: ${"\xff".repeat(200_000)}`))).toHaveLength(2);
});
