/** What is shown of attempts, by server and cause, over workers and over servers that share a slot one after the other. */
import { expect, test } from "bun:test";
import { ATTEMPT_CAUSES, attemptCause } from "../../../../src/shared/attempt-causes.ts";
import { bucketCount, bucketOf } from "../../../../src/shared/latency-buckets.ts";
import { countBriefDuration, NATIVE_BOUNDS } from "../../../../src/shared/memory/duration-table.ts";
import { NATIVE_BUCKETS } from "../../../../src/shared/memory/layout/durations.ts";
import type { SharedMemory, WorkerBlock } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { ServerTotalsLedger } from "../../../../src/telemetry/metrics/durations.ts";
import { Metrics } from "../../../../src/telemetry/metrics/metrics.ts";
import type { MetricsSource } from "../../../../src/telemetry/metrics/source.ts";
import { makeSource, parseExposition } from "./fixture.ts";

const SLOT = 7;

function fail(block: WorkerBlock, code: string, retried = false): void {
  block.failures[SLOT]++;
  block.failureCauses[SLOT * ATTEMPT_CAUSES.length + attemptCause(code)]++;
  if (retried) block.retryCauses[SLOT * ATTEMPT_CAUSES.length + attemptCause(code)]++;
}

function respond(block: WorkerBlock, ms: number): void {
  block.responses[SLOT]++;
  block.latencySumMs[SLOT] += ms;
  block.latencyHistogram[SLOT * bucketCount + bucketOf(ms)]++;
}

function samplesOf(source: MetricsSource): (name: string, labels?: string) => number | undefined {
  const { samples } = parseExposition(new Metrics(source).render());
  return (name, labels = "server_id=1") => samples.get(`neurabalancer_${name}{${labels}}`);
}

/** A source whose slot is the server's. */
function serve(memory: SharedMemory, id: number): void {
  memory.servers.id[SLOT] = id;
}

test("failures and retries have their causes, and over all causes failures are what they were", () => {
  const source = makeSource();
  serve(source.memory, 1);
  const [first, second] = source.memory.workers;
  fail(first, "connect_refused", true);
  fail(second, "connect_refused");
  fail(second, "bad_response");
  second.retryCauses[SLOT * ATTEMPT_CAUSES.length + attemptCause("stale_connection")]++;
  const sample = samplesOf(source);
  expect(sample("server_failures_total", "cause=connect_refused,server_id=1")).toBe(2);
  expect(sample("server_failures_total", "cause=bad_response,server_id=1")).toBe(1);
  expect(sample("server_failures_total", "cause=server_error,server_id=1")).toBe(0); // there from the start
  expect(sample("server_failures_total", "cause=response_truncated,server_id=1")).toBeUndefined();
  expect(sample("server_retries_total", "cause=connect_refused,server_id=1")).toBe(1);
  expect(sample("server_retries_total", "cause=stale_connection,server_id=1")).toBe(1);
  const [totals] = [...source.totals.servers()];
  expect(totals.failureCauses.reduce((a, b) => a + b, 0)).toBe(totals.failures);
});

test("connections, handshakes, reuses and first bytes are summed over workers", () => {
  const source = makeSource();
  serve(source.memory, 1);
  for (const block of source.memory.workers.slice(0, 2)) {
    countBriefDuration(block.connects, SLOT, 0.004);
    block.reuses[SLOT] += 3;
    respond(block, 40);
  }
  countBriefDuration(source.memory.workers[1].handshakes, SLOT, 0.003);
  const sample = samplesOf(source);
  expect(sample("server_connects_total")).toBe(2);
  expect(sample("server_connection_reuses_total")).toBe(6);
  expect(sample("server_connect_duration_seconds_sum")).toBeCloseTo(0.008, 9);
  expect(sample("server_connect_duration_seconds_bucket", "le=0.005,server_id=1")).toBe(2);
  expect(sample("server_tls_handshake_duration_seconds_count")).toBe(1);
  expect(sample("server_first_byte_duration_seconds_bucket", "le=0.05,server_id=1")).toBe(2);
  expect(sample("server_first_byte_duration_seconds_sum")).toBeCloseTo(0.08, 9);
});

test("native buckets of first bytes are met within 3 %", () => {
  const source = makeSource();
  serve(source.memory, 1);
  const [block] = source.memory.workers;
  for (let ms = 0.2; ms < 100_000; ms *= 1.013) {
    block.latencyHistogram.fill(0);
    respond(block, ms);
    const totals = new ServerTotalsLedger(source.memory);
    totals.update();
    const [{ latencyNative }] = [...totals.servers()];
    const bucket = latencyNative.indexOf(1);
    expect(NATIVE_BOUNDS[bucket] * 1.0313).toBeGreaterThanOrEqual(ms / 1000);
    if (bucket > 0) expect(NATIVE_BOUNDS[bucket - 1]).toBeLessThanOrEqual((ms / 1000) * 1.0313);
    if (bucket === NATIVE_BUCKETS - 1) break;
  }
});

test("the next server in a slot begins at nothing, and what came late for the one before is nobody's", () => {
  const source = makeSource();
  const { memory, totals } = source;
  const [block] = memory.workers;
  serve(memory, 1);
  totals.update();
  countBriefDuration(block.connects, SLOT, 0.1); // and nothing else: a connection that nobody came to use
  fail(block, "try_timeout", true);
  expect(samplesOf(source)("server_connects_total")).toBe(1);
  serve(memory, 0);
  totals.update();
  countBriefDuration(block.connects, SLOT, 0.1);
  fail(block, "try_timeout", true);
  block.reuses[SLOT]++;
  serve(memory, 2);
  totals.update();
  fail(block, "try_timeout");
  const sample = samplesOf(source);
  expect(sample("server_connects_total", "server_id=2")).toBe(0);
  expect(sample("server_connection_reuses_total", "server_id=2")).toBe(0);
  expect(sample("server_failures_total", "cause=try_timeout,server_id=2")).toBe(1);
  expect(sample("server_retries_total", "cause=try_timeout,server_id=2")).toBe(0);
  expect(sample("server_connects_total")).toBeUndefined();
});

test("series in use are those of the fullest worker", () => {
  const source = makeSource();
  source.memory.workers[0].seriesKeys.fill(5, 0, 10);
  source.memory.workers[1].seriesKeys.fill(5, 0, 30);
  source.memory.workers[1].seriesKeys.fill(-1, 30, 40); // given up
  const { samples } = parseExposition(new Metrics(source).render());
  expect(samples.get("neurabalancer_metrics_series")).toBe(30);
  expect(samples.get("neurabalancer_metrics_series_limit")).toBe(16_384);
});
