/** A past that never was: a month of counts and single requests, made in the order of time from a seed. */
import { historyBucketCount, historyBucketOf } from "../../src/shared/history-buckets.ts";
import type { EventRow, GaugeRow, MetricRow, RequestRow } from "../../src/storage/history-store.ts";

/** What it is like. */
export interface PastShape {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Rows of counts by the second, and single requests, in all. */
  readonly metricRows: number;
  readonly requestRows: number;
  readonly servers: number;
  readonly routes: number;
}

/** Some seconds of it. */
export interface Stretch {
  readonly metrics: readonly MetricRow[];
  readonly requests: readonly RequestRow[];
  readonly gauges: readonly GaugeRow[];
  readonly events: readonly EventRow[];
}

const STRETCH_SECONDS = 600;
const GAUGE_SECONDS = 600;
const STATUS_CLASSES = [2, 2, 2, 2, 2, 2, 2, 4, 4, 5];

/** A stretch after the other. @param random uniform in [0, 1). */
export function* pastOf(shape: PastShape, random: () => number): Generator<Stretch> {
  const { sinceMs, untilMs } = shape;
  const seconds = Math.floor((untilMs - sinceMs) / 1_000);
  let metricsDue = 0;
  let requestsDue = 0;
  for (let first = 0; first < seconds; first += STRETCH_SECONDS) {
    const metrics: MetricRow[] = [];
    const requests: RequestRow[] = [];
    const gauges: GaugeRow[] = [];
    for (let second = first; second < Math.min(first + STRETCH_SECONDS, seconds); second++) {
      const atMs = sinceMs + second * 1_000;
      const keys = new Set<string>();
      for (metricsDue += shape.metricRows / seconds; metricsDue >= 1; metricsDue--) {
        const row = metricRow(atMs, shape, random);
        const key = `${row.server} ${row.route} ${row.statusClass}`;
        if (keys.has(key)) continue; // a second has one row of each
        keys.add(key);
        metrics.push(row);
      }
      for (requestsDue += shape.requestRows / seconds; requestsDue >= 1; requestsDue--) {
        requests.push(requestRow(atMs, shape, random, `${second}-${requests.length}`));
      }
      if (second % GAUGE_SECONDS === 0) {
        for (let i = 0; i < shape.servers; i++) gauges.push(gaugeRow(atMs, serverOf(i), random));
      }
    }
    yield { metrics, requests, gauges, events: [eventRow(sinceMs + first * 1_000, shape, random)] };
  }
}

function serverOf(i: number): string {
  return `10.0.0.${i + 1}:8080`;
}

function pick(count: number, random: () => number): number {
  return Math.floor(random() * count);
}

/** About lognormal: most near 20 ms, a tail of seconds. */
function durationOf(random: () => number): number {
  return 20 * Math.exp((random() + random() + random() - 1.5) * 2);
}

function metricRow(atMs: number, { servers, routes }: PastShape, random: () => number): MetricRow {
  const requests = 1 + pick(30, random);
  const durations = new Array<number>(historyBucketCount).fill(0);
  let sumMs = 0;
  for (let i = 0; i < requests; i++) {
    const ms = durationOf(random);
    sumMs += ms;
    durations[historyBucketOf(ms)]++;
  }
  return {
    atMs,
    pool: "default",
    route: `route-${pick(routes, random)}`,
    server: serverOf(pick(servers, random)),
    address: "",
    statusClass: STATUS_CLASSES[pick(STATUS_CLASSES.length, random)],
    requests,
    failures: 0,
    retries: random() < 0.05 ? 1 : 0,
    durationSumMs: sumMs,
    waitSumMs: 0,
    waited: 0,
    responseBytes: requests * 2_000,
    durations: durations.slice(0, durations.findLastIndex((n) => n > 0) + 1),
  };
}

function requestRow(atMs: number, shape: PastShape, random: () => number, id: string): RequestRow {
  const durationMs = durationOf(random);
  const failed = random() < 0.02;
  return {
    atMs: atMs + pick(1_000, random),
    pool: "default",
    route: `route-${pick(shape.routes, random)}`,
    server: serverOf(pick(shape.servers, random)),
    address: "",
    method: "GET",
    path: `/api/items/${pick(100_000, random)}`,
    status: failed ? 503 : 200,
    error: failed ? "response_timeout" : "",
    durationMs,
    waitMs: 0,
    headMs: durationMs * 0.9,
    attempts: 1,
    inFlight: pick(10, random),
    responseBytes: 2_000,
    requestId: id,
    client: `192.0.2.${pick(250, random)}`,
    reason: failed ? "failed" : "sample",
    weight: failed ? 1 : 10,
  };
}

function gaugeRow(atMs: number, server: string, random: () => number): GaugeRow {
  return {
    atMs,
    pool: "default",
    server,
    address: "",
    state: random() < 0.99 ? "up" : "ejected",
    weight: 1,
    effectiveWeight: 1,
    inFlight: pick(10, random),
    cpuPercent: 50 * random(),
    memoryPercent: 40,
  };
}

function eventRow(atMs: number, { servers }: PastShape, random: () => number): EventRow {
  const server = serverOf(pick(servers, random));
  return {
    atMs,
    kind: "ejection",
    pool: "default",
    server,
    address: "",
    actor: "balancer",
    message: `${server} was ejected for 30 s: 5 failures in a row`,
    detail: { from: "up", to: "ejected" },
  };
}
