import { describe, expect, test } from "bun:test";
import { BodyKind, ResponseHead } from "../../../../src/proxy/http1/head.ts";
import type { ParseError } from "../../../../src/proxy/http1/parse-error.ts";
import { parseResponseHead } from "../../../../src/proxy/http1/response-parser.ts";
import { Method } from "../../../../src/shared/memory/series-table.ts";
import { bytesOf, LIMITS, nameOf, parseResponse, prefixesOf, textOf } from "./support.ts";

const ok = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}\r\n`;

function accepted(text: string, method: number = Method.GET) {
  const parsed = parseResponse(text, method);
  expect(nameOf(parsed.result)).toBe(`offset ${text.length}`);
  return parsed;
}

describe("status line", () => {
  test.each([
    ["HTTP/1.1 200 OK", 1, 200, "OK"],
    ["HTTP/1.0 404 Not Found", 0, 404, "Not Found"],
    ["HTTP/1.1 200 ", 1, 200, ""],
    ["HTTP/1.1 200", 1, 200, ""],
    ["HTTP/1.1 599 \tna\xefve  ", 1, 599, "\tna\xefve  "],
    ["HTTP/1.1 100 Continue", 1, 100, "Continue"],
  ])("%j", (line, minor, status, reason) => {
    const { head, bytes } = accepted(`${line}\r\nX: y\r\n\r\n`);
    expect([head.versionMinor, head.status]).toEqual([minor, status]);
    expect(head.fieldsStart).toBe(line.length + 2);
    expect(textOf(bytes, head.reasonStart, head.reasonEnd)).toBe(reason);
  });
});

describe("refused", () => {
  const cases: readonly (readonly [name: string, text: string, code: keyof typeof ParseError])[] = [
    ["HTTP/2", "HTTP/2 200 OK\r\n\r\n", "INVALID_STATUS_LINE"],
    ["lower case", "http/1.1 200 OK\r\n\r\n", "INVALID_STATUS_LINE"],
    ["ICY", "ICY 200 OK\r\n\r\n", "INVALID_STATUS_LINE"],
    ["HTTP/0.9 body", "<html>", "INVALID_STATUS_LINE"],
    ["leading empty line", `\r\n${ok("")}`, "INVALID_STATUS_LINE"],
    ["tab", "HTTP/1.1\t200 OK\r\n\r\n", "INVALID_STATUS_LINE"],
    ["two digits", "HTTP/1.1 20 OK\r\n\r\n", "INVALID_STATUS"],
    ["four digits", "HTTP/1.1 2000 OK\r\n\r\n", "INVALID_STATUS"],
    ["status 099", "HTTP/1.1 099 X\r\n\r\n", "INVALID_STATUS"],
    ["status 1e2", "HTTP/1.1 1e2 X\r\n\r\n", "INVALID_STATUS"],
    ["signed status", "HTTP/1.1 +20 X\r\n\r\n", "INVALID_STATUS"],
    ["NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n", "INVALID_STATUS_LINE"],
    ["bare CR", "HTTP/1.1 200 OK\rX: y\r\n\r\n", "BARE_CR"],
    ["obs-fold", ok("X: a\r\n b\r\n"), "OBS_FOLD"],
    ["space before the first field", ok(" X: a\r\n"), "SPACE_BEFORE_FIELDS"],
    ["space before colon", ok("Content-Length : 5\r\n"), "SPACE_BEFORE_COLON"],
    ["line without colon", ok("garbage\r\n"), "INVALID_FIELD_NAME"],
    ["CL signed", ok("Content-Length: -1\r\n"), "INVALID_CONTENT_LENGTH"],
    ["CL overflow", ok("Content-Length: 99999999999999999999\r\n"), "INVALID_CONTENT_LENGTH"],
    ["TE gzip, chunked", ok("Transfer-Encoding: gzip, chunked\r\n"), "UNKNOWN_TRANSFER_CODING"],
    ["TE identity", ok("Transfer-Encoding: identity\r\n"), "INVALID_TRANSFER_ENCODING"],
    ["TE twice", ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "INVALID_TRANSFER_ENCODING"],
    ["HTTP/0.9", "HTTP/0.9 200 OK\r\n\r\n", "INVALID_STATUS_LINE"],
    ["a version of two digits", "HTTP/1.10 200 OK\r\n\r\n", "INVALID_STATUS_LINE"],
    ["status 000", "HTTP/1.1 000 X\r\n\r\n", "INVALID_STATUS"],
    ["tab behind the status", "HTTP/1.1 200\tOK\r\n\r\n", "INVALID_STATUS"],
    ["NUL in a value", ok("X: a\0b\r\n"), "INVALID_FIELD_VALUE"],
    ["CR CR LF", ok("X: a\r\r\n"), "BARE_CR"],
    ["CL and another CL", ok("Content-Length: 5\r\nContent-Length: 6\r\n"), "DUPLICATE_CONTENT_LENGTH"],
    ["CL list of two", ok("Content-Length: 5, 6\r\n"), "DUPLICATE_CONTENT_LENGTH"],
    ["CL list with nothing in it", ok("Content-Length: 5,\r\n"), "INVALID_CONTENT_LENGTH"],
    ["CL empty", ok("Content-Length:\r\n"), "INVALID_CONTENT_LENGTH"],
    ["CL with a word", ok("Content-Length: 5 bytes\r\n"), "INVALID_CONTENT_LENGTH"],
    ["CL and a TE that is no coding", ok("Content-Length: 5\r\nTransfer-Encoding:\r\n"), "INVALID_TRANSFER_ENCODING"],
    ["TE gzip in 204", "HTTP/1.1 204 X\r\nTransfer-Encoding: gzip\r\n\r\n", "INVALID_TRANSFER_ENCODING"],
    ["more options than are looked at", ok(`Connection: ${"x,".repeat(33)}\r\n`), "TOO_MANY_OPTIONS"],
    ["100 in HTTP/1.0", "HTTP/1.0 100 X\r\n\r\n", "INTERIM_VERSION"],
    ["101 in HTTP/1.0", "HTTP/1.0 101 X\r\n\r\n", "INTERIM_VERSION"],
  ];
  test.each(cases.map((item) => [...item]))("%s", (_name, text, code) => {
    const { result, bytes } = parseResponse(text);
    expect(nameOf(result)).toBe(code);
    const head = new ResponseHead();
    for (let end = 0; end < bytes.length; end++) {
      for (const buffer of prefixesOf(bytes, end)) {
        const early = parseResponseHead(buffer, 0, end, head, LIMITS, Method.GET);
        if (early !== 0) expect(nameOf(early)).toBe(code);
      }
    }
  });

  test("a head beyond its limits", () => {
    const limits = { maxHeadBytes: 60, maxFields: 2 };
    expect(nameOf(parseResponse(`HTTP/1.1 200 ${"a".repeat(60)}`, Method.GET, limits).result)).toBe("HEAD_TOO_LARGE");
    expect(nameOf(parseResponse(`HTTP/1.1 200 ${"a".repeat(47)}`, Method.GET, limits).result)).toBe("HEAD_TOO_LARGE");
    expect(nameOf(parseResponse(`HTTP/1.1 200 ${"a".repeat(46)}`, Method.GET, limits).result)).toBe("INCOMPLETE");
    expect(nameOf(parseResponse(ok(`X: ${"a".repeat(60)}\r\n`), Method.GET, limits).result)).toBe("HEAD_TOO_LARGE");
    expect(nameOf(parseResponse(ok("A: 1\r\nB: 2\r\nC: 3\r\n"), Method.GET, limits).result)).toBe("TOO_MANY_FIELDS");
  });
});

describe("what can only be meant in one way", () => {
  /** Length, coding, whether the connection lives on, and whether the head leaves as it came. */
  const facts = ({ head }: { head: ResponseHead }) => [head.contentLength, head.chunked, head.keepAlive, head.regular];
  test.each([
    ["as it should be", ok("Content-Length: 5\r\n"), [5, false, true, true]],
    ["HTTP/1.2", "HTTP/1.2 200 OK\r\nContent-Length: 5\r\n\r\n", [5, false, true, false]],
    ["HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\n", [5, false, false, false]],
    ["two spaces", "HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\n", [5, false, true, false]],
    ["two spaces and no reason", "HTTP/1.1  200\r\nContent-Length: 5\r\n\r\n", [5, false, true, false]],
    ["no reason", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", [5, false, true, false]],
    ["a bell in the reason", "HTTP/1.1 200 \x07\r\nContent-Length: 5\r\n\r\n", [5, false, true, true]],
    ["status 600", "HTTP/1.1 600 X\r\nContent-Length: 5\r\n\r\n", [5, false, true, true]],
    ["status 999", "HTTP/1.1 999 X\r\nContent-Length: 5\r\n\r\n", [5, false, true, true]],
    ["line feeds alone", "HTTP/1.1 200 OK\nContent-Length: 5\n\n", [5, false, true, false]],
    ["one line feed alone", ok("X: y\nContent-Length: 5\r\n"), [5, false, true, false]],
    ["line feeds but for the last", "HTTP/1.1 200\nContent-Length: 5\n\r\n", [5, false, true, false]],
    ["a blank line that is a line feed", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\n", [5, false, true, false]],
    ["control characters in a value", ok("X: \x01\x7f\r\nContent-Length: 5\r\n"), [5, false, true, true]],
    ["the same length twice", ok("Content-Length: 5\r\nX: y\r\ncontent-length:5\r\n"), [5, false, true, false]],
    ["the same length in a list", ok("Content-Length: 5 ,\t5,5\r\n"), [5, false, true, false]],
    ["a length with zeros", ok(`Content-Length: ${"0".repeat(30)}5\r\n`), [5, false, true, false]],
    ["a length of zeros", ok("Content-Length: 000\r\n"), [0, false, true, false]],
    ["tabs around a length", ok("Content-Length:\t5\t\r\n"), [5, false, true, false]],
    ["tabs around a coding", ok("Transfer-Encoding: \tchunked\r\n"), [-1, true, true, false]],
    ["a length beside a coding", ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), [-1, true, false, false]],
    [
      "a bad length beside a coding",
      ok("Content-Length: x\r\nTransfer-Encoding: chunked\r\n"),
      [-1, true, false, false],
    ],
    [
      "a coding in HTTP/1.0",
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
      [-1, true, false, false],
    ],
    ["what is no option", ok("Connection: keep-alive; timeout=5\r\nContent-Length: 5\r\n"), [5, false, false, true]],
    ["a quoted option", ok('Connection: "close"\r\nContent-Length: 5\r\n'), [5, false, false, true]],
    ["an option that frames", ok("Connection: content-length\r\nContent-Length: 5\r\n"), [5, false, true, true]],
  ])("%s", (_, text, expected) => {
    const parsed = accepted(text);
    expect(facts(parsed)).toEqual(expected);
    const head = new ResponseHead();
    for (let end = 0; end < text.length; end++) {
      for (const buffer of prefixesOf(parsed.bytes, end)) {
        expect(parseResponseHead(buffer, 0, end, head, LIMITS, Method.GET)).toBe(0);
      }
    }
  });
});

describe("body", () => {
  const LENGTH = "Content-Length: 5\r\n";
  const CHUNKED = "Transfer-Encoding: chunked\r\n";
  test.each([
    ["GET", 200, LENGTH, "LENGTH"],
    ["GET", 200, "Content-Length: 0\r\n", "LENGTH"],
    ["GET", 200, CHUNKED, "CHUNKED"],
    ["GET", 200, "", "UNTIL_CLOSE"],
    ["POST", 500, "", "UNTIL_CLOSE"],
    ["HEAD", 200, LENGTH, "NONE"],
    ["HEAD", 200, CHUNKED, "NONE"],
    ["HEAD", 200, "", "NONE"],
    ["GET", 304, LENGTH, "NONE"],
    ["GET", 304, CHUNKED, "NONE"],
    ["GET", 204, "", "NONE"],
    ["GET", 204, "Content-Length: 0\r\n", "NONE"],
    ["GET", 100, "", "NONE"],
    ["GET", 101, "Upgrade: x\r\nConnection: upgrade\r\n", "NONE"],
    ["GET", 103, "Link: x\r\n", "NONE"],
    ["GET", 205, LENGTH, "LENGTH"],
    ["CONNECT", 200, LENGTH, "NONE"],
    ["CONNECT", 300, LENGTH, "LENGTH"],
    ["CONNECT", 407, LENGTH, "LENGTH"],
    ["GET", 204, LENGTH, "NONE"],
    ["GET", 204, CHUNKED, "NONE"],
    ["GET", 204, LENGTH + CHUNKED, "NONE"],
    ["GET", 304, "", "NONE"],
    ["GET", 100, LENGTH, "NONE"],
    ["GET", 101, CHUNKED, "NONE"],
    ["HEAD", 200, "Content-Length: 0\r\n", "NONE"],
    ["HEAD", 204, "", "NONE"],
    ["HEAD", 304, "", "NONE"],
  ] as const)("of %s answered by %i with %j is %s", (method, status, lines, kind) => {
    const { head } = accepted(`HTTP/1.1 ${status} X\r\n${lines}\r\n`, Method[method]);
    expect(head.bodyKind).toBe(BodyKind[kind]);
    // A body that was announced may come, and what is read from the connection then is no response.
    const announced = kind === "NONE" && (lines.includes(LENGTH) || lines.includes(CHUNKED));
    const unknown = method === "HEAD" && status === 200 && lines === "";
    expect(head.keepAlive).toBe(kind !== "UNTIL_CLOSE" && !announced && !unknown);
    const meaningless = (status < 200 || status === 204) && /Content-Length|Transfer-Encoding/.test(lines);
    expect(head.reframe).toBe(meaningless || (lines.includes(LENGTH) && lines.includes(CHUNKED)));
  });

  test.each([
    ["1.1", LENGTH, true],
    ["1.1", `${LENGTH}Connection: close\r\n`, false],
    ["1.0", LENGTH, false],
    ["1.0", `${LENGTH}Connection: keep-alive\r\n`, true],
    ["1.0", "Connection: keep-alive\r\n", false],
  ])("HTTP/%s with %j keeps the connection: %p", (version, lines, keepAlive) => {
    expect(accepted(`HTTP/${version} 200 OK\r\n${lines}\r\n`).head.keepAlive).toBe(keepAlive);
  });

  test("an upgrade needs both fields", () => {
    expect(accepted("HTTP/1.1 101 X\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n").head.upgrade).toBe(true);
    expect(accepted("HTTP/1.1 101 X\r\nUpgrade: a\r\n\r\n").head.upgrade).toBe(false);
  });
});

test("a head in the making is incomplete after each of its bytes, whatever lies behind them in the buffer", () => {
  for (const line of ["HTTP/1.1 200 OK", "HTTP/1.0 200"]) {
    const bytes = bytesOf(`${line}\r\nContent-Length: 5\r\nX: \r\n\r\n`);
    const head = new ResponseHead();
    for (let end = 0; end < bytes.length; end++) {
      for (const buffer of prefixesOf(bytes, end)) {
        expect(parseResponseHead(buffer, 0, end, head, LIMITS, Method.GET)).toBe(0);
      }
    }
  }
});
