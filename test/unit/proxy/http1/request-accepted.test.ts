import { describe, expect, test } from "bun:test";
import { FieldId } from "../../../../src/proxy/http1/field-names.ts";
import {
  FIELD_STRIDE,
  FieldPart,
  fieldIsListedInConnection,
  RequestHead,
  TargetForm,
} from "../../../../src/proxy/http1/head.ts";
import { refusalOf } from "../../../../src/proxy/http1/parse-error.ts";
import { parseRequestHead } from "../../../../src/proxy/http1/request-parser.ts";
import { METHODS, Method } from "../../../../src/shared/memory/series-table.ts";
import { bytesOf, LIMITS, parseRequest, prefixesOf, summaryOf, textOf } from "./support.ts";

const H = "Host: a.example\r\n";

function accepted(text: string) {
  const parsed = parseRequest(text);
  expect(parsed.result).toBe(text.length);
  return parsed;
}
const withFields = (lines: string, version = "1.1") => accepted(`GET /x HTTP/${version}\r\n${H}${lines}\r\n`).head;

describe("request line", () => {
  test.each(METHODS.filter((name) => name !== "other" && name !== "CONNECT"))("method %s", (name) => {
    const { head, bytes } = accepted(`${name} / HTTP/1.1\r\n${H}\r\n`);
    expect(METHODS[head.method]).toBe(name);
    expect(textOf(bytes, head.methodStart, head.methodEnd)).toBe(name);
  });

  test.each(["PROPFIND", "get", "M-SEARCH", "GETT", "G", "GE", "POSTS", "!#$%&'*+-.^_`|~", "M".repeat(32)])(
    "unknown method %s is other",
    (name) => {
      expect(accepted(`${name} / HTTP/1.1\r\n${H}\r\n`).head.method).toBe(Method.OTHER);
    },
  );

  test.each(["/", "//a//b", "/a/../b", "/%2e%2E/%00", "/a?b=c&d", "/a?b?c", "/a;b=c", '/a|b"<>[]{}\\^`', "/:@/"])(
    "origin form %s is kept byte for byte",
    (target) => {
      const { head, bytes } = accepted(`GET ${target} HTTP/1.1\r\n${H}\r\n`);
      expect(head.targetForm).toBe(TargetForm.ORIGIN);
      expect(textOf(bytes, head.targetStart, head.targetEnd)).toBe(target);
      expect(head.pathStart).toBe(head.targetStart);
      expect(textOf(bytes, head.hostStart, head.hostEnd)).toBe("a.example");
    },
  );

  test.each([
    ["http://b.example/p?q", "b.example", "/p?q"],
    ["HTTP://b.example:81/", "b.example:81", "/"],
    ["https://b.example", "b.example", ""],
    ["http://b.example?q", "b.example", "?q"],
    ["http://[::1]:80/p", "[::1]:80", "/p"],
    ["http://b.example/http://c/", "b.example", "/http://c/"],
  ])("absolute form %s overrides Host", (target, authority, path) => {
    const { head, bytes } = accepted(`GET ${target} HTTP/1.1\r\n${H}\r\n`);
    expect(head.targetForm).toBe(TargetForm.ABSOLUTE);
    expect(textOf(bytes, head.hostStart, head.hostEnd)).toBe(authority);
    expect(textOf(bytes, head.pathStart, head.targetEnd)).toBe(path);
  });

  test("asterisk form of OPTIONS, with and without a host", () => {
    expect(accepted(`OPTIONS * HTTP/1.1\r\n${H}\r\n`).head.targetForm).toBe(TargetForm.ASTERISK);
    const { head } = accepted("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n");
    expect(head.hostEnd).toBe(head.hostStart);
  });

  test("up to two empty lines before it", () => {
    for (const lines of ["\r\n", "\r\n\r\n"]) {
      const { head, bytes } = accepted(`${lines}GET / HTTP/1.1\r\n${H}\r\n`);
      expect(textOf(bytes, head.methodStart, head.methodEnd)).toBe("GET");
    }
  });

  test("HTTP/1.0 needs no Host and may leave it empty", () => {
    expect(accepted("GET / HTTP/1.0\r\n\r\n").head.versionMinor).toBe(0);
    expect(accepted("GET / HTTP/1.0\r\nHost:\r\n\r\n").head.hostEnd).toBeGreaterThan(0);
  });
});

