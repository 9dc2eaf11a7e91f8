/** The bytes of lines, in each format, and what they do with what clients say. */
import { describe, expect, test } from "bun:test";
import { Failures } from "../../../../../src/proxy/failure.ts";
import { viewOf } from "../../../../../src/proxy/http1/fixed-text.ts";
import { LineClock } from "../../../../../src/proxy/record/access-log/clock.ts";
import { JsonLine } from "../../../../../src/proxy/record/access-log/json-line.ts";
import {
  type LoggedOutcome,
  type LoggedRequest,
  RouteLabels,
} from "../../../../../src/proxy/record/access-log/logged.ts";
import { writeLogFormatLine, writeTextLine } from "../../../../../src/proxy/record/access-log/text-line.ts";
import { MAX_TEXT_BYTES } from "../../../../../src/proxy/record/access-log/texts.ts";
import {
  ACCESS_LOG_FIELD_NAMES,
  type AccessLogField,
  DEFAULT_ACCESS_LOG_FIELDS,
} from "../../../../../src/shared/access-log-fields.ts";
import { LOGGED_OUTCOME, loggedRequest } from "../../../../support/logged-request.ts";

const out = Buffer.alloc(64 * 1024);
const clock = new LineClock();
clock.set(Date.UTC(2031, 1, 3, 4, 5, 6, 78));

function json(request: LoggedRequest, outcome: LoggedOutcome, fields: readonly AccessLogField[], durationMs = 1) {
  const end = new JsonLine(fields).write(out, 0, {
    request,
    outcome,
    durationMs,
    time: clock.isoText,
    view: viewOf(out),
  });
  return out.toString("utf8", 0, end);
}
const parsed = (request: LoggedRequest, fields = ACCESS_LOG_FIELD_NAMES) =>
  JSON.parse(json(request, LOGGED_OUTCOME, fields)) as Record<string, unknown>;

const FAILED: LoggedOutcome = { ...LOGGED_OUTCOME, status: 504, attempts: 2, failure: Failures.RESPONSE_TIMEOUT };
const SAID = { host: "shop.test", userAgent: 'curl "8"', referer: "https://a.test/?b" };

describe("JSON", () => {
  test("every field, in its order", () => {
    const request = loggedRequest('/a"\\', SAID, {
      labels: new RouteLabels("shop", "main"),
      limitedBy: { spec: { name: "clients" } },
      tlsVersion: Buffer.from("TLSv1.3"),
      certificate: { subject: Buffer.from("CN=alice"), fingerprint: Buffer.from("f0") },
      spanIdStart: 64,
      sampledFlag: true,
    });
    const outcome = { ...FAILED, waitMs: 12.3456, connectMs: 0, headMs: 1000.5, grpcStatus: 4 };
    const line = json(request, outcome, ACCESS_LOG_FIELD_NAMES, 1234.5678);
    expect(line).toBe(
      '{"ts":"2031-02-03T04:05:06.078Z","request_id":"rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr","method":"GET","path":"/a\\"\\\\",' +
        '"status":504,"grpc_status":4,"duration":"1.234568s","duration_ms":1234.568,"remote_ip":"1.2.3.4","server_id":3,' +
        '"upstream":"10.0.0.3:80","route":"shop","pool":"main","bytes":12,"attempts":2,"retries":1,"queue_ms":12.346,' +
        '"connect_ms":0,"first_byte_ms":1000.500,"error":"response_timeout","error_source":"upstream",' +
        '"rate_limit":"clients","host":"shop.test",' +
        '"user_agent":"curl \\"8\\"","referer":"https://a.test/?b","protocol":"HTTP/1.1","tls_version":"TLSv1.3",' +
        '"client_subject":"CN=alice","client_fingerprint":"f0",' +
        '"trace_id":"tttttttttttttttttttttttttttttttt","span_id":"ssssssssssssssss","trace_flags":"01"}\n',
    );
    expect(Object.keys(JSON.parse(line))).toEqual([...ACCESS_LOG_FIELD_NAMES]);
  });

  test("what there is nothing to say of is left out, but for the trace", () => {
    const request = loggedRequest("/", {}, { traced: false, protocol: null });
    const outcome = { ...LOGGED_OUTCOME, upstream: null, attempts: 0, connectMs: Number.NaN, headMs: Number.NaN };
    expect(Object.keys(JSON.parse(json(request, outcome, ACCESS_LOG_FIELD_NAMES)))).toEqual([
      "ts",
      "request_id",
      "method",
      "path",
      "status",
      "duration",
      "duration_ms",
      "remote_ip",
      "server_id",
      "bytes",
      "trace_id",
    ]);
    expect(JSON.parse(json(request, outcome, ["trace_id"]))).toEqual({ trace_id: "" });
  });

  test("the fields that were chosen and no others, even if none has anything to say", () => {
    expect(json(loggedRequest("/x"), LOGGED_OUTCOME, ["path", "status"])).toBe('{"path":"/x","status":200}\n');
    expect(json(loggedRequest("/x"), LOGGED_OUTCOME, ["referer"])).toBe("{}\n");
    expect(DEFAULT_ACCESS_LOG_FIELDS).not.toContain("referer");
  });

  test.each([0.0004, 0.0005, 1, 999.9996, 60_000, 3_600_000.25])("a duration of %d ms", (ms) => {
    const { duration, duration_ms } = JSON.parse(
      json(loggedRequest("/"), LOGGED_OUTCOME, ["duration", "duration_ms"], ms),
    ) as Record<string, string>;
    expect(duration).toBe(`${(Math.round(ms * 1000) / 1_000_000).toFixed(6)}s`);
    expect(duration_ms).toBe((Math.round(ms * 1000) / 1000) as never);
  });

  test("what clients say may be in any alphabet, and steers no terminal", () => {
    const userAgent = 'Ünï \u202e evil \u0085 \x7f tab\t \\ " 日本 \ud83d\ude00';
    const line = json(loggedRequest("/", { userAgent }), LOGGED_OUTCOME, ["user_agent"]);
    expect((JSON.parse(line) as Record<string, string>).user_agent).toBe(userAgent);
    expect(line.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const broken = Buffer.from([0x41, 0xff, 0xfe, 0x42]);
    const request = loggedRequest("/", {}, { headBuffer: broken, userAgentStart: 0, userAgentEnd: 4 });
    expect(parsed(request, ["user_agent"]).user_agent).toBe("A\ufffd\ufffdB");
  });

  test("a text that is too long is cut, which its end shows", () => {
    for (const letter of ["a", "ä", '"', "\x01"]) {
      const entry = parsed(loggedRequest("/", { userAgent: letter.repeat(60_000), host: "h", referer: "r" }));
      const text = String(entry.user_agent);
      expect(text.endsWith("...")).toBe(true);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES + 3);
      expect(entry).toMatchObject({ host: "h", referer: "r" });
    }
    expect(parsed(loggedRequest("/", { userAgent: "a".repeat(MAX_TEXT_BYTES) })).user_agent).toBe(
      "a".repeat(MAX_TEXT_BYTES),
    );
  });
});

