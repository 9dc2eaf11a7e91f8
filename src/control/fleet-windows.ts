/**
 * What one server did lately, read from the cumulative columns that workers write. Nobody but a worker writes those, so
 * a slot's next server starts from a remembered baseline instead of from cleared memory.
 */
import { bucketCount, quantileMs } from "../shared/latency-buckets.ts";
import type { WorkerBlock } from "../shared/layout.ts";

/** Sums over some span of time. */
export interface Outcomes {
  /** Attempts that ended, good or bad. */
  readonly attempts: number;
  readonly failures: number;
  /** Mean response time, milliseconds; NaN = no answer. */
  readonly meanLatencyMs: number;
}

/** Percentiles of response time, milliseconds. */
export interface ResponsePercentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
}

/** Outcomes are judged over this many seconds, in steps of one. */
const OUTCOME_SECONDS = 10;
const LATENCY_STEP_MS = 10_000;
const LATENCY_STEPS = 6;

/** Cumulative sums at one moment. */
interface Totals {
  readonly atMs: number;
  readonly responses: number;
  readonly failures: number;
  readonly unanswered: number;
  readonly latencySumMs: number;
}

export class ServerWindows {
  readonly #slot: number;
  readonly #baseline: Totals;
  #now: Totals;
  #restarted: Totals;
  /** Totals at the end of each of the last seconds, oldest first. */
  readonly #seconds: Totals[] = [];
  /** Summed histograms at the end of each of the last steps, oldest first; the first is the baseline. */
  readonly #histograms: Float64Array[];
  #histogramAtMs: number;

  /** Begins at zero now, whatever `workers` counted in this slot before. */
  constructor(slot: number, workers: readonly WorkerBlock[], nowMs: number) {
    this.#slot = slot;
    this.#baseline = this.#read(workers, nowMs);
    this.#now = this.#baseline;
    this.#restarted = this.#baseline;
    this.#seconds.push(this.#baseline);
    this.#histograms = [this.#readHistogram(workers)];
    this.#histogramAtMs = nowMs;
  }

  /** Reads the counters; call it every tick. */
  advance(workers: readonly WorkerBlock[], nowMs: number): void {
    this.#now = this.#read(workers, nowMs);
    if (nowMs - this.#seconds[this.#seconds.length - 1].atMs >= 1000) {
      this.#seconds.push(this.#now);
      if (this.#seconds.length > OUTCOME_SECONDS) this.#seconds.shift();
    }
    if (nowMs - this.#histogramAtMs >= LATENCY_STEP_MS) {
      this.#histogramAtMs = nowMs;
      this.#histograms.push(this.#readHistogram(workers));
      if (this.#histograms.length > LATENCY_STEPS) this.#histograms.shift();
    }
  }

  /** Since the server came. */
  total(): Outcomes {
    return difference(this.#now, this.#baseline);
  }

  /** Over the last ten seconds, or since `restart` if that is later. */
  recent(): Outcomes {
    return difference(this.#now, this.#seconds[0]);
  }

  /** Since the last `restart`. */
  sinceRestart(): Outcomes {
    return difference(this.#now, this.#restarted);
  }

  /** Forgets the recent outcomes: what comes next is judged by itself. Percentiles and totals stay. */
  restart(): void {
    this.#restarted = this.#now;
    this.#seconds.length = 0;
    this.#seconds.push(this.#now);
  }

  /** Over the last 50 to 60 seconds; `null` without an answer. Reads the live histograms: for displays, not for ticks. */
  percentiles(workers: readonly WorkerBlock[]): ResponsePercentiles | null {
    const counts = this.#readHistogram(workers);
    const old = this.#histograms[0];
    let any = false;
    for (let i = 0; i < bucketCount; i++) {
      counts[i] = Math.max(0, counts[i] - old[i]); // a 32-bit bucket may wrap around once in days
      any ||= counts[i] > 0;
    }
    if (!any) return null;
    const at = (q: number): number => Number(quantileMs(counts, q).toFixed(3));
    return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) };
  }

  #read(workers: readonly WorkerBlock[], atMs: number): Totals {
    let responses = 0;
    let failures = 0;
    let unanswered = 0;
    let latencySumMs = 0;
    for (const worker of workers) {
      responses += worker.responses[this.#slot];
      failures += worker.failures[this.#slot];
      unanswered += worker.unanswered[this.#slot];
      latencySumMs += worker.latencySumMs[this.#slot];
    }
    return { atMs, responses, failures, unanswered, latencySumMs };
  }

  #readHistogram(workers: readonly WorkerBlock[]): Float64Array {
    const sum = new Float64Array(bucketCount);
    for (const { latencyHistogram } of workers) {
      const from = this.#slot * bucketCount;
      for (let i = 0; i < bucketCount; i++) sum[i] += latencyHistogram[from + i];
    }
    return sum;
  }
}

function difference(now: Totals, then: Totals): Outcomes {
  const responses = Math.max(0, now.responses - then.responses);
  const failures = Math.max(0, now.failures - then.failures);
  return {
    // The columns are read one after the other while workers write: never fewer attempts than failures.
    attempts: Math.max(responses + Math.max(0, now.unanswered - then.unanswered), failures),
    failures,
    meanLatencyMs: responses > 0 ? (now.latencySumMs - then.latencySumMs) / responses : Number.NaN,
  };
}
