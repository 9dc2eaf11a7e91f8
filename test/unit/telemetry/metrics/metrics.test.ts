import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { modelServerMetrics } from "../../../../src/model-server/metrics.ts";
import { ATTEMPT_CAUSES, SERVER_ERROR_CAUSE } from "../../../../src/shared/attempt-causes.ts";
import { bucketCount, bucketOf } from "../../../../src/shared/latency-buckets.ts";
import {
  DecisionArm,
  INFERENCE_BOUNDS,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
} from "../../../../src/shared/memory/layout/learning.ts";
import type { SharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { countRequest, Method, ROUTES, Route } from "../../../../src/shared/memory/series-table.ts";
import { renderMetricsDocs } from "../../../../src/telemetry/metrics/docs.ts";
import { METRIC_GROUPS, Metrics } from "../../../../src/telemetry/metrics/metrics.ts";
import { makeSource, parseExposition, server } from "./fixture.ts";

const P = "neurabalancer_";
const duration = (suffix: string, labels: string) => `${P}server_request_duration_seconds_${suffix}{${labels}}`;

/** What a worker writes for a finished request. */
function record(memory: SharedMemory, worker: number, slot: number, ms: number, failed = false): void {
  const block = memory.workers[worker];
  block.responses[slot]++;
  if (failed) {
    block.failures[slot]++;
    block.failureCauses[slot * ATTEMPT_CAUSES.length + SERVER_ERROR_CAUSE]++;
  }
  block.durationSumMs[slot] += ms;
  block.durationHistogram[slot * bucketCount + bucketOf(ms)]++;
}

async function scrape(metrics: Metrics) {
  return parseExposition(await metrics.render()).samples;
}

describe("Metrics", () => {
  test("has every metric of the contract, documented, typed and named by the rules", async () => {
    const all = METRIC_GROUPS.flatMap((group) => group.metrics);
    const names = all.map((m) => m.name);
    for (const name of [
      "http_requests_total",
      "http_request_duration_seconds",
      "server_cpu_usage_percent",
      "server_memory_usage_percent",
      "server_active_connections",
      "server_error_rate",
      "server_response_duration_seconds",
    ]) {
      expect(names).toContain(name);
    }
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type, help } of all) {
      expect(help).toMatch(/\.$/);
      expect(name.endsWith("_total")).toBe(type === "counter");
      expect(name).not.toMatch(/_(created|bucket|sum|count|gsum|gcount)$/); // OpenMetrics has them for itself
    }
    const { types } = parseExposition(await new Metrics(makeSource()).render());
    expect([...types.keys()]).toEqual(names.map((name) => P + name));
  });

  test("sums request series over workers", async () => {
    const source = makeSource();
    const [first, second] = source.memory.workers;
    for (let i = 0; i < 3; i++) countRequest(first, Route.PROXY, Method.GET, 200, 5);
    countRequest(second, Route.PROXY, Method.GET, 200, 5);
    countRequest(second, Route.INVALID, Method.OTHER, 400, 0);
    first.counters[WorkerCounter.SERIES_OVERFLOW] = 7;
    const samples = await scrape(new Metrics(source));
    expect(samples.get(`${P}http_requests_total{method=GET,path=/*,server_id=5,status=200}`)).toBe(4);
    expect(samples.get(`${P}http_requests_total{method=other,path=invalid,server_id=none,status=400}`)).toBe(1);
    expect(samples.get(`${P}http_requests_total{method=other,path=/*,server_id=none,status=0}`)).toBe(7);
  });

  test("where there are pools or routes, samples have the pool of their server and the name of their route", async () => {
    const named: Record<number, string> = { 5: "shop", 6: "blog" };
    const source = makeSource({
      topology: () => ({
        pools: [],
        labelled: true,
        poolOf: (id) => named[id],
        routeName: (number) => (number === 16 ? 'shop "x"' : ROUTES[number]),
      }),
      servers: () => [server(5, { pool: "shop", backup: true, state: "standby" }), server(6, { pool: "blog" })],
    });
    const [worker] = source.memory.workers;
    source.memory.servers.id[3] = 6;
    record(source.memory, 0, 3, 4);
    countRequest(worker, 16, Method.GET, 200, 5);
    countRequest(worker, Route.NO_ROUTE, Method.GET, 404, 0);
    countRequest(worker, 16, Method.GET, 200, 7);
    const samples = await scrape(new Metrics(source));
    const requests = (labels: string) => samples.get(`${P}http_requests_total{${labels}}`);
    expect(requests('method=GET,path=shop \\"x\\",pool=shop,server_id=5,status=200')).toBe(1);
    expect(requests('method=GET,path=shop \\"x\\",pool=none,server_id=7,status=200')).toBe(1);
    expect(requests("method=GET,path=no_route,pool=none,server_id=none,status=404")).toBe(1);
    expect(samples.get(`${P}server_up{pool=blog,server_id=6}`)).toBe(1);
    expect(samples.get(`${P}server_responses_total{pool=blog,server_id=6}`)).toBe(1);
    expect(samples.get(duration("count", "pool=blog,server_id=6"))).toBe(1);
    expect(samples.get(`${P}server_info{address=10.0.0.5,pool=shop,server_id=5,url=http://backend-5:8001}`)).toBe(1);
    expect(samples.get(`${P}server_state{pool=shop,server_id=5,state=standby}`)).toBe(1);
    expect(samples.get(`${P}server_state{pool=blog,server_id=6,state=standby}`)).toBeUndefined();
  });

  test("without them no sample has a pool", async () => {
    const source = makeSource({ servers: () => [server(5)] });
    countRequest(source.memory.workers[0], Route.PROXY, Method.GET, 200, 5);
    expect(await new Metrics(source).render()).not.toMatch(/[{,]pool=/);
  });

  test("the histogram is cumulative, in seconds, and adds up", async () => {
    const source = makeSource();
    source.memory.servers.id[3] = 9;
    const metrics = new Metrics(source);
    for (const ms of [0.4, 4, 4, 40, 400, 4_000, 40_000]) record(source.memory, 0, 3, ms);
    record(source.memory, 1, 3, 4);
    const samples = await scrape(metrics);
    const bucket = (le: string) => samples.get(duration("bucket", `le=${le},server_id=9`));
    expect(["0.001", "0.0025", "0.005", "0.05", "0.5", "5", "10", "+Inf"].map(bucket)).toEqual([
      1, 1, 4, 5, 6, 7, 7, 8,
    ]);
    expect(samples.get(duration("count", "server_id=9"))).toBe(8);
    expect(samples.get(duration("sum", "server_id=9"))).toBeCloseTo(44.4524, 6);
    expect(samples.get(`${P}server_responses_total{server_id=9}`)).toBe(8);
  });

  test("a bucket that wraps around at 32 bits goes on growing", async () => {
    const source = makeSource();
    source.memory.servers.id[0] = 1;
    const at = bucketOf(3);
    const block = source.memory.workers[0];
    record(source.memory, 0, 0, 3);
    block.durationHistogram[at] = 0xffff_fffe;
    const metrics = new Metrics(source);
    expect((await scrape(metrics)).get(duration("count", "server_id=1"))).toBe(0xffff_fffe);
    for (let i = 0; i < 5; i++) record(source.memory, 0, 0, 3);
    expect(block.durationHistogram[at]).toBe(3);
    expect((await scrape(metrics)).get(duration("count", "server_id=1"))).toBe(0xffff_fffe + 5);
  });

  test("a slot's next server starts at zero, its series of the former one stay", async () => {
    const source = makeSource();
    const { memory, totals } = source;
    memory.servers.id[0] = 1;
    const metrics = new Metrics(source);
    record(memory, 0, 0, 2, true);
    countRequest(memory.workers[0], Route.PROXY, Method.GET, 502, 1);
    expect((await scrape(metrics)).get(`${P}server_failures_total{cause=server_error,server_id=1}`)).toBe(1);
    memory.servers.id[0] = 0;
    totals.update();
    record(memory, 0, 0, 2); // answered late, after the server had left
    memory.servers.id[0] = 2;
    totals.update();
    record(memory, 0, 0, 8);
    const samples = await scrape(metrics);
    expect(samples.get(duration("count", "server_id=2"))).toBe(1);
    expect(samples.get(duration("sum", "server_id=2"))).toBeCloseTo(0.008, 9);
    expect(samples.get(`${P}server_failures_total{cause=server_error,server_id=2}`)).toBe(0);
    expect(samples.has(duration("count", "server_id=1"))).toBe(false);
    expect(samples.get(`${P}http_requests_total{method=GET,path=/*,server_id=1,status=502}`)).toBe(1);
  });

  test("shows servers: what is unknown is left out, summaries are in seconds, labels are escaped", async () => {
    const source = makeSource({
      servers: () => [
        server(1, { cpu_usage: 12.5, active_connections: 3, response_ms: { p50: 1, p90: 2, p95: 3, p99: 40 } }),
        server(2, { state: "down", alive: false, error_rate: 0.25, url: 'http://a"b\\:80' }),
      ],
    });
    source.memory.servers.id.set([1, 2]);
    source.memory.workers[0].responses[0] = 3;
    source.memory.workers[0].latencySumMs[0] = 46;
    source.memory.workers[1].responses[0] = 1;
    source.memory.workers[1].latencySumMs[0] = 4;
    const samples = await scrape(new Metrics(source));
    expect(samples.get(`${P}server_response_duration_seconds_sum{server_id=1}`)).toBe(0.05);
    expect(samples.get(`${P}server_response_duration_seconds_count{server_id=1}`)).toBe(4);
    expect(samples.get(`${P}server_response_duration_seconds_count{server_id=2}`)).toBe(0);
    expect(samples.get(`${P}server_cpu_usage_percent{server_id=1}`)).toBe(12.5);
    expect(samples.has(`${P}server_cpu_usage_percent{server_id=2}`)).toBe(false);
    expect(samples.get(`${P}server_response_duration_seconds{quantile=0.99,server_id=1}`)).toBe(0.04);
    expect(samples.has(`${P}server_response_duration_seconds{quantile=0.99,server_id=2}`)).toBe(false);
    expect(samples.get(`${P}server_state{server_id=2,state=down}`)).toBe(1);
    expect(samples.get(`${P}server_state{server_id=2,state=up}`)).toBe(0);
    expect(samples.get(`${P}server_up{server_id=2}`)).toBe(0);
    expect(samples.get(`${P}server_error_rate{server_id=2}`)).toBe(0.25);
    expect([...samples.keys()].some((k) => k.includes('url=http://a\\"b\\\\:80'))).toBe(true);
  });

  test("sums workers' counters, those of a replaced worker included", async () => {
    const source = makeSource({ workerRestarts: () => ({ exit: 2, hung: 1 }), degradedModes: () => ({ panic: true }) });
    source.memory.workers[0].counters[WorkerCounter.RETRIES] = 4;
    source.memory.workers[1].counters[WorkerCounter.RETRIES] = 5;
    source.memory.workers[2].counters[WorkerCounter.RETRIES] = 100; // never used: not even read
    const samples = await scrape(new Metrics(source));
    expect(samples.get(`${P}retries_total`)).toBe(9);
    expect(samples.get(`${P}worker_restarts_total{reason=hung}`)).toBe(1);
    expect(samples.get(`${P}degraded{mode=panic}`)).toBe(1);
    expect(samples.get(`${P}build_info{runtime=bun 1,version=1.2.3}`)).toBe(1);
  });

  test("of learning come from the shared memory; what is in force is only shown while something learns", async () => {
    const source = makeSource();
    const { learnerCounters, workers } = source.memory;
    const learned = source.memory.learned[0];
    learnerCounters[LearnerCounter.SCORES] = 480;
    learnerCounters[LearnerCounter.INFERENCE_SECONDS] = 0.25;
    learnerCounters[LearnerCounter.INFERENCE_BUCKETS] = 3;
    learnerCounters[LearnerCounter.INFERENCE_BUCKETS + INFERENCE_BOUNDS.length] = 2;
    learned.words[LearnerWord.CANARY_MODEL] = 7;
    learned.figures[LearnerFigure.SECOND_SHARE] = 0.02;
    workers[0].counters[WorkerCounter.DECISIONS + DecisionArm.CANARY] = 4;
    workers[1].counters[WorkerCounter.DECISIONS + DecisionArm.CANARY] = 5;
    const seen = await scrape(new Metrics(source));
    const inference = `${P}ml_inference_duration_seconds`;
    expect(seen.get(`${P}ml_scores_total`)).toBe(480);
    expect(seen.get(`${inference}_bucket{le=0.0001}`)).toBe(3);
    expect(seen.get(`${inference}_bucket{le=1}`)).toBe(3);
    expect(seen.get(`${inference}_bucket{le=+Inf}`)).toBe(5);
    expect(seen.get(`${inference}_count`)).toBe(5);
    expect(seen.get(`${inference}_sum`)).toBe(0.25);
    expect(seen.get(`${P}ml_model_version{role=canary}`)).toBe(7);
    expect(seen.get(`${P}ml_share{kind=second}`)).toBe(0.02);
    expect(seen.get(`${P}ml_decisions_total{arm=canary}`)).toBe(9);
    expect(seen.get(`${P}ml_table_age_seconds`)).toBeCloseTo(0.04, 9);
    expect(seen.get(`${P}ml_rung`)).toBe(0);
    const idle = { pools: [], limited: [], classed: [], restarts: { exit: 2 } };
    const without = await scrape(new Metrics(makeSource({ learner: () => idle })));
    expect(without.has(`${P}ml_rung`)).toBe(false);
    expect(without.has(`${P}ml_table_age_seconds`)).toBe(false);
    expect(without.get(`${P}ml_learner_restarts_total{reason=exit}`)).toBe(2);
    expect(without.get(`${P}ml_model_version{role=canary}`)).toBe(0);
  });

  test("of learning say whose they are where several pools are learned of", async () => {
    const pools = [
      { row: 0, name: "default", rung: 0, tableAgeMs: 40 },
      { row: 5, name: "shop", rung: 1, tableAgeMs: Number.POSITIVE_INFINITY },
    ];
    const source = makeSource({ learner: () => ({ pools, limited: [], classed: [], restarts: {} }) });
    const { learned } = source.memory;
    learned[0].words[LearnerWord.CHAMPION_MODEL] = 2;
    learned[5].words[LearnerWord.CHAMPION_MODEL] = 9;
    learned[5].figures[LearnerFigure.CONTROL_SHARE] = 0.1;
    learned[5].figures[LearnerFigure.CONTROL_COST] = 1.5;
    const seen = await scrape(new Metrics(source));
    expect(seen.get(`${P}ml_rung{pool=default}`)).toBe(0);
    expect(seen.get(`${P}ml_rung{pool=shop}`)).toBe(1);
    expect(seen.get(`${P}ml_model_version{pool=default,role=champion}`)).toBe(2);
    expect(seen.get(`${P}ml_model_version{pool=shop,role=champion}`)).toBe(9);
    expect(seen.get(`${P}ml_share{kind=control,pool=shop}`)).toBe(0.1);
    expect(seen.get(`${P}ml_arm_cost{arm=control,pool=shop}`)).toBe(1.5);
    expect(seen.has(`${P}ml_arm_cost{arm=control,pool=default}`)).toBe(false);
    expect(seen.has(`${P}ml_table_age_seconds{pool=shop}`)).toBe(false);
    expect(seen.has(`${P}ml_model_version{role=champion}`)).toBe(false);
  });

  test("the servers are read once per scrape, however many metrics they have", async () => {
    let reads = 0;
    const metrics = new Metrics(
      makeSource({
        servers: () => {
          reads++;
          return [server(1)];
        },
      }),
    );
    await metrics.render();
    await metrics.render();
    expect(reads).toBe(2);
  });
});

test("docs/metrics.md is what the list of metrics says (else `npm run generate`)", () => {
  const path = join(import.meta.dir, "../../../../docs/metrics.md");
  expect(readFileSync(path, "utf8")).toBe(renderMetricsDocs([modelServerMetrics]));
});
