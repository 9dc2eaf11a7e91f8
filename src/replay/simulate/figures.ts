/** Figures of a run and of a recording, in the same terms. */
import { FAILURE_LATENCY_MS } from "../../balancing/estimators/latency-estimator.ts";
import type { Recording } from "../recording.ts";
import type { Interval, Recorded } from "../result.ts";
import type { RunOutcome } from "./run.ts";

/** What is kept of a run. */
export interface Figures extends Omit<Recorded, "requests" | "durationMs"> {
  /** The 48th and the 52nd percentile: between two humps the 50th is now here and now there. */
  readonly aroundP50Ms: readonly [number, number];
}

/** Latencies, failures and places of requests, with how many each stands for. */
interface Observed {
  readonly latencyMs: Float64Array;
  readonly failed: Uint8Array;
  readonly server: Int16Array;
  /** `null` = each for itself. */
  readonly weight: Float32Array | null;
}

/** Figures of the requests `[from, to)` of a run. */
export function figuresOfRun(outcome: RunOutcome, servers: number, from: number): Figures {
  return figuresOf({ ...outcome, weight: null }, servers, from, outcome.latencyMs.length);
}

/** What really happened to the requests that arrived from `fromMs` on, before `toMs`. */
export function recordedFigures(recording: Recording, fromMs: number, toMs: number): Recorded {
  const { requests, servers } = recording;
  const from = firstFrom(requests.atMs, fromMs);
  const to = firstFrom(requests.atMs, toMs);
  const latencyMs = Float64Array.from(requests.latencyMs, (latency, i) => {
    const total = latency + requests.waitMs[i];
    return requests.failed[i] === 1 ? Math.max(total, FAILURE_LATENCY_MS) : total;
  });
  let count = 0;
  for (let i = from; i < to; i++) count += requests.weight[i];
  const { failed, server, weight } = requests;
  const { aroundP50Ms: _, ...figures } = figuresOf({ latencyMs, failed, server, weight }, servers.length, from, to);
  // Weights are kept with seven digits: their sum is a whole number but for that.
  return { ...figures, requests: Math.round(count), durationMs: toMs - fromMs };
}

/** The number of the first that is not before `ms`. */
export function firstFrom(atMs: Float64Array, ms: number): number {
  let low = 0;
  let high = atMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (atMs[middle] < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

function figuresOf(
  { latencyMs, failed, server, weight }: Observed,
  servers: number,
  from: number,
  to: number,
): Figures {
  const shares = new Float64Array(servers);
  let all = 0;
  let sum = 0;
  let bad = 0;
  let placed = 0;
  for (let i = from; i < to; i++) {
    const of = weight === null ? 1 : weight[i];
    all += of;
    sum += of * latencyMs[i];
    bad += of * failed[i];
    if (server[i] < 0) continue;
    placed += of;
    shares[server[i]] += of;
  }
  const [p48Ms, p50Ms, p52Ms, p99Ms, p999Ms] = quantiles(latencyMs, weight, from, to, [0.48, 0.5, 0.52, 0.99, 0.999]);
  return {
    p50Ms,
    aroundP50Ms: [p48Ms, p52Ms],
    p99Ms,
    p999Ms,
    meanMs: sum / all,
    errorShare: bad / all,
    shares: Array.from(shares, (of) => (placed > 0 ? of / placed : 0)),
  };
}

function quantiles(
  values: Float64Array,
  weight: Float32Array | null,
  from: number,
  to: number,
  wanted: readonly number[],
): number[] {
  if (to <= from) return wanted.map(() => Number.NaN);
  if (weight === null || weight.subarray(from, to).every((one) => one === 1)) {
    const sorted = values.slice(from, to).sort();
    return wanted.map((share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  }
  const order = Int32Array.from({ length: to - from }, (_, i) => from + i).sort((a, b) => values[a] - values[b]);
  let total = 0;
  for (const i of order) total += weight[i];
  let sum = 0;
  let at = 0;
  return wanted.map((share) => {
    while (at < order.length - 1 && sum + weight[order[at]] <= share * total) sum += weight[order[at++]];
    return values[order[at]];
  });
}

/** 97.5 % quantiles of Student's t for 1 … 10 degrees of freedom, and of the normal distribution beyond. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/**
 * Where another draw would lie, by the spread of `draws` around their own mean: a prediction interval.
 * @param value what stands in the middle.
 */
export function intervalOf(value: number, draws: readonly number[], least: number): Interval {
  const n = draws.length;
  const middle = draws.reduce((a, b) => a + b, 0) / n;
  const variance = draws.reduce((sum, draw) => sum + (draw - middle) ** 2, 0) / Math.max(1, n - 1);
  const t = n < 2 ? 0 : (STUDENT[n - 2] ?? 2);
  const half = t * Math.sqrt(variance * (1 + 1 / n));
  return { value, low: Math.max(least, value - half), high: value + half };
}

/** The same for times, which chance multiplies: by the spread of their logarithms, so that `low` is above 0. */
export function timesIntervalOf(value: number, draws: readonly number[]): Interval {
  const log = (ms: number): number => Math.log(Math.max(LEAST_TIME_MS, ms));
  const { low, high } = intervalOf(log(value), draws.map(log), Number.NEGATIVE_INFINITY);
  return { value, low: Math.exp(low), high: Math.exp(high) };
}

/** Shorter times are not told apart. */
const LEAST_TIME_MS = 1e-3;
