/**
 * One failed request, followed through everything that tells of it: its series and its place in the histogram, the exemplar
 * that names its trace, its line in the access log, its trace with an attempt at each server, `explain`, and the history.
 * Metrics are asked of a real Prometheus, the trace is what a collector would get.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Explanation } from "../../../src/shared/explanation/explanation.ts";
import { run } from "../../support/processes.ts";
import { hasPrometheus, Prometheus, shippedJob } from "../../support/prometheus.ts";
import { type Collector, startHttpCollector } from "../../support/tracing/collectors.ts";
import { eventually, until } from "../../support/until.ts";
import { type AccessLine, Everything, FAILING_PATH } from "./everything.ts";
import { exportingTo, kindOf, type ReceivedSpan, secondsOf, spansAt, statusOf } from "./spans.ts";

const LAUNCHER = join(import.meta.dir, "../../../bin/neurabalancer");
/** The client is traced itself. */
const CLIENT = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

let collector: Collector;
let everything: Everything;
let prometheus: Prometheus | undefined;
let line: AccessLine;
let requestId: string;

beforeAll(async () => {
  collector = startHttpCollector();
  // Without ejection both servers are asked.
  everything = await Everything.start({ ...exportingTo(collector), OUTLIER_EJECTION: "off" }, "calm");
  if (hasPrometheus) {
    prometheus = await Prometheus.start({
      config: { scrape_configs: [shippedJob(everything.address)] },
      features: ["exemplar-storage"], // with native histograms version 2 would leave the classic ones out
    });
  }
  for (let i = 0; i < 20; i++) await everything.request("/cart");
  // The last of its bucket, so that the exemplar is its.
  const status = await everything.request(FAILING_PATH, {
    traceparent: `00-${CLIENT.traceId}-${CLIENT.spanId}-01`,
  });
  expect(status).toBe(500);
  line = await until(() => everything.accessLines().find(({ path }) => path === FAILING_PATH));
  requestId = line.request_id as string;
}, 120_000);

afterAll(async () => {
  await prometheus?.stop();
  await everything?.stop();
  await collector?.stop();
}, 60_000);

test("the log has a line of it, with its trace", () => {
  expect(line).toMatchObject({
    method: "GET",
    path: FAILING_PATH,
    status: 500,
    route: "shop",
    pool: "shop",
    attempts: 2,
    retries: 1,
    remote_ip: "127.0.0.1",
    trace_id: CLIENT.traceId,
    trace_flags: "01",
  });
  expect(line.duration).toBe(`${((line.duration_ms as number) / 1000).toFixed(6)}s`);
});

describe.skipIf(!hasPrometheus)("metrics", () => {
  const asked = () => prometheus as Prometheus;

  test("have it in the series of its route, status and server", async () => {
    await asked().scraped();
    const id = line.server_id;
    const series = `neurabalancer_http_requests_total{path="shop", status="500", method="GET", server_id="${id}"}`;
    expect(await asked().number(series)).toBe(1);
    const failures = 'sum(neurabalancer_server_failures_total{pool="shop", cause="server_error"})';
    expect(await asked().number(failures)).toBe(2);
    expect(await asked().number('sum(neurabalancer_server_retries_total{pool="shop", cause="server_error"})')).toBe(1);
  });

  test("have it in the histogram of its route, in the bucket of its duration", async () => {
    expect(await asked().number('neurabalancer_http_request_duration_seconds_count{path="shop"}')).toBe(21);
    const seconds = (line.duration_ms as number) / 1000;
    const buckets = await asked().query('neurabalancer_http_request_duration_seconds_bucket{path="shop"}');
    const sorted = buckets
      .map(({ metric, value }) => ({ bound: Number(metric.le), count: Number(value?.[1]) }))
      .sort((one, other) => one.bound - other.bound);
    const at = sorted.findIndex(({ bound }) => bound >= seconds);
    expect(sorted[at].count).toBeGreaterThan(sorted[at - 1]?.count ?? 0); // they are cumulative
  });

  test("name its trace as an example", async () => {
    const { exemplar, bound } = await until(async () => {
      const all = await asked().exemplars('neurabalancer_http_request_duration_seconds_bucket{path="shop"}');
      return all
        .flatMap(({ exemplars, seriesLabels }) => exemplars.map((one) => ({ exemplar: one, bound: seriesLabels.le })))
        .find((one) => one.exemplar.labels.trace_id === CLIENT.traceId);
    });
    expect(Number(exemplar.value)).toBeLessThanOrEqual(Number(bound.replace("+Inf", "Infinity")));
    expect(Number(exemplar.value)).toBeCloseTo((line.duration_ms as number) / 1000, 3);
  });
});

