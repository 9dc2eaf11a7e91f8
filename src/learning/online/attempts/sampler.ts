/** Turns finished attempts into samples for the store, a bounded number a second. */
import type { Sample } from "../../../storage/learning-store.ts";
import { FEATURE_COUNT } from "../../features/fleet-features.ts";
import type { ReadAttempt } from "./attempt-reader.ts";
import { RandomThinning } from "./random-thinning.ts";

/**
 * Samples kept a second, of all pools. More would teach nothing new: the default store then holds the last forty minutes of
 * busy traffic.
 * Which attempts are kept is chance alone, so their weights need no correction: a second of heavy traffic has the same say
 * as one of light.
 */
const SAMPLES_PER_SECOND = 200;
/** A pool may keep so many, however many pools there are. */
const LEAST_PER_SECOND = 10;

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
  /** The pool's part of what the process may do, 0 … 1. */
  readonly part: () => number;
}

export class Sampler {
  readonly #options: SamplerOptions;
  readonly #thinning: RandomThinning;
  #batch: Sample[] = [];

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#thinning = new RandomThinning(
      () => Math.max(LEAST_PER_SECOND, SAMPLES_PER_SECOND * options.part()),
      options.random,
    );
  }

  /** Takes an attempt in, or leaves it out. Features are those of the moment when it was placed. */
  add({ record, decision, table }: ReadAttempt): void {
    if (table === null || !this.#thinning.passes(record.endedMs)) return;
    const place = table.features.indexOf(decision.slot, decision.serverId);
    const serverId = this.#options.nameOf(decision.serverId);
    if (place < 0 || serverId === undefined) return;
    const features = new Float32Array(FEATURE_COUNT);
    table.features.fillRow(place, record.inFlight, features, 0);
    this.#batch.push({
      pool: this.#options.pool,
      atMs: Math.round(record.endedMs + this.#options.wallOffsetMs()),
      serverId,
      arm: decision.arm,
      modelVersion: Math.max(0, record.modelVersion ?? 0),
      propensity: record.propensity,
      features,
      latencyMs: record.latencyMs,
      meanMs: record.meanMs,
      failed: record.failed,
    });
  }

  /** What was kept since the last call. */
  take(): Sample[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }
}
