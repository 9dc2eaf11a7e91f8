/** Counts of one kind, added up: sums are exact, and quantiles come from the histograms' sum. */
import { historyBucketCount, historyQuantileMs } from "../../shared/history-buckets.ts";
import type { MetricRow } from "../../storage/history-store.ts";
import { rounded } from "../rounded.ts";

/** Of a `MetricRow` what is added up. */
export type Counts = Pick<
  MetricRow,
  | "statusClass"
  | "requests"
  | "failures"
  | "retries"
  | "durationSumMs"
  | "waitSumMs"
  | "waited"
  | "responseBytes"
  | "durations"
>;

/** A `null` is what cannot be said without any request. */
export interface Figures {
  readonly requests: number;
  readonly requests_per_second: number | null;
  /** Of all requests of the same time that the filters let through, 0 … 1. */
  readonly share: number | null;
  /** Answered with 5xx, or failed in another way for which the balancer or the server was to blame. */
  readonly errors: number;
  /** Of the requests, 0 … 1. */
  readonly error_share: number | null;
  /** Answered with 4xx, and clients that left (499). */
  readonly client_errors: number;
  /** Attempts beyond each request's first. */
  readonly retries: number;
  /** Requests that waited in the queue, and how long those did on average. */
  readonly waited: number;
  readonly wait_mean_ms: number | null;
  readonly mean_ms: number | null;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  readonly response_bytes: number;
}

/** Their names, in the order in which they are shown. */
export const FIGURE_NAMES = [
  "requests",
  "requests_per_second",
  "share",
  "errors",
  "error_share",
  "client_errors",
  "retries",
  "waited",
  "wait_mean_ms",
  "mean_ms",
  "p50_ms",
  "p95_ms",
  "p99_ms",
  "response_bytes",
] as const satisfies readonly (keyof Figures)[];

/** See the top of this file. */
export class Tally {
  requests = 0;
  #errors = 0;
  #clientErrors = 0;
  #retries = 0;
  #durationSumMs = 0;
  #waitSumMs = 0;
  #waited = 0;
  #responseBytes = 0;
  readonly #durations = new Float64Array(historyBucketCount);

  /** Adds what was counted. */
  add(row: Counts): void {
    this.requests += row.requests;
    this.#errors += row.statusClass === 5 ? row.requests : row.failures;
    if (row.statusClass === 4) this.#clientErrors += row.requests - row.failures;
    this.#retries += row.retries;
    this.#durationSumMs += row.durationSumMs;
    this.#waitSumMs += row.waitSumMs;
    this.#waited += row.waited;
    this.#responseBytes += row.responseBytes;
    const { durations } = row;
    const sums = this.#durations;
    for (let i = 0; i < durations.length; i++) sums[i] += durations[i];
  }

  /** Adds another's counts. */
  addTally(other: Tally): void {
    this.requests += other.requests;
    this.#errors += other.#errors;
    this.#clientErrors += other.#clientErrors;
    this.#retries += other.#retries;
    this.#durationSumMs += other.#durationSumMs;
    this.#waitSumMs += other.#waitSumMs;
    this.#waited += other.#waited;
    this.#responseBytes += other.#responseBytes;
    for (let i = 0; i < this.#durations.length; i++) this.#durations[i] += other.#durations[i];
  }

  /** @param ofMs how long was counted. @param all requests of the same time, whatever their group. */
  figures(ofMs: number, all: number): Figures {
    const { requests } = this;
    const some = (value: number, digits = 3) =>
      requests === 0 || !Number.isFinite(value) ? null : rounded(value, digits);
    const quantile = (q: number) => some(historyQuantileMs(this.#durations, q));
    return {
      requests,
      requests_per_second: ofMs > 0 ? rounded(requests / (ofMs / 1_000), 6) : null,
      share: all === 0 ? null : rounded(requests / all, 6),
      errors: this.#errors,
      error_share: some(this.#errors / requests, 6),
      client_errors: this.#clientErrors,
      retries: this.#retries,
      waited: this.#waited,
      wait_mean_ms: this.#waited === 0 ? null : rounded(this.#waitSumMs / this.#waited, 3),
      mean_ms: some(this.#durationSumMs / requests),
      p50_ms: quantile(0.5),
      p95_ms: quantile(0.95),
      p99_ms: quantile(0.99),
      response_bytes: this.#responseBytes,
    };
  }
}
