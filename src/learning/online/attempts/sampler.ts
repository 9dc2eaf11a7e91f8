/** Turns finished attempts into samples for the store, a bounded number a second. */
import type { Sample } from "../../../storage/learning-store.ts";
import { FEATURE_COUNT } from "../../features/fleet-features.ts";
import type { TableFeatures } from "../../features/table-features.ts";
import type { ReadAttempt } from "./attempt-reader.ts";
import { RandomThinning } from "./random-thinning.ts";

/**
 * Samples kept a second, of all pools that are balanced by what is learned. More would teach nothing new: the default store then
 * holds the last forty minutes of busy traffic.
 * Which attempts are kept is chance alone, so their weights need no correction: a second of heavy traffic has the same say
 * as one of light.
 */
export const SAMPLES_PER_SECOND = 200;
/** A pool may keep so many, however many pools there are. */
export const LEAST_PER_SECOND = 10;

/** What a sampler needs. */
export interface SamplerOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Added to the boot clock it gives milliseconds since the epoch. */
  readonly wallOffsetMs: () => number;
  /** URL and address of a server; `undefined` when it has left. */
  readonly nameOf: (serverId: number) => string | undefined;
  /** Name of the pool that the samples are of. */
  readonly pool: string;
  /** How many are kept a second, now. */
  readonly perSecond: () => number;
}

/** A finished attempt, with what was known when it was placed. */
export interface SampledAttempt {
  readonly slot: number;
  readonly serverId: number;
  /** At the server when the attempt was placed, without it. */
  readonly inFlight: number;
  /** Boot clock, milliseconds. */
  readonly endedMs: number;
  readonly latencyMs: number;
  readonly failed: boolean;
  readonly arm: number;
  readonly modelVersion: number;
  readonly propensity: number;
  readonly features: TableFeatures;
}

export class Sampler {
  readonly #options: SamplerOptions;
  readonly #thinning: RandomThinning;
  #batch: Sample[] = [];

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#thinning = new RandomThinning(options.perSecond, options.random);
  }

  /** Takes an attempt in, or leaves it out. Features are those of the moment when it was placed. */
  add(attempt: SampledAttempt): void {
    const { endedMs, serverId, inFlight, arm, modelVersion, propensity, latencyMs, failed } = attempt;
    if (!this.#thinning.passes(endedMs)) return;
    const table = attempt.features;
    const place = table.indexOf(attempt.slot, serverId);
    const name = this.#options.nameOf(serverId);
    if (place < 0 || name === undefined) return;
    const features = new Float32Array(FEATURE_COUNT);
    table.fillRow(place, inFlight, features, 0);
    const { pool, wallOffsetMs } = this.#options;
    this.#batch.push({
      pool,
      atMs: Math.round(endedMs + wallOffsetMs()),
      serverId: name,
      arm,
      modelVersion,
      propensity,
      features,
      latencyMs,
      meanMs: table.meanMs,
      failed,
    });
  }

  /** What was kept since the last call. */
  take(): Sample[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }
}

/** An attempt that `ml` placed; `null` when the features of that moment are not remembered. */
export function sampledAttempt({ record, decision, table }: ReadAttempt): SampledAttempt | null {
  if (table === null) return null;
  const { inFlight, endedMs, latencyMs, typicalMs, failed, propensity, modelVersion } = record;
  const { slot, serverId, arm } = decision;
  return {
    slot,
    serverId,
    inFlight,
    endedMs,
    latencyMs: typicalMs ?? latencyMs,
    failed,
    arm,
    modelVersion: Math.max(0, modelVersion ?? 0),
    propensity,
    features: table.features,
  };
}