describe("its trace", () => {
  let spans: readonly ReceivedSpan[];
  let server: ReceivedSpan;
  let attempts: readonly ReceivedSpan[];

  beforeAll(async () => {
    spans = await until(() => {
      const found = spansAt(collector).filter(({ traceId }) => traceId === CLIENT.traceId);
      return found.some((span) => kindOf(span) === "server") ? found : null;
    });
    server = spans.find((span) => kindOf(span) === "server") as ReceivedSpan;
    // A mirrored copy is an attempt, too.
    attempts = spans.filter((span) => span.attributes["neurabalancer.pool"] === "shop" && kindOf(span) === "client");
  });

  test("goes on from the client's span, as the line has it", () => {
    expect(server).toMatchObject({ name: "GET shop", parentSpanId: CLIENT.spanId });
    expect(statusOf(server)).toBe("error");
    expect(server.spanId).toBe(line.span_id as string);
    expect(server.resource["service.name"]).toBe("neurabalancer");
    expect(server.attributes).toMatchObject({
      "http.request.method": "GET",
      "url.path": FAILING_PATH,
      "url.scheme": "http",
      "http.route": "shop",
      "http.response.status_code": 500,
      "error.type": "500",
      "neurabalancer.request.id": requestId,
      "neurabalancer.strategy": "ml",
    });
    expect(secondsOf(server)).toBeCloseTo((line.duration_ms as number) / 1000, 2);
  });

  test("has both attempts as siblings, each with what went wrong", () => {
    expect(attempts).toHaveLength(2);
    const [first, second] = [...attempts].sort((one, other) => resends(one) - resends(other));
    for (const attempt of [first, second]) {
      expect(attempt).toMatchObject({ parentSpanId: server.spanId });
      expect(statusOf(attempt)).toBe("error");
      expect(attempt.attributes).toMatchObject({ "http.response.status_code": 500, "error.type": "500" });
      expect(attempt.attributes["server.address"]).toBe("127.0.0.1");
    }
    expect([resends(first), resends(second)]).toEqual([0, 1]);
    expect(first.attributes["server.port"]).not.toBe(second.attributes["server.port"]);
    expect(`${second.attributes["server.address"]}:${second.attributes["server.port"]}`).toBe(line.upstream as string);
  });

  test("went on to each server with its attempt's span", () => {
    const seen = everything.arrived.filter(
      ({ path, headers }) => path === FAILING_PATH && headers.get("x-request-id") === requestId,
    );
    const parents = seen.map(({ headers }) => headers.get("traceparent"));
    const expected = attempts.map(({ spanId }) => `00-${CLIENT.traceId}-${spanId}-01`);
    for (const parent of expected) expect(parents).toContain(parent);
  });

  function resends({ attributes }: ReceivedSpan): number {
    return Number(attributes["http.request.resend_count"] ?? 0);
  }
});

test("explain says of both attempts why they went there", async () => {
  const admin = `http://127.0.0.1:${everything.product.said("admin API listens")?.port}`;
  let explanation: Explanation | undefined;
  await eventually(async () => {
    const { code, text, stderr } = await run([LAUNCHER, "explain", requestId, "--admin", admin, "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    explanation = JSON.parse(text);
  });
  expect(explanation?.request_id).toBe(requestId);
  expect(explanation?.attempts).toHaveLength(2);
  for (const { outcome, pool } of explanation?.attempts ?? []) {
    expect(pool).toBe("shop");
    expect(outcome).toMatchObject({ failed: true });
  }
});

test("the history has it among the failed ones", async () => {
  const command = [LAUNCHER, "stats", "requests", "--id", requestId, "--json"];
  const data = join(everything.product.directory, "data");
  const [row] = await until(async () => {
    const { code, text } = await run([...command, "--data-dir", data]);
    const rows = code === 0 ? (JSON.parse(text).requests as Record<string, unknown>[]) : [];
    return rows.length > 0 ? rows : null;
  });
  expect(row).toMatchObject({ request_id: requestId, status: 500, pool: "shop", route: "shop" });
});
