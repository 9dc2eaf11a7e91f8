/**
 * The learner of one pool that another strategy balances: it keeps samples of its traffic, so that there is something to learn
 * from on the day it is balanced by `ml`. There is no model, nothing is judged or trained, and workers see nothing of it.
 */
import type { LearnerPool } from "../../protocol/learner.ts";
import { LearnerCounter, OTHER_STRATEGY_ARM } from "../../shared/memory/layout/learning.ts";
import { MAX_SERVERS, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import type { FleetFeatures } from "../features/fleet-features.ts";
import type { PoolMember } from "../member.ts";
import { Sampler, type SamplerOptions } from "../online/attempts/sampler.ts";
import type { Resources } from "../online/resources.ts";
import { PerServerThinning } from "../serving/per-server-thinning.ts";
import type { PoolGauges } from "../serving/pool-gauges.ts";
import type { RecordedOutcome } from "../serving/worker-rings.ts";
import { FeatureMoments } from "./feature-moments.ts";

/**
 * Samples kept a second, of all pools that are only observed: a first training finds enough after a minute, and the default
 * store goes back for three hours.
 */
export const OBSERVED_PER_SECOND = 50;
/** A pool may keep so many, however many pools there are. */
const LEAST_PER_SECOND = 2;
/** What may be remembered of all pools, to give samples their features, and of each at least. */
const MOMENT_BYTES = 4 * 1024 * 1024;
const LEAST_MOMENT_BYTES = 256 * 1024;
/** From one handing over to the next. */
const TICK_MS = 1000;

/** What it works on. */
export interface PoolObserverOptions extends Omit<SamplerOptions, "pool" | "perSecond"> {
  readonly pool: LearnerPool;
  readonly memory: SharedMemory;
  /** What is known of the servers: it goes on with whoever learns of the pool next. */
  readonly features: FleetFeatures;
  readonly gauges: PoolGauges;
  /** The pool's part of what the process may do, 0 … 1. */
  readonly part: () => number;
  /** Boot clock, milliseconds. */
  readonly nowMs: () => number;
  /** Any clock that runs evenly, milliseconds. */
  readonly stopwatch: () => number;
}

export class PoolObserver implements PoolMember {
  readonly #options: PoolObserverOptions;
  readonly #thinning: PerServerThinning;
  readonly #moments: FeatureMoments;
  readonly #sampler: Sampler;
  /** `null` until it is open, and after the end: samples wait for it. */
  #resources: Resources | null = null;
  #tickMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: PoolObserverOptions) {
    const { pool, memory, features, part, stopwatch, random } = options;
    this.#options = options;
    // As under `ml`: the features count what they are told of.
    this.#thinning = new PerServerThinning(MAX_SERVERS, part);
    const mostBytes = () => Math.max(LEAST_MOMENT_BYTES, MOMENT_BYTES * part());
    this.#moments = new FeatureMoments({ fleet: memory.servers, features, mostBytes, stopwatch, random });
    const perSecond = () => Math.max(LEAST_PER_SECOND, OBSERVED_PER_SECOND * part());
    this.#sampler = new Sampler({ ...options, pool: pool.name, perSecond });
  }

  get tableBytes(): number {
    return this.#moments.addedBytes;
  }

  get isAsleep(): boolean {
    return this.#moments.isAsleep;
  }

  replay(outcome: RecordedOutcome): void {
    this.#takeIn(outcome);
  }

  beginRound(): void {
    this.#thinning.begin(this.#options.nowMs());
  }

  observe(outcome: RecordedOutcome): void {
    const { slot, atMs, latencyMs } = outcome;
    if (this.#thinning.takes(slot, atMs)) this.#takeIn(outcome);
    // Without a store they are not gathered: it may take long to open.
    const features = this.#resources === null ? undefined : this.#moments.at(atMs - latencyMs);
    if (features === undefined || !(features.meanMs > 0)) return;
    const { serverId, inFlight, failed } = outcome;
    this.#sampler.add({
      slot,
      serverId,
      inFlight,
      endedMs: atMs,
      latencyMs: this.#options.features.typicalMsOf(outcome),
      failed,
      arm: OTHER_STRATEGY_ARM,
      modelVersion: 0,
      // It is not known: whoever wants one must not take samples of this arm.
      propensity: 1,
      features,
    });
  }

  async tick(slots: Int32Array | undefined): Promise<void> {
    const nowMs = this.#options.nowMs();
    if (this.#closed) return;
    if (slots !== undefined) this.#moments.tick(slots, nowMs);
    if (nowMs - this.#tickMs < TICK_MS) return;
    this.#tickMs = nowMs;
    this.#keepSamples();
  }

  async learn(resources: Resources): Promise<void> {
    if (!this.#closed) this.#resources = resources;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#keepSamples();
    this.#resources = null;
  }

  async leave(): Promise<void> {
    this.#options.gauges.clear();
    await this.close();
  }

  #takeIn(outcome: RecordedOutcome): void {
    const { slot, serverId, failed, atMs, inFlight } = outcome;
    const { memory, features } = this.#options;
    if (memory.servers.id[slot] !== serverId) return; // it has left
    this.#moments.onOutcome(atMs);
    features.observe(slot, features.typicalMsOf(outcome), failed, atMs, inFlight);
  }

  #keepSamples(): void {
    const { gauges, memory } = this.#options;
    if (this.#resources === null) return;
    const { store } = this.#resources;
    gauges.set(LearnerCounter.STORE_DEGRADED, store.status().problem !== null);
    const samples = this.#sampler.take();
    if (samples.length === 0) return;
    store.appendSamples(samples);
    memory.learnerCounters[LearnerCounter.SAMPLES_KEPT] += samples.length;
  }
}