describe("Host", () => {
  test.each([
    "a",
    "a.example:8080",
    "a.example:",
    "a.example:65535",
    "127.0.0.1:80",
    "a_b-c.~d",
    "%41.example",
    "[::1]",
    "[::]:80",
    "[2001:db8::1]:443",
    "[1:2:3:4:5:6:7:8]",
    "[1:2:3:4:5:6:7::]",
    "[::ffff:192.0.2.1]",
    "[1:2:3:4:5:6:192.0.2.1]",
    "[::255.255.255.255]",
    "a%4F",
  ])("%s", (value) => {
    const { head, bytes } = accepted(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`);
    expect(textOf(bytes, head.hostStart, head.hostEnd)).toBe(value);
  });

  test.each([
    "[",
    "[]",
    "[:]",
    "[::1",
    "[::1]x",
    "[1:2:3:4:5:6:7]",
    "[1:2:3:4:5:6:7:8:9]",
    "[1:2:3:4:5:6:7:8::]",
    "[1::2::3]",
    "[:::1]",
    "[1:]",
    "[:1:2:3:4:5:6:7:8]",
    "[12345::]",
    "[g::]",
    "[::1%25eth0]",
    "[::256.0.0.1]",
    "[::1.2.3]",
    "[::1..2.3]",
    "[::.1.2.3]",
    "[::1.2.3.1000]",
    "[1;2:3:4:5:6:7:8]",
    "[::01.2.3.4]",
    "[::1.2.3.4:5]",
    "[v1.a]",
  ])("%s is refused", (value) => {
    expect(parseRequest(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`).result).toBeLessThan(0);
  });
});

describe("fields", () => {
  test("keep order, repetitions and bytes; values lose the white space around them", () => {
    const { fields, head, bytes } = accepted(
      `GET / HTTP/1.1\r\n${H}X-A:1\r\nx-a: \t 2  3 \t\r\nEmpty:\r\nBlank:  \r\nUtf: \xc3\xa9\xff\r\nC: a: b\r\n\r\n`,
    );
    expect(fields).toEqual([
      ["Host", "a.example"],
      ["X-A", "1"],
      ["x-a", "2  3"],
      ["Empty", ""],
      ["Blank", ""],
      ["Utf", "\xc3\xa9\xff"],
      ["C", "a: b"],
    ]);
    let line = head.fieldsStart;
    for (let i = 0; i < head.fieldCount; i++) {
      expect(head.fields[i * FIELD_STRIDE]).toBe(line);
      line = head.fields[i * FIELD_STRIDE + FieldPart.LINE_END];
      expect(textOf(bytes, line - 2, line)).toBe("\r\n");
    }
    expect(line).toBe(head.headEnd - 2);
  });

  test("known names are found in any case, with presence, repetition and last position", () => {
    const head = withFields("x-FORWARDED-for: 1\r\nVIA: a\r\nvia: b\r\nX-Forwards-For: 1\r\n");
    expect([...head.ids.subarray(0, head.fieldCount)]).toEqual([
      FieldId.HOST,
      FieldId.X_FORWARDED_FOR,
      FieldId.VIA,
      FieldId.VIA,
      FieldId.OTHER,
    ]);
    expect(head.has(FieldId.VIA)).toBe(true);
    expect(head.has(FieldId.COOKIE)).toBe(false);
    expect(head.lastIndex[FieldId.VIA]).toBe(3);
    expect(head.repeated & (1 << FieldId.VIA)).not.toBe(0);
    expect(head.repeated & (1 << FieldId.HOST)).toBe(0);
  });

  test("a head is complete where its blank line ends: what follows is not looked at", () => {
    const text = `GET / HTTP/1.1\r\n${H}\r\n`;
    expect(parseRequest(`${text}\0\n garbage`).result).toBe(text.length);
  });

  test("a head may lie anywhere in its buffer, and nothing of an earlier one remains", () => {
    const head = new RequestHead();
    const first = bytesOf(
      `POST http://z/ HTTP/1.1\r\n${H}Content-Length: 3\r\nExpect: 100-continue\r\nUpgrade: a\r\nConnection: upgrade, x\r\n\r\n`,
    );
    expect(parseRequestHead(first, 0, first.length, head, LIMITS)).toBe(first.length);
    const text = `GET /p HTTP/1.1\r\n${H}\r\n`;
    const second = bytesOf(`POST /junk${text}tail`);
    expect(parseRequestHead(second, 10, second.length, head, LIMITS)).toBe(10 + text.length);
    const alone = parseRequest(text);
    expect(summaryOf(second, head)).toEqual(summaryOf(alone.bytes, alone.head));
  });
});

