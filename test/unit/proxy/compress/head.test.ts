import { describe, expect, test } from "bun:test";
import type { CompressionSettings } from "../../../../src/protocol/route.ts";
import { BodyLength, compressedHead } from "../../../../src/proxy/compress/head.ts";
import { type CompressionPlan, CompressionRules } from "../../../../src/proxy/compress/plan.ts";
import { BodyKind, RequestHead, ResponseHead } from "../../../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../../../src/proxy/http1/request-parser.ts";
import { parseResponseHead } from "../../../../src/proxy/http1/response-parser.ts";
import { METHODS } from "../../../../src/shared/memory/series-table.ts";

const LIMITS = { maxHeadBytes: 65_536, maxFields: 100 };
const SETTINGS: CompressionSettings = {
  encodings: ["br", "zstd", "gzip"],
  minBytes: 100,
  types: ["text/*", "application/json"],
};

function parsed(head: string, method = "GET"): { readonly head: ResponseHead; readonly bytes: Buffer } {
  const bytes = Buffer.from(head.replaceAll("\n", "\r\n"), "latin1");
  const response = new ResponseHead(100);
  expect(
    parseResponseHead(bytes, 0, bytes.length, response, LIMITS, (METHODS as readonly string[]).indexOf(method)),
  ).toBe(bytes.length);
  return { head: response, bytes };
}

/** What becomes of a response with these fields, to a request with those. */
function planFor(
  responseFields: string,
  requestFields = "Accept-Encoding: gzip\n",
  { status = 200, method = "GET", version = "1.1", settings = SETTINGS } = {},
): CompressionPlan | null {
  const request = new RequestHead(100);
  const bytes = Buffer.from(
    `${method} / HTTP/${version}\nHost: a\n${requestFields}\n`.replaceAll("\n", "\r\n"),
    "latin1",
  );
  expect(parseRequestHead(bytes, 0, bytes.length, request, LIMITS)).toBe(bytes.length);
  const { head, bytes: responseBytes } = parsed(`HTTP/1.1 ${status} x\n${responseFields}\n`, method);
  return new CompressionRules(settings).planFor(request, bytes, head, responseBytes);
}

const TEXT = "Content-Type: text/html; charset=utf-8\n";
const LONG = `${TEXT}Content-Length: 100\n`;
const gzip = { encoding: "gzip" };
const asItIs = { encoding: null };

describe("what is compressed", () => {
  test.each([
    ["a type of a family", LONG],
    ["a type that is named, in whatever case", "Content-Type: Application/JSON\nContent-Length: 100\n"],
    ["a length that is not known yet", `${TEXT}Transfer-Encoding: chunked\n`],
    ["a body until close", TEXT],
    ["with leave to cache it", `${LONG}Cache-Control: public, max-age=5\n`],
  ])("%s", (_, fields) => {
    expect(planFor(fields)).toEqual(gzip as CompressionPlan);
  });

  test.each([404, 500, 203, 200])("with status %p", (status) => {
    expect(planFor(LONG, undefined, { status })).toEqual(gzip as CompressionPlan);
  });

  test("of HEAD what would be of GET", () => {
    expect(planFor(LONG, undefined, { method: "HEAD" })).toEqual(gzip as CompressionPlan);
    expect(planFor(TEXT, undefined, { method: "HEAD" })).toEqual(gzip as CompressionPlan);
    expect(planFor(`${TEXT}Content-Length: 99\n`, undefined, { method: "HEAD" })).toBeNull();
  });
});

describe("what is compressed for nobody", () => {
  test.each([
    ["too little", `${TEXT}Content-Length: 99\n`],
    ["nothing", `${TEXT}Content-Length: 0\n`],
    ["another type", "Content-Type: image/png\nContent-Length: 1000\n"],
    ["a type that begins like one of ours", "Content-Type: application/jsonp\nContent-Length: 1000\n"],
    ["no type", "Content-Length: 1000\n"],
    ["two types", `${LONG}Content-Type: text/plain\n`],
    ["what is no type", "Content-Type: text\nContent-Length: 1000\n"],
    ["what is compressed already", `${LONG}Content-Encoding: gzip\n`],
    ["what is said to have no coding", `${LONG}Content-Encoding: identity\n`],
    ["a part", `${LONG}Content-Range: bytes 0-99/200\n`],
    ["what may not be changed", `${LONG}Cache-Control: max-age=5, No-Transform\n`],
    ["what may not be changed, in a second line", `${LONG}Cache-Control: public\nCache-Control: no-transform\n`],
    ["what has fields for the connection alone", `${LONG}Connection: content-encoding\n`],
  ])("%s", (_, fields) => {
    expect(planFor(fields)).toBeNull();
  });

  test.each([204, 205, 206, 304])("status %p", (status) => {
    expect(planFor(status === 204 || status === 304 ? TEXT : LONG, undefined, { status })).toBeNull();
  });

  test("even where the least length is 0, nothing is not", () => {
    const settings = { ...SETTINGS, minBytes: 0 };
    expect(planFor(`${TEXT}Content-Length: 0\n`, undefined, { settings })).toBeNull();
    expect(planFor(`${TEXT}Content-Length: 1\n`, undefined, { settings })).toEqual(gzip as CompressionPlan);
  });

  test("a head that has no room for more fields", () => {
    expect(planFor(LONG + "X: y\n".repeat(95))).toEqual(gzip as CompressionPlan);
    expect(planFor(LONG + "X: y\n".repeat(96))).toBeNull();
  });
});

