/** What a record comes to, read back with OpenTelemetry's own definitions. */

import { describe, expect, test } from "bun:test";
import { Choice } from "../../../../src/balancing/choice.ts";
import { NO_POOL } from "../../../../src/shared/memory/layout/history.ts";
import { ServerState } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { TraceAttemptFlag, TraceAttemptKind, TraceFlag } from "../../../../src/shared/memory/layout/tracing.ts";
import { Route } from "../../../../src/shared/memory/series-table.ts";
import { ExportRequests } from "../../../../src/tracer/encode/export-request.ts";
import { SpanEncoder } from "../../../../src/tracer/encode/spans.ts";
import { redacted } from "../../../../src/tracer/encode/words.ts";
import { TraceNames } from "../../../../src/tracer/names.ts";
import { type DecodedSpan, decodeExport } from "../../../support/tracing/decode.ts";
import { type RequestLike, SPAN_ID, TRACE_ID, TRACED_NAMES, traceRow } from "../../../support/tracing/records.ts";

const WALL_MS = 1_700_000_000_000;
const REQUESTS = new ExportRequests({ "service.name": "test" }, { name: "neurabalancer", version: "1" });

function spansOf(request: RequestLike, maxValueLength: number | null = null): readonly DecodedSpan[] {
  const spans: Uint8Array[] = [];
  const encoder = new SpanEncoder(new TraceNames(TRACED_NAMES), maxValueLength);
  encoder.encode(traceRow(request), WALL_MS, (span) => void spans.push(span));
  return decodeExport(REQUESTS.of(spans)).spans;
}

test("what signs a query is not told, and what only looks like it is", () => {
  const signed = ["sig", "Signature", "AWSAccessKeyId", "X-Goog-Signature", "X-Amz-Signature", "X-Amz-Credential"];
  for (const name of [...signed, "X-Amz-Security-Token", "x-amz-signature"]) {
    expect(redacted(`a=1&${name}=s3cret/%2B&b`)).toBe(`a=1&${name}=REDACTED&b`);
    expect(redacted(`${name}=s3cret`)).toBe(`${name}=REDACTED`);
  }
  for (const query of ["design=1&signature2=x", "sig", "q=sig=1", ""]) expect(redacted(query)).toBe(query);
});

