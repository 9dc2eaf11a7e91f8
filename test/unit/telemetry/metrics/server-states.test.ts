import { expect, test } from "bun:test";
import { PredictionWord } from "../../../../src/shared/memory/layout/learning.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { Metrics } from "../../../../src/telemetry/metrics/metrics.ts";
import type { MetricsSource } from "../../../../src/telemetry/metrics/source.ts";
import { makeSource, parseExposition, server } from "./fixture.ts";

const P = "neurabalancer_";
const POOLS: Partial<MetricsSource> = {
  topology: () => ({ pools: [], labelled: true, poolOf: () => "shop", routeName: String }),
};

const scrape = (source: MetricsSource) => parseExposition(new Metrics(source).render()).samples;

test("checks, ejections, states and share of a server stand by what they are of, and end with it", () => {
  const one = server(1, {
    traffic_share: 0.25,
    health_checks: { success: 5, failure: { refused: 2, timeout: 0 }, skipped: { ports: 1 } },
    ejections: { latency: 3 },
    state_seconds: { up: 7.5, down: 2 },
  });
  const samples = scrape(makeSource({ servers: () => [one, server(2)] }));
  const checks = (labels: string) => samples.get(`${P}server_health_checks_total{${labels}}`);
  expect(checks("cause=,result=success,server_id=1")).toBe(5);
  expect(checks("cause=refused,result=failure,server_id=1")).toBe(2);
  expect(checks("cause=timeout,result=failure,server_id=1")).toBe(0);
  expect(checks("cause=ports,result=skipped,server_id=1")).toBe(1);
  expect(samples.get(`${P}server_ejections_total{cause=latency,server_id=1}`)).toBe(3);
  expect(samples.get(`${P}server_state_seconds_total{server_id=1,state=up}`)).toBe(7.5);
  expect(samples.get(`${P}server_traffic_share{server_id=1}`)).toBe(0.25);
  expect(samples.has(`${P}server_traffic_share{server_id=2}`)).toBe(false); // its pool had no attempts
  expect([...scrape(makeSource()).keys()].filter((key) => key.includes("server_id"))).toEqual([]);
});

test("a server's weight is told as it is configured, as it is in force, and as it counts now", () => {
  const set = server(1, { configured_weight: 1, weight: 4, effective_weight: 0.5 });
  const samples = scrape(makeSource({ servers: () => [set] }));
  const weights = ["server_configured_weight", "server_weight", "server_effective_weight"];
  expect(weights.map((name) => samples.get(`${P}${name}{server_id=1}`))).toEqual([1, 4, 0.5]);
});

test("pools say how many servers they have, how many are well and how many may be asked; by name where there are several", () => {
  const pools = [{ name: "shop", total: 4, healthy: 1, usable: 4, panic: true }];
  const alone = scrape(makeSource({ pools: () => pools }));
  const figures = ["pool_servers", "pool_servers_healthy", "pool_servers_usable", "pool_panic"];
  expect(figures.map((name) => alone.get(P + name))).toEqual([4, 1, 4, 1]);
  const named = scrape(makeSource({ ...POOLS, pools: () => pools }));
  expect(figures.map((name) => named.get(`${P}${name}{pool=shop}`))).toEqual([4, 1, 4, 1]);
});

test("the last reload: whether it succeeded, and since when what is in force is in force", () => {
  const samples = scrape(makeSource({ configuration: () => ({ successful: false, takenAtSeconds: 1234.5 }) }));
  expect(samples.get(`${P}config_last_reload_successful`)).toBe(0);
  expect(samples.get(`${P}config_last_reload_success_timestamp_seconds`)).toBe(1234.5);
});

test("predictions, fallbacks, and what was predicted of the servers that are there", () => {
  const source = makeSource({ servers: () => [server(5)] });
  const { workers, predictions } = source.memory;
  workers[0].counters[WorkerCounter.ML_PREDICTED] = 3;
  workers[1].counters[WorkerCounter.ML_PREDICTED] = 4;
  workers[1].counters[WorkerCounter.ML_FALLBACKS] = 2;
  predictions.set([5, 10, 1.5, 2.5], 2 * PredictionWord.LENGTH);
  predictions.set([4, 1, 9, 9], 3 * PredictionWord.LENGTH); // of one that is gone
  const samples = scrape(source);
  expect(samples.get(`${P}ml_predictions_total`)).toBe(7);
  expect(samples.get(`${P}ml_errors_total`)).toBe(2);
  const latency = [...samples].filter(([key]) => /ml_(predicted|actual)_latency/.test(key));
  expect(Object.fromEntries(latency)).toEqual({
    [`${P}ml_predicted_latency_seconds_sum{server_id=5}`]: 1.5,
    [`${P}ml_predicted_latency_seconds_count{server_id=5}`]: 10,
    [`${P}ml_actual_latency_seconds_sum{server_id=5}`]: 2.5,
    [`${P}ml_actual_latency_seconds_count{server_id=5}`]: 10,
  });
});
