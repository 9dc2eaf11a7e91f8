/**
 * What was known of a fleet at moments of the last seconds, without any model: the features of attempts that another strategy
 * than `ml` places. They are what `ml` would have had: of the last moment before the attempt, by the same code.
 */
import type { FleetFeatures, ObservedFleet } from "../features/fleet-features.ts";
import { TableFeatures } from "../features/table-features.ts";
import { IdleWatch } from "../serving/idle-watch.ts";
import { columnsFor } from "../serving/score-table.ts";

/** Moments are kept for so long, milliseconds: attempts that took longer make no samples. */
const KEPT_MS = 10_000;
/** An attempt belongs to the moment before it if that is no older, milliseconds: two of them are fifty apart. */
const FRESH_MS = 100;
/** So long after the last outcome nothing is thought to happen soon, milliseconds. */
const ASLEEP_AFTER_MS = 2_000;
/** Who sleeps looks so seldom whether something has happened, milliseconds: to wake up is most of what it costs then. */
export const ASLEEP_LOOK_MS = 250;
/** Share of its time that the process may spend on them: those of a large fleet are taken more seldom. */
const MOST_WORK = 0.01;
/** Weight of the last one in what one is thought to take. */
const NEWEST = 0.2;

/** What they are made from. */
export interface FeatureMomentsOptions {
  readonly fleet: ObservedFleet;
  readonly features: FleetFeatures;
  /** How much may be kept, now, bytes. */
  readonly mostBytes: () => number;
  /** Any clock that runs evenly, milliseconds: how long one takes. */
  readonly stopwatch: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

interface Moment {
  readonly features: TableFeatures;
  /** Boot clock, milliseconds. */
  readonly fromMs: number;
  /** An attempt that was placed up to then belongs to it. */
  toMs: number;
}

export class FeatureMoments {
  readonly #options: FeatureMomentsOptions;
  readonly #idle: IdleWatch;
  /** The oldest first. */
  readonly #moments: Moment[] = [];
  #bytes = 0;
  #addedBytes = 0;
  /** What one takes, milliseconds. */
  #workMs = 0;
  #tickMs = Number.NEGATIVE_INFINITY;
  #heardMs = Number.NEGATIVE_INFINITY;

  constructor(options: FeatureMomentsOptions) {
    this.#options = options;
    this.#idle = new IdleWatch(options.fleet);
  }

  get length(): number {
    return this.#moments.length;
  }

  /** Of all that were ever taken: what is dropped is garbage. */
  get addedBytes(): number {
    return this.#addedBytes;
  }

  /** The features know of another outcome. */
  onOutcome(atMs: number): void {
    this.#heardMs = atMs;
    this.#idle.onOutcome(atMs);
  }

  /** Nothing has happened for a while: it is enough to look every `ASLEEP_LOOK_MS`. */
  get isAsleep(): boolean {
    return this.#tickMs - this.#heardMs > ASLEEP_AFTER_MS;
  }

  /**
   * Takes down what is known now, or leaves it: chance decides at which of the moments, so that no traffic falls into step
   * with them. @param slots servers that may be asked.
   */
  tick(slots: Int32Array, nowMs: number): void {
    const sinceMs = Math.min(KEPT_MS, nowMs - this.#tickMs);
    this.#tickMs = nowMs;
    const newest = this.#moments.at(-1);
    if (newest !== undefined && this.#idle.isIdle(slots, nowMs)) {
      // Nothing has changed: until the next look it is as good as a new one.
      newest.toMs = nowMs + (this.isAsleep ? ASLEEP_LOOK_MS : 0) + FRESH_MS;
      return;
    }
    const { stopwatch, random } = this.#options;
    if (slots.length === 0 || random() * this.#workMs > sinceMs * MOST_WORK) return;
    const beganMs = stopwatch();
    this.#take(slots, nowMs);
    const workMs = stopwatch() - beganMs;
    this.#workMs = this.#workMs === 0 ? workMs : this.#workMs + NEWEST * (workMs - this.#workMs);
  }

  /** What was known when an attempt was placed; `undefined` = that was not taken down, or is forgotten. */
  at(placedMs: number): TableFeatures | undefined {
    for (let i = this.#moments.length - 1; i >= 0; i--) {
      const { fromMs, toMs, features } = this.#moments[i];
      if (fromMs <= placedMs) return placedMs <= toMs ? features : undefined;
    }
    return undefined;
  }

  #take(slots: Int32Array, nowMs: number): void {
    const { fleet, mostBytes } = this.#options;
    this.#idle.onTick(slots, nowMs);
    const columns = columnsFor(fleet.inFlight, slots, slots.length);
    // With `response_p95`: the model that ships asks for it, so samples have it under `ml`.
    const features = new TableFeatures(this.#options.features, slots, fleet.id, columns, nowMs, true);
    this.#moments.push({ features, fromMs: nowMs, toMs: nowMs + FRESH_MS });
    this.#bytes += features.bytes;
    this.#addedBytes += features.bytes;
    let drop = 0;
    for (; drop < this.#moments.length - 1; drop++) {
      const oldest = this.#moments[drop];
      if (nowMs - oldest.toMs <= KEPT_MS && this.#bytes <= mostBytes()) break;
      this.#bytes -= oldest.features.bytes;
    }
    if (drop > 0) this.#moments.splice(0, drop);
  }
}