describe("whom it is not compressed for", () => {
  test.each([
    ["who says nothing of codings", ""],
    ["who wants none", "Accept-Encoding: identity\n"],
    ["who wants others", "Accept-Encoding: deflate\n"],
    ["who wants nothing changed", "Accept-Encoding: gzip\nCache-Control: no-transform\n"],
  ])("%s", (_, fields) => {
    expect(planFor(LONG, fields)).toEqual(asItIs);
  });

  test("a client of HTTP/1.0", () => {
    expect(planFor(LONG, "Accept-Encoding: gzip\n", { version: "1.0" })).toEqual(asItIs);
  });

  test("several lines are one", () => {
    const fields = "Accept-Encoding: gzip;q=0.5\nX: y\nAccept-Encoding: BR\n";
    expect(planFor(LONG, fields)).toEqual({ encoding: "br" });
  });
});

describe("the head", () => {
  function written(fields: string, encoding: CompressionPlan["encoding"], length: number = BodyLength.CHUNKED): string {
    const { head, bytes } = parsed(`HTTP/1.1 200 Very OK\n${fields}\n`);
    const made = compressedHead(head, bytes, { encoding }, length);
    const again = new ResponseHead(100);
    expect(parseResponseHead(made, 0, made.length, again, LIMITS, 0)).toBe(made.length);
    if (encoding !== null) {
      const kind = length === 0 ? BodyKind.LENGTH : length > 0 ? BodyKind.LENGTH : BodyKind.CHUNKED;
      expect(again.bodyKind).toBe(length === BodyLength.NONE ? BodyKind.UNTIL_CLOSE : kind);
    } else expect(again.bodyKind).toBe(head.bodyKind);
    return made.toString("latin1").replaceAll("\r\n", "\n");
  }

  test("of a compressed body has its coding and its framing, a weak tag, and says what it depends on", () => {
    expect(written('ETag: "x"\nContent-Length: 100\nServer: s\n', "gzip")).toBe(
      'HTTP/1.1 200 Very OK\nETag: W/"x"\nServer: s\nVary: Accept-Encoding\nContent-Encoding: gzip\nTransfer-Encoding: chunked\n\n',
    );
    expect(written('etag: W/"x"\nTransfer-Encoding: chunked\nTrailer: Sum\n', "br", 70)).toBe(
      'HTTP/1.1 200 Very OK\nETag: W/"x"\nTrailer: Sum\nVary: Accept-Encoding\nContent-Encoding: br\nContent-Length: 70\n\n',
    );
    expect(written("Content-Length: 5\n", "zstd", BodyLength.NONE)).toBe(
      "HTTP/1.1 200 Very OK\nVary: Accept-Encoding\nContent-Encoding: zstd\n\n",
    );
  });

  test("has nothing that is about the bytes as they were", () => {
    const fields =
      "Accept-Ranges: bytes\nContent-Digest: a=:b:\nRepr-Digest: a=:b:\nDigest: a=b\nContent-MD5: b\nX-Digest: c\n";
    expect(written(fields, "gzip")).not.toMatch(/\n(accept-ranges|(content-|repr-)?digest|content-md5)/i);
    expect(written(fields, "gzip")).toContain("X-Digest: c\n");
  });

  test("of one that is sent as it is says alone what it depends on", () => {
    const fields = 'ETag: "x"\nAccept-Ranges: bytes\nDigest: a=b\nContent-Length: 100\n';
    expect(written(fields, null)).toBe(`HTTP/1.1 200 Very OK\n${fields}Vary: Accept-Encoding\n\n`);
  });

  test.each([
    ["Vary: Cookie\n", "Vary: Cookie, Accept-Encoding\n"],
    ["vary:\n", "Vary: Accept-Encoding\n"],
    ["Vary: accept-encoding\n", "Vary: accept-encoding\n"],
    ["Vary: a, Accept-Encoding ,b\n", "Vary: a, Accept-Encoding ,b\n"],
    ["Vary: *\n", "Vary: *\n"],
    ["Vary: a\nX: y\nVary: b\n", "Vary: a\nX: y\nVary: b, Accept-Encoding\n"],
    ["Vary: Accept-Encoding\nVary: b\n", "Vary: Accept-Encoding\nVary: b\n"],
  ])("%p becomes %p", (fields, expected) => {
    expect(written(`${fields}Content-Length: 5\n`, null)).toBe(
      `HTTP/1.1 200 Very OK\n${expected}Content-Length: 5\n\n`,
    );
  });
});
