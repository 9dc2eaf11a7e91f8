/**
 * Exact arrivals by second and class, from counts by the second in which requests *ended*: each bucket of durations says
 * how much earlier its requests came.
 */
import { historyBucketLowerMs, historyBucketUpperMs } from "../../../shared/history-buckets.ts";
import type { MetricRow } from "../../../storage/history-store.ts";

const SECOND_MS = 1000;

export class SecondArrivals {
  readonly #startMs: number;
  readonly #seconds: number;
  readonly #classes: number;
  readonly #counts: Float64Array;

  /** @param startMs a full second. */
  constructor(startMs: number, seconds: number, classes: number) {
    this.#startMs = startMs;
    this.#seconds = seconds;
    this.#classes = classes;
    this.#counts = new Float64Array(seconds * classes);
  }

  /** Adds the requests of one row; those that came before the beginning or after the end are left out. */
  add({ atMs, requests, durations, durationSumMs }: MetricRow, kind: number): void {
    let counted = 0;
    for (let bucket = 0; bucket < durations.length; bucket++) {
      const count = durations[bucket];
      if (count === 0) continue;
      counted += count;
      const low = historyBucketLowerMs(bucket);
      const high = historyBucketUpperMs(bucket);
      this.#spread(atMs - (Number.isFinite(high) ? (low + high) / 2 : low), count, kind);
    }
    // A row whose histogram is not whole.
    if (counted < requests) this.#spread(atMs - durationSumMs / requests, requests - counted, kind);
  }

  /** Requests that came within one second from `fromMs` on: in two seconds of ours, by their shares of it. */
  #spread(fromMs: number, count: number, kind: number): void {
    const at = (fromMs - this.#startMs) / SECOND_MS;
    const second = Math.floor(at);
    const later = at - second;
    this.#put(second, count * (1 - later), kind);
    this.#put(second + 1, count * later, kind);
  }

  #put(second: number, count: number, kind: number): void {
    if (second >= 0 && second < this.#seconds) this.#counts[second * this.#classes + kind] += count;
  }

  /** Whole numbers: what is left over in a second counts in the next. */
  finish(): Float64Array {
    const counts = this.#counts;
    for (let kind = 0; kind < this.#classes; kind++) {
      let left = 0;
      for (let i = kind; i < counts.length; i += this.#classes) {
        const exact = counts[i] + left;
        counts[i] = Math.round(exact);
        left = exact - counts[i];
      }
    }
    return counts;
  }
}
