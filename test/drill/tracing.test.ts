/** The product with traces: what is sampled arrives, what the collector does never reaches a client, and all of it is counted. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { version } from "../../package.json";
import { isAlive } from "../support/processes.ts";
import { ProductProcess } from "../support/product-process.ts";
import { type Collector, startHttpCollector } from "../support/tracing/collectors.ts";
import { eventually, until } from "../support/until.ts";

const SERVER = 2;
const CLIENT = 3;

let upstream: Bun.Server<undefined>;
beforeAll(() => {
  upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
});
afterAll(() => upstream.stop(true));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function collecting(...of: Parameters<typeof startHttpCollector>): Collector {
  const collector = startHttpCollector(...of);
  cleanups.push(() => collector.stop());
  return collector;
}

async function started(settings: Record<string, string>): Promise<ProductProcess> {
  const product = new ProductProcess({
    SERVERS: `http://127.0.0.1:${upstream.port}`,
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "2",
    LOG_FORMAT: "json",
    OTEL_BSP_SCHEDULE_DELAY: "20",
    ...settings,
  });
  cleanups.push(() => product.end());
  await product.started();
  return product;
}

const at = ({ port }: Collector) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });

async function ask(product: ProductProcess, count = 1, path = "/page?q=1"): Promise<void> {
  for (let i = 0; i < count; i++) {
    const response = await fetch(`http://127.0.0.1:${product.port}${path}`);
    expect([response.status, await response.text()]).toEqual([200, "ok"]);
  }
}

interface TracingStatus {
  readonly up: boolean;
  readonly tracer: { readonly pid: number };
  readonly spans_waiting: number;
}

async function status(product: ProductProcess): Promise<{ tracing: TracingStatus | null; degraded: string[] }> {
  return (await product.admin("/api/v1/status")).json() as never;
}

async function metric(product: ProductProcess, name: string): Promise<number> {
  const text = await (await product.admin("/metrics")).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`neurabalancer_${name}`));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

describe("traces", () => {
  test("a request is one span, and each attempt one below it; status and metrics tell of it", async () => {
    const collector = collecting();
    const product = await started({ ...at(collector), OTEL_SERVICE_NAME: "edge", INSTANCE_NAME: "edge-1" });
    await ask(product);
    await until(() => collector.spans().length === 2);
    const [{ decoded, path }] = collector.received;
    expect(path).toBe("/v1/traces");
    expect(decoded.resource).toMatchObject({
      "service.name": "edge",
      "service.version": version,
      "service.instance.id": "edge-1",
    });
    const request = collector.spans().find(({ kind }) => kind === SERVER)!;
    const attempt = collector.spans().find(({ kind }) => kind === CLIENT)!;
    expect(request.attributes).toMatchObject({ "url.path": "/page", "http.response.status_code": 200 });
    expect(attempt).toMatchObject({ traceId: request.traceId, parentSpanId: request.spanId });
    expect(attempt.attributes).toMatchObject({ "server.address": "127.0.0.1", "server.port": upstream.port });
    await eventually(async () => expect(await metric(product, "trace_spans_exported_total")).toBe(2));
    await eventually(async () => expect((await status(product)).tracing).toMatchObject({ up: true, spans_waiting: 0 }));
    expect(await metric(product, 'process_resident_memory_bytes{process="tracer"}')).toBeGreaterThan(0);
    expect(await metric(product, "trace_exporter_up")).toBe(1);
  });

  test("a reload switches them off and on; what is off is no process", async () => {
    const collector = collecting();
    const product = await started(at(collector));
    await ask(product);
    await until(() => collector.spans().length === 2);
    const { pid } = (await status(product)).tracing!.tracer;
    product.configure({ OTEL_ENABLED: "false" });
    product.process.kill("SIGHUP");
    await until(async () => (await status(product)).tracing === null);
    await until(() => !isAlive(pid));
    await ask(product);
    product.configure({ OTEL_ENABLED: "true", OTEL_RESOURCE_ATTRIBUTES: "team=shop" });
    product.process.kill("SIGHUP");
    await until(async () => (await status(product)).tracing?.up);
    await eventually(async () => {
      await ask(product);
      expect(collector.received.at(-1)?.decoded.resource).toMatchObject({ team: "shop" });
    });
  });

  test("without an exporter there is no process for it, and nothing to tell", async () => {
    const product = await started({});
    await ask(product);
    expect((await status(product)).tracing).toBeNull();
    const text = await (await product.admin("/metrics")).text();
    expect(text).not.toMatch(/^neurabalancer_trace_exporter_up /m);
    expect(text).not.toContain('process="tracer"');
  });

  test("what waits is sent when it stops", async () => {
    const collector = collecting();
    const product = await started({ ...at(collector), OTEL_BSP_SCHEDULE_DELAY: "600000" });
    await ask(product, 5);
    expect(collector.spans()).toHaveLength(0);
    await product.end();
    expect(collector.spans()).toHaveLength(10);
  });

  test("a collector that hangs costs spans, which are counted, and no request; the mode is told and ends by itself", async () => {
    let hangs = true;
    const collector = collecting(() => (hangs ? new Promise<Response>(() => {}) : null));
    const product = await started({
      ...at(collector),
      OTEL_BSP_MAX_QUEUE_SIZE: "50",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
      OTEL_BSP_EXPORT_TIMEOUT: "1s",
      OTEL_EXPORTER_OTLP_TIMEOUT: "500ms",
    });
    await ask(product, 200);
    await until(async () => (await status(product)).degraded.includes("tracing"));
    await until(() => product.said("spans do not arrive as they should"));
    await until(() => product.said("the collector does not take spans"));
    expect((await status(product)).tracing).toMatchObject({ up: false });
    hangs = false;
    await eventually(async () => {
      await ask(product);
      expect((await status(product)).tracing).toMatchObject({ up: true });
    });
    await until(async () => !(await status(product)).degraded.includes("tracing"));
    await eventually(async () => {
      const [exported, dropped] = [
        await metric(product, "trace_spans_exported_total"),
        await metric(product, "trace_spans_dropped_total"),
      ];
      expect(dropped).toBeGreaterThan(0);
      expect(exported).toBeGreaterThan(0);
      // Two spans for each request that was sampled: all of them.
      expect(exported + dropped).toBe(2 * (await metric(product, 'http_requests_total{method="GET",path="/*"')));
    });
  });

  test("a tracer that is killed is started again, and what comes then arrives", async () => {
    const collector = collecting();
    const product = await started(at(collector));
    await ask(product);
    await until(() => collector.spans().length === 2);
    process.kill((await status(product)).tracing!.tracer.pid, "SIGKILL");
    await ask(product, 3);
    await until(() => collector.spans().length === 8);
    expect(await metric(product, "trace_exporter_restarts_total")).toBe(1);
    await until(() => product.said("tracer died"));
    expect(product.count("tracer died")).toBe(1);
  });
});