describe("framing", () => {
  test.each([
    ["0", 0],
    ["5", 5],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["  12  ", 12],
    ["\t5", 5],
    ["5 \t ", 5],
  ])("Content-Length: %s", (value, length) => {
    const head = withFields(`Content-Length: ${value}\r\n`);
    expect([head.contentLength, head.chunked]).toEqual([length, false]);
    expect(head.reframe).toBe(value.includes("\t")); // a server that does not trim tabs must not see one
  });

  test.each(["chunked", "CHUNKED", "ChunkeD", "  chunked ", "\tchunked", "chunked \t"])(
    "Transfer-Encoding: %s",
    (value) => {
      const head = withFields(`Transfer-Encoding: ${value}\r\n`);
      expect([head.contentLength, head.chunked]).toEqual([-1, true]);
      expect(head.reframe).toBe(value.includes("\t"));
    },
  );

  test("neither means no body", () => {
    const head = withFields("");
    expect([head.contentLength, head.chunked]).toEqual([-1, false]);
  });
});

describe("Connection", () => {
  test.each([
    ["1.1", "", true],
    ["1.0", "", false],
    ["1.1", "Connection: close\r\n", false],
    ["1.1", "Connection: CLOSE\r\n", false],
    ["1.1", "Connection: keep-alive\r\n", true],
    ["1.0", "Connection: Keep-Alive\r\n", true],
    ["1.0", "Connection: keep-alive, close\r\n", false],
    ["1.1", "Connection: foo\r\nConnection: , close ,\r\n", false],
    ["1.1", "Connection: close\r\nConnection: foo\r\n", false],
    ["1.1", "Connection: TE, transfer-encoding, close\r\n", false],
    ["1.1", "Connection: closed\r\n", true],
    ["1.1", "Connection:\r\n", true],
  ])("HTTP/%s with %j: kept alive %p", (version, lines, keepAlive) => {
    expect(withFields(lines, version).keepAlive).toBe(keepAlive);
  });

  test.each([
    ["Connection: keep-alive, upgrade, TE, close\r\n", false],
    ["Connection: Transfer-Encoding, HTTP2-Settings\r\n", false],
    ["", false],
    ["Connection: X-Foo\r\n", true],
    ["Connection: set-cookie\r\n", true],
    ["Connection: max-forwards\r\n", true],
    ["Connection: close\r\nConnection: cookie\r\n", true],
  ])("%j names fields to look up: %p", (lines, expected) => {
    expect(withFields(lines).hasConnectionOptions).toBe(expected);
  });

  test.each([
    ["", false],
    ["Accept: a\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n", false],
    ["Connection: close\r\n", true],
    ["TE: trailers\r\n", true],
    ["Keep-Alive: 5\r\n", true],
    ["Proxy-Connection: close\r\n", true],
    ["Proxy-Authorization: x\r\n", true],
    ["Upgrade: x\r\n", true],
    ["HTTP2-Settings: x\r\n", true],
  ])("%j has hop-by-hop fields: %p", (lines, expected) => {
    expect(withFields(lines).hasHopByHop).toBe(expected);
  });

  test("no more than 32 of them: each is compared with each field", () => {
    const options = (count: number) => `Connection: ${Array.from({ length: count }, (_, i) => `x-${i}`).join(",")}\r\n`;
    expect(withFields(options(32)).optionCount).toBe(32);
    for (const lines of [options(33), options(20) + options(13)]) {
      const { result } = parseRequest(`GET /x HTTP/1.1\r\n${H}${lines}\r\n`);
      expect(refusalOf(result)).toMatchObject({ status: 431, reason: "too_many_options" });
    }
    // What is known costs nothing but the reading of it.
    const known = withFields(`Connection: ${"close,keep-alive,te,".repeat(150)}\r\n`);
    expect([known.optionCount, known.keepAlive]).toEqual([0, false]);
  });

  test("listed fields are found in any case and in every Connection field, Transfer-Encoding never", () => {
    const { head, bytes } = accepted(
      `GET / HTTP/1.1\r\n${H}X-A: 1\r\nX-B: 2\r\nX-C: 3\r\nX-AB: 4\r\nX-^: 5\r\nxyZ: 6\r\nTransfer-Encoding: chunked\r\nConnection: x-a ,,X-ab, x-~, XYz\r\nConnection: transfer-encoding,\tx-C\r\n\r\n`,
    );
    const listed = Array.from({ length: head.fieldCount }, (_, i) => fieldIsListedInConnection(bytes, head, i));
    expect(listed).toEqual([false, true, false, true, true, false, true, false, false, false]);
  });

  test.each([
    ["Connection: upgrade\r\nUpgrade: websocket\r\n", "1.1", true],
    ["Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n", "1.1", true],
    ["Upgrade: websocket\r\n", "1.1", false],
    ["Connection: upgrade\r\n", "1.1", false],
    ["Connection: upgrade\r\nUpgrade: websocket\r\n", "1.0", false],
    ["Connection: upgrade\r\nUpgrade: h2c\r\n", "1.1", false],
    ["Connection: upgrade\r\nUpgrade: websocket, H2C\r\n", "1.1", false],
    ["Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", "1.1", false],
    ["Connection: upgrade\r\nUpgrade: xh2c\r\n", "1.1", true],
  ])("%j in HTTP/%s upgrades: %p", (lines, version, expected) => {
    expect(withFields(lines, version).upgrade).toBe(expected);
  });
});

describe("Expect", () => {
  test("100-continue is heard from HTTP/1.1 only", () => {
    expect(withFields("Expect: 100-Continue\r\n").expectContinue).toBe(true);
    expect(withFields("Expect: 100-continue\r\n", "1.0").expectContinue).toBe(false);
    expect(withFields("").expectContinue).toBe(false);
  });
});

describe("a head in the making", () => {
  test("is incomplete after each of its bytes, whatever lies behind them in the buffer", () => {
    const bytes = bytesOf(
      `\r\n\r\nPOST http://a:1/?q HTTP/1.1\r\n${H}Content-Length: 5 \r\nConnection: close\r\nExpect: 100-continue\r\nX:\r\n\r\n`,
    );
    const head = new RequestHead();
    for (let end = 0; end < bytes.length; end++) {
      for (const buffer of prefixesOf(bytes, end)) expect(parseRequestHead(buffer, 0, end, head, LIMITS)).toBe(0);
    }
    expect(parseRequestHead(bytes, 0, bytes.length, head, LIMITS)).toBe(bytes.length);
  });
});
