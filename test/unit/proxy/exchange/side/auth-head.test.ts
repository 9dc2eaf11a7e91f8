/** What auth servers are asked, of whatever heads. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import type { ProxiedRequest } from "../../../../../src/proxy/exchange/request.ts";
import {
  allowedEdits,
  QUESTION_PATH_START,
  questionEdits,
  questionHead,
} from "../../../../../src/proxy/exchange/side/auth-head.ts";
import { FIELD_STRIDE, FieldPart, RequestHead, ResponseHead } from "../../../../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../../../../src/proxy/http1/request-parser.ts";
import { parseResponseHead } from "../../../../../src/proxy/http1/response-parser.ts";
import type { ServerPool } from "../../../../../src/proxy/pool/server-pool.ts";
import { compileAuth } from "../../../../../src/proxy/routing/auth-target.ts";
import { Method } from "../../../../../src/shared/memory/series-table.ts";

const LIMITS = { maxHeadBytes: 65_536, maxFields: 100 };
/** What a question may have more than the request. */
const MOST_FIELDS = LIMITS.maxFields + 1;

function auth(requestHeaders: string[] = [], responseHeaders: string[] = []) {
  const pool = { settings: { upstreamHost: null } } as unknown as ServerPool;
  return compileAuth({ pool: "auth", path: "/verify?x=1", requestHeaders, responseHeaders, timeoutMs: 1000 }, pool);
}

/** The request of a head; undefined when it is refused. */
function request(text: string): ProxiedRequest | undefined {
  const headBuffer = Buffer.from(text, "latin1");
  const head = new RequestHead(MOST_FIELDS);
  if (parseRequestHead(headBuffer, 0, headBuffer.length, head, LIMITS) !== headBuffer.length) return undefined;
  const { methodStart, methodEnd, targetEnd, pathStart } = head;
  const parsed = { headBuffer, methodStart, methodEnd, targetEnd, routedStart: pathStart, parsedHead: () => head };
  return parsed as unknown as ProxiedRequest;
}

function fieldsOf(buf: Buffer, { fields, fieldCount }: RequestHead): [string, string][] {
  return Array.from({ length: fieldCount }, (_, i) => {
    const part = (from: number, to: number) =>
      buf.toString("latin1", fields[i * FIELD_STRIDE + from], fields[i * FIELD_STRIDE + to]);
    return [
      part(FieldPart.NAME_START, FieldPart.NAME_END).toLowerCase(),
      part(FieldPart.VALUE_START, FieldPart.VALUE_END),
    ];
  });
}

const TARGETS = ["/", "/a?b", "*", "http://b.example", "http://b.example:81/x", "http://[::1]?q", "//x", "/%0d%0a"];
const METHODS = ["GET", "POST", "OPTIONS", "QUERY", "HEAD"];
const FIELDS = [
  "Host: a.example",
  "Host: ",
  "Content-Length: 3",
  "Transfer-Encoding: chunked",
  "Connection: close, x-hop, te",
  "X-Hop: 1",
  "TE: trailers",
  "Upgrade: x",
  "Expect: 100-continue",
  "Cookie: a=b",
  "Authorization: \x80\xff",
  "X_Forwarded_For: 1.2.3.4",
  "Content-Type: a/b",
  "If-None-Match: *",
  "Trailer: x",
  "Proxy-Authorization: x",
];
const NEVER = [
  "content-length",
  "transfer-encoding",
  "connection",
  "te",
  "upgrade",
  "expect",
  "content-type",
  "trailer",
  "proxy-authorization",
];

test("whatever request is accepted, its question is, and has no body and nothing of the connection", () => {
  const { next } = seededRandom(7);
  const oneOf = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  let asked = 0;
  for (let i = 0; i < 20_000; i++) {
    const lines = Array.from({ length: Math.floor(next() * 7) }, () => oneOf(FIELDS));
    const version = next() < 0.2 ? "1.0" : "1.1";
    const one = request(
      `${oneOf(METHODS)} ${oneOf(TARGETS)} HTTP/${version}\r\n${lines.map((l) => `${l}\r\n`).join("")}\r\n`,
    );
    if (one === undefined) continue;
    asked++;
    const { path } = auth();
    const question = questionHead(one, auth(next() < 0.3 ? ["cookie"] : []));
    const head = new RequestHead(MOST_FIELDS);
    const end = parseRequestHead(question, 0, question.length, head, LIMITS);
    if (end !== question.length) throw new Error(`${end}: ${one.headBuffer} became ${question}`);
    expect(head.method).toBe(Method.GET);
    expect(head.pathStart).toBe(QUESTION_PATH_START);
    expect(question.subarray(head.pathStart, head.targetEnd).equals(path)).toBe(true);
    expect([head.contentLength, head.chunked, head.upgrade, head.optionCount]).toEqual([-1, false, false, 0]);
    const names = fieldsOf(question, head).map(([name]) => name);
    expect(names.filter((name) => NEVER.includes(name))).toEqual([]);
    const was = one.parsedHead();
    if (was.hasConnectionOptions) expect(names).not.toContain("x-hop");
    const host = (buf: Buffer, { hostStart, hostEnd }: RequestHead) => buf.toString("latin1", hostStart, hostEnd);
    expect(host(question, head)).toBe(host(one.headBuffer, was));
    const told = questionEdits(one).lines.toString("latin1").split("\r\n");
    expect(told.length).toBe(3);
    expect(told[0]).toBe(`X-Forwarded-Method: ${one.headBuffer.toString("latin1", one.methodStart, one.methodEnd)}`);
    expect(told[1]).toMatch(/^X-Forwarded-Uri: (\/[\x21-\x7e]*|\*)$/);
  }
  expect(asked).toBeGreaterThan(3000);
});

test("a request with as many fields as may be is asked about", () => {
  const lines = Array.from({ length: LIMITS.maxFields }, (_, i) => `X-${i}: 1\r\n`).join("");
  const one = request(`GET http://a.example/ HTTP/1.0\r\n${lines}\r\n`);
  if (one === undefined) throw new Error("it is refused");
  const question = questionHead(one, auth());
  const head = new RequestHead(MOST_FIELDS);
  expect(parseRequestHead(question, 0, question.length, head, { ...LIMITS, maxFields: 1000 })).toBe(question.length);
  expect(head.fieldCount).toBe(MOST_FIELDS);
});

/** The lines that an answer gives to a request; null = it is no answer. */
function given(fields: string, names: string[]): string | null {
  const buf = Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n`, "latin1");
  const head = new ResponseHead(MOST_FIELDS);
  expect(parseResponseHead(buf, 0, buf.length, head, LIMITS, Method.GET)).toBe(buf.length);
  return allowedEdits(buf, head, auth([], names))?.lines.toString("latin1") ?? null;
}

test("an answer gives what it is asked for, each in a line of its own, and nothing that would be another line", () => {
  expect(given("X-User: ann\nX-Other: 1\r\nx-user:  bob \r\n", ["x-user"])).toBe("X-User: ann\r\nx-user: bob\r\n");
  expect(given("Connection: x-user\r\nX-User: ann\r\n", ["x-user"])).toBe("");
  expect(given("X-User: a\x01b\r\n", ["x-user"])).toBeNull();
  expect(given("X-User: a\x7fb\r\n", ["x-user"])).toBeNull();
  expect(given(`X-User: ${"a".repeat(8200)}\r\n`, ["x-user"])).toBeNull();
  expect(given("X-User: ann\r\n", [])).toBe("");
  expect(given("X-Forwarded-For: 1.2.3.4\r\nContent-Length: 0\r\n", ["x-forwarded-for", "content-length"])).toBe("");
});
