/**
 * The variables of OpenTelemetry as a cluster sets them for everybody: what comes to a collector, to servers and into the log
 * is what they say.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ProductProcess } from "../../support/product-process.ts";
import { type Collector, startGrpcCollector, startHttpCollector } from "../../support/tracing/collectors.ts";
import { eventually, until } from "../../support/until.ts";
import { kindOf, spansAt } from "./spans.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const parent = (flags: string): Record<string, string> => ({
  traceparent: `00-${TRACE}-b7ad6b7169203331-${flags}`,
});

let upstream: Bun.Server<undefined>;
/** What servers were told, by the request's id. */
const told = new Map<string, string | null>();
beforeAll(() => {
  upstream = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ headers }) => {
      const id = headers.get("x-request-id") ?? "";
      told.set(id, headers.get("traceparent"));
      return new Response("ok", { headers: { "x-request-id": id } });
    },
  });
});
afterAll(() => upstream.stop(true));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function started(settings: Readonly<Record<string, string>>): Promise<ProductProcess> {
  const product = new ProductProcess({
    SERVERS: `http://127.0.0.1:${upstream.port}`,
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "1",
    ACCESS_LOG_FILE: "access.log",
    OTEL_BSP_SCHEDULE_DELAY: "20",
    ...settings,
  });
  cleanups.push(() => product.end());
  await product.started();
  return product;
}

function kept(collector: Collector): Collector {
  cleanups.push(() => collector.stop());
  return collector;
}

/** One request. @returns its id. */
async function ask(product: ProductProcess, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${product.port}/a-long-path`, { headers });
  expect([response.status, await response.text()]).toEqual([200, "ok"]);
  return response.headers.get("x-request-id") ?? "";
}

/** The access log, when there are so many lines. */
async function lines(product: ProductProcess, count: number): Promise<Record<string, unknown>[]> {
  return await until(() => {
    const text = readFileSync(join(product.directory, "access.log"), "utf8").split("\n").slice(0, -1);
    return text.length >= count ? text.map((line) => JSON.parse(line)) : null;
  });
}

async function isTracing(product: ProductProcess): Promise<boolean> {
  const { tracing } = (await (await product.admin("/api/v1/status")).json()) as { tracing: unknown };
  return tracing !== null;
}

describe("over gRPC", () => {
  test("what the sampler takes is exported, and flags everywhere say the same", async () => {
    const collector = kept(await startGrpcCollector());
    const product = await started({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20secret,x-tenant=shop",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=staging,service.name=ignored",
      OTEL_SERVICE_NAME: "edge",
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.5",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "2",
      OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: "6",
    });
    const ours: string[] = [];
    for (let i = 0; i < 40; i++) ours.push(await ask(product));
    const theirs = [await ask(product, parent("00")), await ask(product, parent("01"))];

    const logged = await lines(product, 42);
    /** Half of all ids, by the number that their right half is, so that any two services choose the same; else as the client says. */
    const isToBeSampled = ({ trace_id, request_id }: Record<string, unknown>): boolean =>
      trace_id === TRACE ? request_id === theirs[1] : BigInt(`0x${(trace_id as string).slice(16)}`) < 2n ** 63n;
    for (const line of logged) {
      const isSampled = isToBeSampled(line);
      const flags = Number.parseInt(told.get(line.request_id as string)?.slice(-2) ?? "", 16);
      expect([line.trace_flags, flags & 1]).toEqual(isSampled ? ["01", 1] : ["00", 0]);
    }
    const sampled = logged.filter(({ trace_flags }) => trace_flags === "01");
    expect(logged.map(({ request_id }) => request_id).sort()).toEqual([...ours, ...theirs].sort() as never);

    await until(() => spansAt(collector).length === 2 * sampled.length);
    const spans = spansAt(collector);
    const roots = spans.filter((span) => kindOf(span) === "server");
    expect(roots.map(({ spanId }) => spanId).sort()).toEqual(sampled.map(({ span_id }) => span_id as string).sort());
    for (const { decoded, headers } of collector.received) {
      expect(decoded.spans.length).toBeLessThanOrEqual(2);
      expect(headers).toMatchObject({ authorization: "Bearer secret", "x-tenant": "shop" });
      expect(decoded.resource).toMatchObject({ "service.name": "edge", "deployment.environment.name": "staging" });
    }
    for (const { attributes } of roots) expect(attributes["url.path"]).toBe("/a-lon");
  });
});

describe("over HTTP", () => {
  test("variables of traces win over the general ones", async () => {
    const collector = kept(startHttpCollector());
    const product = await started({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_EXPORTER_OTLP_HEADERS: "x-of=all",
      OTEL_EXPORTER_OTLP_COMPRESSION: "none",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${collector.port}/custom/path`,
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-of=traces",
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "gzip",
    });
    await ask(product);
    await until(() => collector.spans().length === 2);
    const [{ path, headers }] = collector.received;
    expect(path).toBe("/custom/path");
    expect(headers).toMatchObject({ "x-of": "traces", "content-encoding": "gzip" });
  });

  test("without the propagator of W3C a client's trace is its own affair: it passes, and ours is another one", async () => {
    const collector = kept(startHttpCollector());
    const product = await started({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
      OTEL_PROPAGATORS: "none",
    });
    const [without, within] = [await ask(product), await ask(product, parent("00"))];
    expect(told.get(without)).toBeNull();
    expect(told.get(within)).toBe(parent("00").traceparent);
    await until(() => collector.spans().length === 4);
    expect(collector.spans().some(({ traceId }) => traceId === TRACE)).toBe(false);
  });
});

describe("nothing is exported", () => {
  test.each([
    [{ OTEL_SDK_DISABLED: "true" }],
    [{ OTEL_TRACES_EXPORTER: "none" }],
    [{ OTEL_ENABLED: "false" }],
  ] as const)(
    "with %j, though there is an endpoint: a client's trace passes as it came, and none is made up",
    async (off) => {
      const collector = kept(startHttpCollector());
      const product = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`, ...off });
      expect(await isTracing(product)).toBe(false);
      const [without, within] = [await ask(product), await ask(product, parent("01"))];
      expect(told.get(without)).toBeNull();
      expect(told.get(within)).toBe(parent("01").traceparent);
      const [first, second] = await lines(product, 2);
      expect(first.trace_id).toBe("");
      expect(second).toMatchObject({ trace_id: TRACE, trace_flags: "01" });
      for (const line of [first, second]) expect(line).not.toHaveProperty("span_id");
      await product.end();
      expect(collector.received).toEqual([]);
    },
  );
});

test("the sampler can be another one after a reload", async () => {
  const collector = kept(startHttpCollector());
  const product = await started({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
    OTEL_TRACES_SAMPLER: "always_off",
  });
  const parentIs = async (flags: string) => told.get(await ask(product, parent("01")))?.slice(-2) === flags;
  expect(await parentIs("00")).toBe(true);
  product.configure({ OTEL_TRACES_SAMPLER: "always_on" });
  product.process.kill("SIGHUP");
  await eventually(async () => expect(await parentIs("01")).toBe(true));
  await until(() => collector.spans().length > 0);
});
