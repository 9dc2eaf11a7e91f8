/** Quantiles of what two looks at a growing histogram differ by. */
import { bucketCount, quantileMs } from "../../shared/latency-buckets.ts";
import { NATIVE_BOUNDS } from "../../shared/memory/duration-table.ts";
import { NATIVE_BUCKETS } from "../../shared/memory/layout/durations.ts";

/** Median and 99th percentile, milliseconds; `null` = nothing was counted. */
export interface Quantiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** Of nothing. */
export const NO_QUANTILES: Quantiles = Object.freeze({ p50: null, p99: null });

/** A histogram of native buckets that grows. */
export class NativeGrowth {
  readonly #counts = new Float64Array(NATIVE_BUCKETS);
  #total = 0;

  /** Adds what was counted between two looks. @param before `undefined` = nothing is known of it: then nothing is added. */
  add(now: Float64Array, before: Float64Array | undefined): void {
    if (before === undefined) return;
    for (let i = 0; i < NATIVE_BUCKETS; i++) {
      const grown = Math.max(0, now[i] - before[i]); // a row may have been given to another pair
      this.#counts[i] += grown;
      this.#total += grown;
    }
  }

  get quantiles(): Quantiles {
    if (this.#total === 0) return NO_QUANTILES;
    return { p50: this.#at(0.5), p99: this.#at(0.99) };
  }

  #at(q: number): number {
    const rank = q * this.#total;
    let seen = 0;
    for (let i = 0; i < NATIVE_BUCKETS; i++) {
      const here = this.#counts[i];
      if (here > 0 && seen + here >= rank) {
        const low = i === 0 ? 0 : NATIVE_BOUNDS[i - 1];
        return rounded((low + ((rank - seen) / here) * (NATIVE_BOUNDS[i] - low)) * 1_000);
      }
      seen += here;
    }
    return rounded(NATIVE_BOUNDS[NATIVE_BUCKETS - 1] * 1_000);
  }
}

/** Of a server's response times. */
export function growthQuantiles(now: Uint32Array, before: Uint32Array | undefined): Quantiles {
  if (before === undefined) return NO_QUANTILES;
  const grown = new Uint32Array(bucketCount);
  let any = 0;
  for (let i = 0; i < bucketCount; i++) {
    grown[i] = now[i] - before[i]; // also right when the 32 bits have wrapped
    any |= grown[i];
  }
  if (any === 0) return NO_QUANTILES;
  return { p50: rounded(quantileMs(grown, 0.5)), p99: rounded(quantileMs(grown, 0.99)) };
}

/** Three digits that say something: what is shown, and not more bytes. */
export function rounded(value: number): number {
  return value === 0 || !Number.isFinite(value) ? 0 : Number(value.toPrecision(3));
}
