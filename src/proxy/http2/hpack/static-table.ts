/**
 * The static table (RFC 7541 appendix A), each entry as the field line that it is in HTTP/1.1. So a field that a block refers to
 * is one copy of bytes.
 */

const LINES: readonly string[] = Object.freeze([
  ":authority: ",
  ":method: GET",
  ":method: POST",
  ":path: /",
  ":path: /index.html",
  ":scheme: http",
  ":scheme: https",
  ":status: 200",
  ":status: 204",
  ":status: 206",
  ":status: 304",
  ":status: 400",
  ":status: 404",
  ":status: 500",
  "accept-charset: ",
  "accept-encoding: gzip, deflate",
  "accept-language: ",
  "accept-ranges: ",
  "accept: ",
  "access-control-allow-origin: ",
  "age: ",
  "allow: ",
  "authorization: ",
  "cache-control: ",
  "content-disposition: ",
  "content-encoding: ",
  "content-language: ",
  "content-length: ",
  "content-location: ",
  "content-range: ",
  "content-type: ",
  "cookie: ",
  "date: ",
  "etag: ",
  "expect: ",
  "expires: ",
  "from: ",
  "host: ",
  "if-match: ",
  "if-modified-since: ",
  "if-none-match: ",
  "if-range: ",
  "if-unmodified-since: ",
  "last-modified: ",
  "link: ",
  "location: ",
  "max-forwards: ",
  "proxy-authenticate: ",
  "proxy-authorization: ",
  "range: ",
  "referer: ",
  "refresh: ",
  "retry-after: ",
  "server: ",
  "set-cookie: ",
  "strict-transport-security: ",
  "transfer-encoding: ",
  "user-agent: ",
  "vary: ",
  "via: ",
  "www-authenticate: ",
]);

/** Entries of the static table; the dynamic one begins behind them. */
export const STATIC_ENTRIES = LINES.length;

const TEXTS = LINES.map((line) => `${line}\r\n`);

/** All lines, one after the other, each with its CRLF. */
export const STATIC_BYTES: Buffer = Buffer.from(TEXTS.join(""), "latin1");
/** Where the line of entry 1 … 61 starts in `STATIC_BYTES`; it ends where the next one starts. */
export const STATIC_STARTS: Int32Array = buildStarts();
/** Where its name ends. */
export const STATIC_NAME_ENDS: Int32Array = Int32Array.from([0, ...LINES], nameEnd);

function buildStarts(): Int32Array {
  const starts = new Int32Array(STATIC_ENTRIES + 2);
  for (let index = 1; index <= STATIC_ENTRIES; index++) starts[index + 1] = starts[index] + TEXTS[index - 1].length;
  return starts;
}

function nameEnd(line: string | number, index: number): number {
  return typeof line === "number" ? 0 : STATIC_STARTS[index] + line.indexOf(":", 1);
}