describe("the span of a request", () => {
  test("says who asked for what, and what came of it", () => {
    const [span, ...others] = spansOf({
      parentId: "00f067aa0ba902b7",
      requestBytes: 12,
      responseBytes: 5_000_000_000,
      waitMs: 2.5,
      flags: TraceFlag.SECURE,
      port: 8443,
      texts: {
        path: "/a/b",
        query: "x=1&sig=secret&y",
        host: "shop.example",
        userAgent: "curl/8",
        client: "192.0.2.7",
        requestId: "id-1",
        traceState: "v=1",
      },
    });
    expect(others).toEqual([]);
    expect(span).toEqual({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      parentSpanId: "00f067aa0ba902b7",
      traceState: "v=1",
      name: "GET shop-pages",
      kind: 2,
      startNs: 1_700_000_001_000_000_000n,
      endNs: 1_700_000_001_010_500_000n,
      status: 0,
      flags: 0x301,
      attributes: {
        "http.request.method": "GET",
        "url.path": "/a/b",
        "url.query": "x=1&sig=REDACTED&y",
        "url.scheme": "https",
        "http.route": "shop-pages",
        "http.response.status_code": 200,
        "server.address": "shop.example",
        "server.port": 8443,
        "client.address": "192.0.2.7",
        "user_agent.original": "curl/8",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "http.request.body.size": 12,
        "http.response.body.size": 5_000_000_000,
        "neurabalancer.request.id": "id-1",
        "neurabalancer.pool": "shop",
        "neurabalancer.strategy": "ml",
        "neurabalancer.attempts": 0,
        "neurabalancer.queue.duration_ms": 2.5,
      },
    });
  });

  test("without a parent is a root; without a route its name is the method alone", () => {
    const [span] = spansOf({
      route: Route.NO_ROUTE,
      pool: NO_POOL,
      status: 404,
      failure: "no_route",
      texts: { host: "[::1]:81" },
    });
    expect(span).toMatchObject({ parentSpanId: "", name: "GET", status: 0, flags: 0x101 });
    expect(span.attributes).toMatchObject({
      "server.address": "::1",
      "server.port": 81,
      "http.response.status_code": 404,
      "neurabalancer.failure": "no_route",
    });
    for (const name of ["http.route", "error.type", "neurabalancer.pool"])
      expect(span.attributes).not.toHaveProperty(name);
  });

  test.each([
    [{ status: 503 }, 2, "503"],
    [{ status: 502, failure: "connect_refused" }, 2, "connect_refused"],
    [{ status: 200, failure: "response_truncated" }, 2, "response_truncated"],
    [{ status: 0, failure: "client_aborted" }, 0, undefined],
    [{ status: 413, failure: "body_too_large" }, 0, undefined],
  ])("%j: status %d, error.type %s", (request, status, error) => {
    const [span] = spansOf(request);
    expect({ status: span.status, error: span.attributes["error.type"] }).toEqual({ status, error } as never);
  });

  test("a method of one's own is _OTHER, and named beside it", () => {
    const [span] = spansOf({
      method: "other",
      texts: { method: "PURGE" },
      flags: TraceFlag.HTTP_1_0 | TraceFlag.TUNNEL,
    });
    expect(span.name).toBe("HTTP shop-pages");
    expect(span.attributes).toMatchObject({
      "http.request.method": "_OTHER",
      "http.request.method_original": "PURGE",
      "network.protocol.version": "1.0",
      "neurabalancer.tunnel": true,
    });
  });

  test("texts are UTF-8 whatever came, and no longer than asked", () => {
    const [span] = spansOf({ texts: { path: Buffer.from([0x2f, 0xff, 0xfe]), userAgent: "ä".repeat(300) } });
    expect(span.attributes["url.path"]).toBe("/\ufffd\ufffd");
    expect(span.attributes["user_agent.original"]).toBe("ä".repeat(96));
    expect(spansOf({ texts: { path: "/abcdef" } }, 3)[0].attributes["url.path"]).toBe("/ab");
  });

  test("a record that makes no sense is a span all the same, and does no harm", () => {
    const row = traceRow();
    row.words.fill(-1);
    const spans: Uint8Array[] = [];
    new SpanEncoder(new TraceNames(TRACED_NAMES), null).encode(row, WALL_MS, (span) => void spans.push(span));
    const decoded = decodeExport(REQUESTS.of(spans)).spans;
    expect(decoded).toHaveLength(9);
    for (const { startNs, endNs } of decoded) expect(endNs >= startNs).toBe(true);
  });
});