describe("text", () => {
  const text = (request: LoggedRequest, outcome: LoggedOutcome) =>
    out.toString("utf8", 0, writeTextLine(out, 0, request, outcome, 1234.5678, clock));

  test("a line for people begins with its date", () => {
    expect(text(loggedRequest('/a"\\', SAID), FAILED)).toBe(
      '2031-02-03T04:05:06.078Z 1.2.3.4 "GET /a\\"\\\\" 504 1.234568s 12B server=3 attempts=2 error=response_timeout ' +
        "error_source=upstream request_id=rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr trace_id=tttttttttttttttttttttttttttttttt\n",
    );
    expect(text(loggedRequest("/", {}, { traced: false }), LOGGED_OUTCOME)).not.toContain("trace_id");
  });
});

describe("the formats of Apache and nginx", () => {
  const written = (request: LoggedRequest, combined: boolean) =>
    out.toString("latin1", 0, writeLogFormatLine(out, 0, request, LOGGED_OUTCOME, clock, combined));

  test("common", () => {
    expect(written(loggedRequest('/a"', SAID), false)).toBe(
      '1.2.3.4 - - [03/Feb/2031:04:05:06 +0000] "GET /a\\" HTTP/1.1" 200 12\n',
    );
  });

  test("combined; what was not said, and what was no request, is a dash", () => {
    const start = '1.2.3.4 - - [03/Feb/2031:04:05:06 +0000] "GET / HTTP/1.1" 200 12';
    expect(written(loggedRequest("/", SAID), true)).toBe(`${start} "https://a.test/?b" "curl \\"8\\""\n`);
    expect(written(loggedRequest("/", { userAgent: "ä\t\\" }), true)).toBe(`${start} "-" "\\xc3\\xa4\\x09\\\\"\n`);
    expect(written(loggedRequest("/", {}, { protocol: null }), true)).toBe(
      '1.2.3.4 - - [03/Feb/2031:04:05:06 +0000] "-" 200 12 "-" "-"\n',
    );
  });
});

test("the clock follows every millisecond, forwards and backwards", () => {
  const own = new LineClock();
  for (const ms of [0, 999, 1000, 1_790_000_000_123, 1_790_000_000_122.7, 5]) {
    own.set(ms);
    expect(own.iso.toString()).toBe(new Date(Math.floor(ms)).toISOString());
  }
  own.set(Date.UTC(2026, 10, 30));
  expect(own.bracketed.toString()).toBe("[30/Nov/2026:00:00:00 +0000]");
});
