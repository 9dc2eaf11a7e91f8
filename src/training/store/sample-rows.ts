/** Training rows from the store of samples: bounded in number, newest first, weighted by how they came about and by age. */
import { LEAST_LATENCY_MS } from "../../balancing/estimators/latency-estimator.ts";
import { FEATURE_COUNT } from "../../learning/features/fleet-features.ts";
import { FEATURE, inRange, LATENCY_MS, MOMENT_MS } from "../../shared/ranges.ts";
import type { LearningReader, Sample } from "../../storage/learning-store.ts";
import { TrainingRows } from "../rows.ts";

/** Which samples, and how they count. */
export interface SampleRowOptions {
  /** Name of the pool whose they are. */
  readonly pool: string;
  /** At most so many rows: 100 bytes each. */
  readonly rows: number;
  /** A sample so much older than the newest counts half, milliseconds. */
  readonly halfLifeMs: number;
}

/** Rows in the order of time, oldest first, and what was left out. */
export interface SampleRows {
  readonly rows: TrainingRows;
  /** Failed attempts: how long they took says nothing of how long responses take, and their price is counted elsewhere. */
  readonly failed: number;
  /** Samples with numbers that none can have (a damaged file), or made while the fleet's mean was unknown. */
  readonly unusable: number;
  /** Samples of another list of features. */
  readonly skipped: number;
  /** Of the oldest and the newest row, milliseconds since the epoch; `null` without rows. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/**
 * A sample whose server had a chance of p to be chosen counts 1/p times, so that what is rarely chosen is learned as well as
 * what often is; but no more than this many times, or a few rows would be all that counts.
 */
const MOST_PROPENSITY_WEIGHT = 10;
/** Samples looked at for each row that may be kept: failures are left out, and a store full of them must not be read to its end. */
const SAMPLES_PER_ROW = 2;

/** Reads them. Weights have a mean of 1. Rejects with a `StoreError` when the store cannot be read. */
export async function readSampleRows(
  store: LearningReader,
  { pool, rows: most, halfLifeMs }: SampleRowOptions,
): Promise<SampleRows> {
  const limit = Math.min(most, await store.countSamples(pool));
  const columns = {
    features: new Float32Array(limit * FEATURE_COUNT),
    target: new Float32Array(limit),
    weight: new Float32Array(limit),
  };
  let at = limit; // they come newest first, and are kept oldest first
  let failed = 0;
  let unusable = 0;
  let fromMs: number | null = null;
  let toMs: number | null = null;
  let total = 0;
  const scan = await store.readSamples({ pool, limit: limit * SAMPLES_PER_ROW, newestFirst: true });
  reading: for await (const page of scan.pages) {
    for (const sample of page) {
      if (at === 0) break reading;
      if (sample.failed) {
        failed++;
        continue;
      }
      if (!isUsable(sample)) {
        unusable++;
        continue;
      }
      const { atMs, features, latencyMs, meanMs, propensity } = sample;
      const target = Math.max(latencyMs, LEAST_LATENCY_MS) / meanMs;
      toMs ??= atMs;
      fromMs = atMs;
      at--;
      columns.features.set(features, at * FEATURE_COUNT);
      columns.target[at] = target;
      const age = Math.max(0, toMs - atMs);
      columns.weight[at] = Math.min(1 / propensity, MOST_PROPENSITY_WEIGHT) * 0.5 ** (age / halfLifeMs);
      total += columns.weight[at];
    }
  }
  const rows = TrainingRows.of(columns).part(at, limit);
  for (let row = 0; row < rows.length; row++) rows.weight[row] *= rows.length / total;
  return { rows, failed, unusable, skipped: scan.skippedRows, fromMs, toMs };
}

/** One NaN or infinite number among the rows would make all weights of the network NaN. An unknown feature is NaN, and may be. */
function isUsable({ atMs, features, latencyMs, meanMs, propensity }: Sample): boolean {
  return (
    inRange(atMs, MOMENT_MS) &&
    inRange(latencyMs, LATENCY_MS) &&
    inRange(meanMs, { ...LATENCY_MS, least: LEAST_LATENCY_MS }) &&
    propensity > 0 &&
    propensity <= 1 &&
    features.length === FEATURE_COUNT &&
    features.every((value) => Number.isNaN(value) || inRange(value, FEATURE))
  );
}