describe("spans of attempts", () => {
  const attempts = [
    { server: 1, status: 0, failure: "connect_refused", endMs: 1_002, candidates: 3, inFlight: 4 },
    {
      server: 2,
      status: 404,
      kind: TraceAttemptKind.RETRY,
      flags: TraceAttemptFlag.RESPONDED,
      startMs: 1_003,
      endMs: 1_010,
      connectMs: 1.5,
      tlsMs: 1,
      headMs: 4.5,
      score: 0.25,
      arm: 2,
      rung: 1,
      responseBytes: 9,
    },
    { server: 99, kind: TraceAttemptKind.HEDGE, flags: TraceAttemptFlag.REUSED },
  ];

  test("say how the server was chosen, and from whom, as far as that was taken down", () => {
    const chosenFrom = [
      [1, 3, 0.4213],
      [2, 5, Number.NaN],
      [99, 0, 7],
    ] as const;
    const choice = Choice.BEST_OF_TWO;
    const [request, span] = spansOf({
      attempts: [{ server: 1, flags: TraceAttemptFlag.RESPONDED, choice, chosenFrom }],
    });
    expect(request.attributes["neurabalancer.choice"]).toBe("best_of_two");
    expect(span.attributes["neurabalancer.choice"]).toBe("best_of_two");
    expect(span.attributes["neurabalancer.chosen_from"]).toMatch(/^s1\.test:8081=3\/0\.421, \S+=5, 99=0\/7$/);
  });

  test("stand side by side below the request, and say where it went and why", () => {
    const [request, first, second, third] = spansOf({ attempts, allAttempts: 9, texts: { path: "/p", query: "q=1" } });
    expect(request.attributes["neurabalancer.attempts"]).toBe(9);
    for (const span of [first, second, third]) {
      expect(span).toMatchObject({ traceId: TRACE_ID, parentSpanId: SPAN_ID, kind: 3, name: "GET", flags: 0x101 });
    }
    expect(first).toMatchObject({ spanId: "00000000000000a0", status: 2 });
    expect(first.attributes).toEqual({
      "http.request.method": "GET",
      "url.full": "http://s1.test:8081/p?q=1",
      "server.address": "s1.test",
      "server.port": 8081,
      "network.peer.address": "10.0.0.1",
      "network.peer.port": 8081,
      "error.type": "connect_refused",
      "neurabalancer.server.id": 1,
      "neurabalancer.attempt.kind": "first",
      "neurabalancer.pool": "shop",
      "neurabalancer.strategy": "ml",
      "neurabalancer.candidates": 3,
      "neurabalancer.in_flight": 4,
      "neurabalancer.connection.reused": false,
      "neurabalancer.responded": false,
    });
    expect(second).toMatchObject({ startNs: 1_700_000_001_003_000_000n, endNs: 1_700_000_001_010_000_000n, status: 2 });
    expect(second.attributes).toMatchObject({
      "http.response.status_code": 404,
      "error.type": "404",
      "http.request.resend_count": 1,
      "http.response.body.size": 9,
      "neurabalancer.attempt.kind": "retry",
      "neurabalancer.responded": true,
      "neurabalancer.connect.duration_ms": 1.5,
      "neurabalancer.tls.duration_ms": 1,
      "neurabalancer.first_byte.duration_ms": 4.5,
      "neurabalancer.score": 0.25,
      "neurabalancer.ml.arm": "canary",
      "neurabalancer.ml.rung": "estimator",
    });
    expect(third.attributes).toMatchObject({
      "http.request.resend_count": 2,
      "neurabalancer.server.id": 99,
      "neurabalancer.connection.reused": true,
    });
    expect(third.attributes).not.toHaveProperty("server.address");
  });

  test("say how many servers were ejected then, and when they went to one that nobody would choose", () => {
    const [, usual, standIn, panic] = spansOf({
      attempts: [{}, { ejected: 2, state: ServerState.STANDBY }, { ejected: 3, state: ServerState.EJECTED }],
    });
    expect(usual.attributes).not.toHaveProperty("neurabalancer.ejected");
    expect(usual.attributes).not.toHaveProperty("neurabalancer.server.state");
    expect(standIn.attributes).toMatchObject({ "neurabalancer.ejected": 2, "neurabalancer.server.state": "standby" });
    expect(panic.attributes).toMatchObject({ "neurabalancer.ejected": 3, "neurabalancer.server.state": "ejected" });
  });

  test("a question to who authorises has a method of its own, and no path of the client's", () => {
    const [, span] = spansOf({
      method: "POST",
      texts: { path: "/p" },
      attempts: [{ kind: TraceAttemptKind.AUTHORISE }],
    });
    expect(span.name).toBe("GET");
    expect(span.attributes).toMatchObject({ "http.request.method": "GET", "url.full": "http://s1.test:8081" });
  });
});
