/**
 * Whatever fields a client of HTTP/2 sends: what its head of HTTP/1.1 says is what it said, field by field, to a reader of
 * HTTP/1.1 that knows nothing of it. There is no other line, no other end, and no other target.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { RequestHead } from "../../../../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../../../../src/proxy/http1/request-parser.ts";
import { fieldsOf } from "../../http1/support.ts";
import { blockOf, type Field, Requests } from "./support.ts";

const LIMITS = { maxHeadBytes: 65_536, maxFields: 256 };
const byte = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(..."abcz09-_/:;=,*#?%& \t\r\n\0\x7f\x80\xffAZ") },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) },
);
const rubbish = fc.string({ unit: byte, maxLength: 12 });
const value = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom("", "a", "GET", "POST", "/", "/a?b=c", "*", "a.example", "5", "trailers", "a=b"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "a\r\nb: c",
      "/ HTTP/1.1\r\nHost: x",
      "GET / HTTP/1.1\r\n\r\nGET",
      "chunked",
      "http://b/",
    ),
  },
  { weight: 1, arbitrary: rubbish },
);
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("a", "b-c", "cookie", "host", "content-length", "te", "expect", "accept") },
  { weight: 1, arbitrary: fc.constantFrom("connection", "transfer-encoding", "upgrade", ":path", ":protocol", ":a") },
  { weight: 1, arbitrary: rubbish },
);
const field = fc.tuple(name, value);
const pseudo = fc.record({
  ":method": fc.oneof({ weight: 4, arbitrary: fc.constantFrom("GET", "POST", "OPTIONS", "CONNECT") }, value),
  ":scheme": fc.oneof({ weight: 4, arbitrary: fc.constantFrom("http", "https") }, value),
  ":path": fc.oneof({ weight: 4, arbitrary: fc.constantFrom("/", "/x?y", "*") }, value),
  ":authority": fc.oneof({ weight: 4, arbitrary: fc.constantFrom("a.example", "a.example:80") }, value),
});

/** What is to be read in the head, in its order. */
function expectedFields(fields: readonly Field[], endStream: boolean, method: string): Field[] {
  const authority = fields.find(([each]) => each === ":authority") ?? fields.find(([each]) => each === "host");
  const kept = fields.filter(([each]) => !each.startsWith(":") && each !== "host" && each !== "cookie");
  const cookies = fields.filter(([each, of]) => each === "cookie" && of !== "").map(([, of]) => of);
  const lines: Field[] = [["host", authority?.[1] ?? ""], ...kept];
  if (cookies.length > 0) lines.push(["cookie", cookies.join("; ")]);
  if (kept.some(([each]) => each === "content-length")) return lines;
  if (!endStream) lines.push(["transfer-encoding", "chunked"]);
  else if (["POST", "PUT", "PATCH"].includes(method)) lines.push(["content-length", "0"]);
  return lines;
}

test("a request is refused, or what it says is all that a reader of HTTP/1.1 reads", () => {
  let accepted = 0;
  fc.assert(
    fc.property(
      pseudo,
      fc.array(field, { maxLength: 6 }),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (first, more, endStream, entering, twice) => {
        const fields: Field[] = [...(Object.entries(first) as Field[]), ...more];
        const connection = new Requests();
        const block = blockOf(fields, entering);
        if (twice) connection.read(block, { endStream });
        const text = connection.read(block, { endStream });
        if (/^[A-Z_]+$/.test(text)) return; // refused
        const bytes = Buffer.from(text, "latin1");
        const head = new RequestHead();
        const result = parseRequestHead(bytes, 0, bytes.length, head, LIMITS);
        if (result < 0) return; // as a client of HTTP/1.1 is
        accepted++;
        expect(result).toBe(bytes.length);
        expect(bytes.toString("latin1", head.methodStart, head.methodEnd)).toBe(first[":method"]);
        expect(bytes.toString("latin1", head.targetStart, head.targetEnd)).toBe(first[":path"]);
        expect(fieldsOf(bytes, head)).toEqual(
          expectedFields(fields, endStream, first[":method"]).map(([each, of]) => [each, of]),
        );
        expect(head.upgrade).toBe(false);
        expect(head.chunked && head.contentLength >= 0).toBe(false);
      },
    ),
    { numRuns: 20_000, seed: 7541 },
  );
  expect(accepted).toBeGreaterThan(1000);
});
