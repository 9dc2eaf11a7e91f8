import { describe, expect, test } from "bun:test";
import { RequestHead } from "../../../../src/proxy/http1/head.ts";
import { type ParseError, refusalOf } from "../../../../src/proxy/http1/parse-error.ts";
import { parseRequestHead } from "../../../../src/proxy/http1/request-parser.ts";
import { LIMITS, nameOf, parseRequest, prefixesOf } from "./support.ts";

type Case = readonly [name: string, text: string, code: keyof typeof ParseError, status: number];

const H = "Host: a.example\r\n";
/** A POST with these field lines. */
const post = (lines: string) => `POST /x HTTP/1.1\r\n${H}${lines}\r\n`;
/** A GET with this request line. */
const line = (requestLine: string) => `${requestLine}\r\n${H}\r\n`;
const host = (value: string) => `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`;

const LENGTH: readonly Case[] = [
  ["CL.TE", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "LENGTH_AND_TRANSFER_ENCODING", 400],
  ["TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "LENGTH_AND_TRANSFER_ENCODING", 400],
  ["CL.0 with TE", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), "LENGTH_AND_TRANSFER_ENCODING", 400],
  ["CL with an unknown TE", post("Content-Length: 5\r\nTransfer-Encoding: x\r\n"), "LENGTH_AND_TRANSFER_ENCODING", 400],
  ["CL.CL differing", post("Content-Length: 5\r\nContent-Length: 6\r\n"), "DUPLICATE_CONTENT_LENGTH", 400],
  ["CL.CL identical", post("Content-Length: 5\r\nContent-Length: 5\r\n"), "DUPLICATE_CONTENT_LENGTH", 400],
  ["CL.CL in other case", post("Content-Length: 5\r\ncontent-LENGTH: 5\r\n"), "DUPLICATE_CONTENT_LENGTH", 400],
  ["CL list", post("Content-Length: 5, 5\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL list without space", post("Content-Length: 5,6\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL empty", post("Content-Length:\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL blank", post("Content-Length:   \r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL plus sign", post("Content-Length: +5\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL minus sign", post("Content-Length: -5\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL minus zero", post("Content-Length: -0\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL inner space", post("Content-Length: 1 0\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL underscore", post("Content-Length: 1_0\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL hexadecimal", post("Content-Length: 0x10\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL hexadecimal digits", post("Content-Length: 1a\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL octal", post("Content-Length: 0o10\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL leading zero", post("Content-Length: 010\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL fraction", post("Content-Length: 5.0\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL exponent", post("Content-Length: 1e3\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL quoted", post('Content-Length: "5"\r\n'), "INVALID_CONTENT_LENGTH", 400],
  ["CL with a parameter", post("Content-Length: 5;a=b\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL in other digits", post("Content-Length: \xd9\xa5\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL 2^53", post("Content-Length: 9007199254740992\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL 2^64 + 5", post("Content-Length: 18446744073709551621\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL space before colon", post("Content-Length : 5\r\n"), "SPACE_BEFORE_COLON", 400],
  ["CL tab within", post("Content-Length: 1\t0\r\n"), "INVALID_CONTENT_LENGTH", 400],
  ["CL tab before colon", post("Content-Length\t: 5\r\n"), "SPACE_BEFORE_COLON", 400],
  ["CL NUL after", post("Content-Length: 5\0\r\n"), "INVALID_FIELD_VALUE", 400],
  [
    "CL listed in Connection",
    post("Content-Length: 5\r\nConnection: content-LENGTH\r\n"),
    "CONNECTION_NAMES_FRAMING",
    400,
  ],
];

const CODING: readonly Case[] = [
  ["TE twice in a list", post("Transfer-Encoding: chunked, chunked\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  [
    "TE twice in two fields",
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    "INVALID_TRANSFER_ENCODING",
    400,
  ],
  [
    "TE hidden in a second field",
    post("Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n"),
    "INVALID_TRANSFER_ENCODING",
    400,
  ],
  ["TE gzip then chunked", post("Transfer-Encoding: gzip, chunked\r\n"), "UNKNOWN_TRANSFER_CODING", 501],
  [
    "TE gzip and deflate then chunked",
    post("Transfer-Encoding: gzip ,deflate,chunked\r\n"),
    "UNKNOWN_TRANSFER_CODING",
    501,
  ],
  ["TE chunked then gzip", post("Transfer-Encoding: chunked, gzip\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE gzip", post("Transfer-Encoding: gzip\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE identity", post("Transfer-Encoding: identity\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE chunked then identity", post("Transfer-Encoding: chunked, identity\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE xchunked", post("Transfer-Encoding: xchunked\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE x-chunked", post("Transfer-Encoding: x-chunked\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE chunke", post("Transfer-Encoding: chunke\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE chunkedx", post("Transfer-Encoding: chunkedx\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE empty", post("Transfer-Encoding:\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE trailing comma", post("Transfer-Encoding: chunked,\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE leading comma", post("Transfer-Encoding: ,chunked\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE parameter", post("Transfer-Encoding: chunked;q=1\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE quoted", post('Transfer-Encoding: "chunked"\r\n'), "INVALID_TRANSFER_ENCODING", 400],
  ["TE two words", post("Transfer-Encoding: chunked chunked\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE vertical tab", post("Transfer-Encoding: \x0bchunked\r\n"), "INVALID_FIELD_VALUE", 400],
  ["TE form feed", post("Transfer-Encoding: chunked\x0c\r\n"), "INVALID_FIELD_VALUE", 400],
  ["TE obs-text", post("Transfer-Encoding: \xa0chunked\r\n"), "INVALID_TRANSFER_ENCODING", 400],
  ["TE space before colon", post("Transfer-Encoding : chunked\r\n"), "SPACE_BEFORE_COLON", 400],
  ["TE tab before colon", post("Transfer-Encoding\t: chunked\r\n"), "SPACE_BEFORE_COLON", 400],
  ["TE indented", post("X: y\r\n Transfer-Encoding: chunked\r\n"), "OBS_FOLD", 400],
  ["TE folded", post("Transfer-Encoding:\r\n chunked\r\n"), "OBS_FOLD", 400],
  ["TE after a bare CR", post("X: y\rTransfer-Encoding: chunked\r\n"), "BARE_CR", 400],
  ["TE after a bare LF", post("X: y\nTransfer-Encoding: chunked\r\n"), "BARE_LF", 400],
  ["TE in quotes of another name", post('"Transfer-Encoding": chunked\r\n'), "INVALID_FIELD_NAME", 400],
  ["TE in HTTP/1.0", `POST / HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n`, "TRANSFER_ENCODING_VERSION", 400],
];

const LINES: readonly Case[] = [
  ["obs-fold with space", post("X: a\r\n b\r\n"), "OBS_FOLD", 400],
  ["obs-fold with tab", post("X: a\r\n\tb\r\n"), "OBS_FOLD", 400],
  ["space before the first field", `GET / HTTP/1.1\r\n ${H}\r\n`, "SPACE_BEFORE_FIELDS", 400],
  ["tab before the first field", `GET / HTTP/1.1\r\n\t${H}\r\n`, "SPACE_BEFORE_FIELDS", 400],
  ["bare LF after the request line", `GET / HTTP/1.1\n${H}\r\n`, "BARE_LF", 400],
  ["bare LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", "BARE_LF", 400],
  ["bare LF as blank line", `GET / HTTP/1.1\r\n${H}\n`, "BARE_LF", 400],
  ["bare LF before the request line", `\n${line("GET / HTTP/1.1")}`, "BARE_LF", 400],
  ["bare LF in a name", post("X\nY: z\r\n"), "BARE_LF", 400],
  ["bare CR in a value", post("X: a\rb\r\n"), "BARE_CR", 400],
  ["bare CR after the version", "GET / HTTP/1.1\rHost: a\r\n\r\n", "BARE_CR", 400],
  ["bare CR as blank line", `GET / HTTP/1.1\r\n${H}\rX`, "BARE_CR", 400],
  ["CR CR LF", post("X: a\r\r\n"), "BARE_CR", 400],
  ["bare CR before the request line", `\r${line("GET / HTTP/1.1")}`, "BARE_CR", 400],
  ["NUL in a value", post("X: a\0b\r\n"), "INVALID_FIELD_VALUE", 400],
  ["DEL in a value", post("X: a\x7fb\r\n"), "INVALID_FIELD_VALUE", 400],
  ["escape in a value", post("X: \x1b[31m\r\n"), "INVALID_FIELD_VALUE", 400],
  ["NUL in a name", post("X\0: a\r\n"), "INVALID_FIELD_NAME", 400],
  ["space before colon", post("X : a\r\n"), "SPACE_BEFORE_COLON", 400],
  ["space in a name", post("X Y: a\r\n"), "SPACE_BEFORE_COLON", 400],
  ["empty name", post(": a\r\n"), "EMPTY_FIELD_NAME", 400],
  ["line without colon", post("X\r\n"), "INVALID_FIELD_NAME", 400],
  ["parenthesis in a name", post("X(): a\r\n"), "INVALID_FIELD_NAME", 400],
  ["slash in a name", post("X/Y: a\r\n"), "INVALID_FIELD_NAME", 400],
  ["non-ASCII name", post("X\xe9: a\r\n"), "INVALID_FIELD_NAME", 400],
  ["Connection that is no list of tokens", post("Connection: close; foo\r\n"), "INVALID_CONNECTION", 400],
  ["Connection with two words", post("Connection: keep-alive foo\r\n"), "INVALID_CONNECTION", 400],
  ["Host listed in Connection", post("Connection: x, Host\r\n"), "CONNECTION_NAMES_FRAMING", 400],
];

const HOSTS: readonly Case[] = [
  ["no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", "MISSING_HOST", 400],
  ["no field", "GET / HTTP/1.1\r\n\r\n", "MISSING_HOST", 400],
  ["no Host with an absolute target", "GET http://a/ HTTP/1.1\r\nX: y\r\n\r\n", "MISSING_HOST", 400],
  ["two Hosts", `GET / HTTP/1.1\r\n${H}Host: b\r\n\r\n`, "DUPLICATE_HOST", 400],
  ["two identical Hosts", `GET / HTTP/1.1\r\n${H}${H}\r\n`, "DUPLICATE_HOST", 400],
  ["two Hosts in HTTP/1.0", `GET / HTTP/1.0\r\n${H}${H}\r\n`, "DUPLICATE_HOST", 400],
  ["two Hosts with an absolute target", `GET http://a/ HTTP/1.1\r\n${H}${H}\r\n`, "DUPLICATE_HOST", 400],
  ["Host hidden by a space", `GET / HTTP/1.1\r\n${H}Host : b\r\n\r\n`, "SPACE_BEFORE_COLON", 400],
  ["empty Host", host(""), "INVALID_HOST", 400],
  ["empty Host with an absolute target", "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", "INVALID_HOST", 400],
  ["bad Host with an absolute target", "GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n", "INVALID_HOST", 400],
  ["bad Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n", "INVALID_HOST", 400],
  ["Host list", host("a, b"), "INVALID_HOST", 400],
  ["Host list without space", host("a,b"), "INVALID_HOST", 400],
  ["Host with path", host("a/b"), "INVALID_HOST", 400],
  ["Host with query", host("a?b"), "INVALID_HOST", 400],
  ["Host with fragment", host("a#b"), "INVALID_HOST", 400],
  ["Host with userinfo", host("user@a"), "INVALID_HOST", 400],
  ["Host with userinfo and port", host("user:1@a"), "INVALID_HOST", 400],
  ["Host with backslash", host("a\\b"), "INVALID_HOST", 400],
  ["Host as URL", host("http://a"), "INVALID_HOST", 400],
  ["Host with space", host("a b"), "INVALID_HOST", 400],
  ["Host with tab", host("a\tb"), "INVALID_HOST", 400],
  ["Host non-ASCII", host("\xe4.example"), "INVALID_HOST", 400],
  ["Host port only", host(":80"), "INVALID_HOST", 400],
  ["Host port not a number", host("a:http"), "INVALID_HOST", 400],
  ["Host port signed", host("a:+80"), "INVALID_HOST", 400],
  ["Host port too large", host("a:65536"), "INVALID_HOST", 400],
  ["Host port too long", host("a:000080"), "INVALID_HOST", 400],
  ["Host two ports", host("a:80:80"), "INVALID_HOST", 400],
  ["Host bare IPv6", host("::1"), "INVALID_HOST", 400],
  ["Host bad escape", host("a%2"), "INVALID_HOST", 400],
  ["Host escape not hexadecimal", host("a%4g"), "INVALID_HOST", 400],
  ["Host escape not hexadecimal at all", host("a%g4"), "INVALID_HOST", 400],
  ["Host angle brackets", host("<a>"), "INVALID_HOST", 400],
];

const REQUEST_LINE: readonly Case[] = [
  ["HTTP/0.9", "GET /\r\n", "MISSING_VERSION", 400],
  ["HTTP/0.9 with LF", "GET /\n", "BARE_LF", 400],
  ["HTTP/0.9 named", line("GET / HTTP/0.9"), "UNSUPPORTED_VERSION", 505],
  ["HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "UNSUPPORTED_VERSION", 505],
  ["HTTP/1.2", line("GET / HTTP/1.2"), "UNSUPPORTED_VERSION", 505],
  ["HTTP/3.0", line("GET / HTTP/3.0"), "UNSUPPORTED_VERSION", 505],
  ["HTTP/2", line("GET / HTTP/2"), "INVALID_VERSION", 400],
  ["HTTP/1.10", line("GET / HTTP/1.10"), "INVALID_VERSION", 400],
  ["HTTP/01.1", line("GET / HTTP/01.1"), "INVALID_VERSION", 400],
  ["HTTP/1,1", line("GET / HTTP/1,1"), "INVALID_VERSION", 400],
  ["lower-case version", line("GET / http/1.1"), "INVALID_VERSION", 400],
  ["other protocol", line("GET / ICY/1.1"), "INVALID_VERSION", 400],
  ["space in the target", line("GET /a b HTTP/1.1"), "INVALID_VERSION", 400],
  ["two spaces before the version", line("GET /  HTTP/1.1"), "INVALID_VERSION", 400],
  ["space after the version", line("GET / HTTP/1.1 "), "INVALID_VERSION", 400],
  ["two spaces before the target", line("GET  / HTTP/1.1"), "INVALID_TARGET", 400],
  ["tab after the method", line("GET\t/ HTTP/1.1"), "INVALID_METHOD", 400],
  ["tab before the version", line("GET /\tHTTP/1.1"), "INVALID_TARGET", 400],
  ["space before the method", ` ${line("GET / HTTP/1.1")}`, "INVALID_METHOD", 400],
  ["three empty lines", `\r\n\r\n\r\n${line("GET / HTTP/1.1")}`, "INVALID_METHOD", 400],
  ["method not a token", line("GE(T / HTTP/1.1"), "INVALID_METHOD", 400],
  ["method with colon", line("GET: / HTTP/1.1"), "INVALID_METHOD", 400],
  ["method of 33 bytes", line(`${"M".repeat(33)} / HTTP/1.1`), "METHOD_TOO_LONG", 501],
  ["TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "INVALID_METHOD", 400],
  ["field line first", `${H}GET / HTTP/1.1\r\n\r\n`, "INVALID_METHOD", 400],
  ["fragment", line("GET /a#b HTTP/1.1"), "TARGET_FRAGMENT", 400],
  ["NUL in the target", line("GET /a\0b HTTP/1.1"), "INVALID_TARGET", 400],
  ["CR in the target", line("GET /a\rb HTTP/1.1"), "MISSING_VERSION", 400],
  ["DEL in the target", line("GET /a\x7fb HTTP/1.1"), "INVALID_TARGET", 400],
  ["non-ASCII target", line("GET /\xc3\xa9 HTTP/1.1"), "INVALID_TARGET", 400],
  ["relative target", line("GET a/b HTTP/1.1"), "INVALID_TARGET", 400],
  ["query as target", line("GET ?a HTTP/1.1"), "INVALID_TARGET", 400],
  ["backslash target", line("GET \\a HTTP/1.1"), "INVALID_TARGET", 400],
  ["authority form without CONNECT", line("GET a.example:80 HTTP/1.1"), "INVALID_TARGET", 400],
  ["asterisk for GET", line("GET * HTTP/1.1"), "TARGET_ASTERISK", 400],
  ["asterisk with more", line("OPTIONS *a HTTP/1.1"), "INVALID_TARGET", 400],
  ["CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", "CONNECT_METHOD", 501],
  ["CONNECT with a path", line("CONNECT / HTTP/1.1"), "CONNECT_METHOD", 501],
  ["ftp scheme", line("GET ftp://a/ HTTP/1.1"), "TARGET_SCHEME", 400],
  ["file scheme", line("GET file:///etc/passwd HTTP/1.1"), "TARGET_SCHEME", 400],
  ["scheme that begins with http", line("GET httpx://a/ HTTP/1.1"), "TARGET_SCHEME", 400],
  ["one slash after the scheme", line("GET http:/a HTTP/1.1"), "INVALID_TARGET", 400],
  ["no slash after the scheme", line("GET http:x/a HTTP/1.1"), "INVALID_TARGET", 400],
  ["nothing after the scheme", line("GET http: HTTP/1.1"), "INVALID_TARGET", 400],
  ["no authority", line("GET http:///a HTTP/1.1"), "TARGET_AUTHORITY", 400],
  ["scheme only", line("GET http:// HTTP/1.1"), "TARGET_AUTHORITY", 400],
  ["userinfo", line("GET http://user@a/ HTTP/1.1"), "TARGET_AUTHORITY", 400],
  ["userinfo with password", line("GET http://user:pw@a/ HTTP/1.1"), "TARGET_AUTHORITY", 400],
  ["bad port", line("GET http://a:port/ HTTP/1.1"), "TARGET_AUTHORITY", 400],
];

const EXPECT: readonly Case[] = [
  ["unknown", post("Expect: 200-ok\r\n"), "UNKNOWN_EXPECTATION", 417],
  ["empty", post("Expect:\r\n"), "UNKNOWN_EXPECTATION", 417],
  ["list", post("Expect: 100-continue, x\r\n"), "UNKNOWN_EXPECTATION", 417],
  ["twice", post("Expect: 100-continue\r\nExpect: 100-continue\r\n"), "UNKNOWN_EXPECTATION", 417],
  ["prefix", post("Expect: 100-continued\r\n"), "UNKNOWN_EXPECTATION", 417],
];

const FAMILIES = {
  "Content-Length": LENGTH,
  "Transfer-Encoding": CODING,
  "field lines": LINES,
  Host: HOSTS,
  "request line": REQUEST_LINE,
  Expect: EXPECT,
};

for (const [family, cases] of Object.entries(FAMILIES)) {
  describe(`refused: ${family}`, () => {
    test.each(cases as Case[])("%s", (_name, text, code, status) => {
      const { result, bytes } = parseRequest(text);
      expect(nameOf(result)).toBe(code);
      expect(refusalOf(result).status).toBe(status as 400);
      // However little has arrived, the verdict is this one or none, so that a split can't change it.
      const head = new RequestHead();
      for (let end = 0; end < bytes.length; end++) {
        for (const buffer of prefixesOf(bytes, end)) {
          const early = parseRequestHead(buffer, 0, end, head, LIMITS);
          if (early !== 0) expect(nameOf(early)).toBe(code);
        }
      }
    });
  });
}

describe("refused: size", () => {
  const limits = { maxHeadBytes: 100, maxFields: 3 };
  const cases: readonly Case[] = [
    ["request line", `GET /${"a".repeat(200)} HTTP/1.1\r\n${H}\r\n`, "REQUEST_LINE_TOO_LONG", 414],
    ["request line, unfinished", `GET /${"a".repeat(95)}`, "REQUEST_LINE_TOO_LONG", 414],
    ["field", `GET / HTTP/1.1\r\n${H}X: ${"a".repeat(200)}\r\n\r\n`, "HEAD_TOO_LARGE", 431],
    ["field, unfinished", `GET / HTTP/1.1\r\n${H}X: ${"a".repeat(80)}`, "HEAD_TOO_LARGE", 431],
    ["fields", `GET / HTTP/1.1\r\n${H}A: 1\r\nB: 2\r\nC: 3\r\n\r\n`, "TOO_MANY_FIELDS", 431],
    ["one byte too many", `GET / HTTP/1.1\r\n${H}X: ${"a".repeat(63)}\r\n\r\n`, "HEAD_TOO_LARGE", 431],
  ];
  test.each(cases as Case[])("%s", (_name, text, code, status) => {
    const { result } = parseRequest(text, limits);
    expect(nameOf(result)).toBe(code);
    expect(refusalOf(result).status).toBe(status as 431);
  });

  test("a head of exactly the limit passes, whatever follows", () => {
    const text = `GET / HTTP/1.1\r\n${H}X: ${"a".repeat(100 - 40)}\r\n\r\n`;
    expect(text.length).toBe(100);
    expect(parseRequest(text, limits).result).toBe(100);
    expect(parseRequest(`${text}${"b".repeat(500)}`, limits).result).toBe(100);
  });

  test("the head's own capacity bounds the fields too", () => {
    const text = `GET / HTTP/1.1\r\n${H}A: 1\r\nB: 2\r\n\r\n`;
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    expect(nameOf(parseRequestHead(bytes, 0, bytes.length, new RequestHead(2), LIMITS))).toBe("TOO_MANY_FIELDS");
  });
});
