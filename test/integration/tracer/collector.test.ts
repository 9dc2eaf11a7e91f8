/**
 * The real OpenTelemetry Collector takes what we send, over both protocols, and hands on the same spans. It is built where Go is at
 * hand (`npm run build:collector`); where it was not built, there is nothing to test with.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../../package.json";
import { TracerCounter as C, TraceAttemptKind } from "../../../src/shared/memory/layout/tracing.ts";
import { freePort } from "../../support/ports/free-port.ts";
import { Daemon } from "../../support/processes.ts";
import { startHttpCollector } from "../../support/tracing/collectors.ts";
import { SPAN_ID, TRACE_ID } from "../../support/tracing/records.ts";
import { TracerRun } from "../../support/tracing/tracer-run.ts";
import { until } from "../../support/until.ts";

const PROGRAM = join(import.meta.dir, "../../../node_modules/.cache/otel-collector");
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** One that hands on what it takes at once. */
async function startCollector(to: number): Promise<{ readonly grpc: number; readonly http: number }> {
  const [grpc, http] = [freePort(), freePort()];
  const configuration = {
    receivers: {
      otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${grpc}` }, http: { endpoint: `127.0.0.1:${http}` } } },
    },
    exporters: {
      otlp_http: { endpoint: `http://127.0.0.1:${to}`, compression: "none", sending_queue: { enabled: false } },
    },
    service: {
      telemetry: { metrics: { level: "none" } },
      pipelines: { traces: { receivers: ["otlp"], exporters: ["otlp_http"] } },
    },
  };
  const daemon = new Daemon([PROGRAM, JSON.stringify(configuration)]);
  closing.push(() => daemon.stop());
  await daemon.says(({ stderr }) => stderr.includes("Everything is ready"));
  return { grpc, http };
}

describe.skipIf(!existsSync(PROGRAM))("the real collector", () => {
  test("takes spans over gRPC and HTTP, compressed or not, and understands them as they are meant", async () => {
    const receiver = startHttpCollector();
    closing.push(() => receiver.stop());
    const ports = await startCollector(receiver.port);
    let expected = 0;
    for (const protocol of ["grpc", "http/protobuf"] as const) {
      for (const compression of ["none", "gzip"] as const) {
        const port = protocol === "grpc" ? ports.grpc : ports.http;
        const endpoint = `http://127.0.0.1:${port}${protocol === "grpc" ? "" : "/v1/traces"}`;
        const run = new TracerRun({ protocol, compression, endpoint, resource: { "service.name": "balancer" } });
        closing.push(() => run.close());
        await run.ready();
        const retry = { server: 2, kind: TraceAttemptKind.RETRY, headMs: 3.5 };
        run.write({
          parentId: "00f067aa0ba902b7",
          texts: { path: Buffer.from("/\xff", "latin1"), traceState: "a=1" },
          attempts: [{ status: 0, failure: "connect_refused" }, retry],
        });
        expected += 3;
        await until(() => run.count(C.SPANS_EXPORTED) === 3);
        expect(run.count(C.SPANS_REJECTED)).toBe(0);
        await run.tracer.stop(10_000);
      }
    }
    expect(receiver.spans()).toHaveLength(expected);
    for (const { decoded } of receiver.received) {
      expect(decoded.resource).toEqual({ "service.name": "balancer", "service.version": version });
      expect(decoded.scope.name).toBe("neurabalancer");
      const [request, first, second] = decoded.spans;
      expect(request).toMatchObject({
        traceId: TRACE_ID,
        spanId: SPAN_ID,
        parentSpanId: "00f067aa0ba902b7",
        traceState: "a=1",
        name: "GET shop-pages",
        kind: 2,
        flags: 0x301,
        attributes: { "url.path": "/\ufffd", "http.response.status_code": 200 },
      });
      expect(first).toMatchObject({ parentSpanId: SPAN_ID, kind: 3, status: 2 });
      expect(second.attributes).toMatchObject({
        "http.request.resend_count": 1,
        "neurabalancer.first_byte.duration_ms": 3.5,
      });
    }
  });
});
