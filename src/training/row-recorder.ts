/** A strategy in the simulator that gathers training rows while it balances. */
import type { Strategy, StrategyDependencies } from "../balancing/strategy.ts";
import { FEATURE_COUNT } from "../learning/features/fleet-features.ts";
import type { Network } from "../learning/models/network.ts";
import { SimulatedLearner } from "../simulator/simulated-learner.ts";
import type { TrainingRows } from "./rows.ts";

/** How rows are gathered. */
export interface RowRecorderOptions {
  /** Share of the requests that a server is drawn for: without it, nothing would be seen of what is avoided. */
  readonly explore: number;
  /** Share of the requests that rows are made of. */
  readonly sample: number;
}

/** Balances by a network, now and then at random, and records what was known of the server that was chosen. */
export class RowRecorder implements Strategy {
  readonly #learner: SimulatedLearner;
  readonly #random: () => number;
  readonly #inFlight: Int32Array;
  readonly #rows: TrainingRows;
  readonly #options: RowRecorderOptions;
  readonly #one = new Int32Array(1);
  /** Rows that wait for their outcome, by slot and time of dispatch. */
  readonly #waiting = new Map<string, { readonly row: Float64Array; readonly meanMs: number }>();

  constructor(dependencies: StrategyDependencies, network: Network, rows: TrainingRows, options: RowRecorderOptions) {
    this.#learner = new SimulatedLearner(dependencies, network, { periodMs: 100, controlShare: 0, secondShare: 0 });
    this.#random = dependencies.random;
    this.#inFlight = dependencies.fleet.inFlight;
    this.#rows = rows;
    this.#options = options;
  }

  onCandidates(candidates: Int32Array, count: number): void {
    this.#learner.onCandidates(candidates, count);
  }

  pick(candidates: Int32Array, count: number, key: number, nowMs: number): number {
    let slot: number;
    if (this.#random() < this.#options.explore) {
      this.#one[0] = candidates[(this.#random() * count) | 0];
      slot = this.#learner.pick(this.#one, 1, key, nowMs);
    } else slot = this.#learner.pick(candidates, count, key, nowMs);
    if (!this.#rows.full && this.#random() < this.#options.sample) {
      const { features } = this.#learner;
      const row = new Float64Array(FEATURE_COUNT).fill(Number.NaN);
      features.begin(candidates, count, nowMs);
      features.fillServer(slot, row, 0);
      features.fillLoad(slot, this.#inFlight[slot], row, 0);
      this.#waiting.set(keyOf(slot, nowMs), { row, meanMs: features.meanMs });
    }
    return slot;
  }

  onOutcome(slot: number, latencyMs: number, failed: boolean, nowMs: number, inFlight?: number): void {
    this.#learner.onOutcome(slot, latencyMs, failed, nowMs, inFlight);
    const key = keyOf(slot, nowMs - latencyMs);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#waiting.delete(key);
    // What failures cost is no part of the model: the strategy adds it (balancing/ml.ts).
    if (!failed && latencyMs > 0) this.#rows.add(waiting.row, latencyMs / waiting.meanMs);
  }
}

/** Times are sums of floating-point numbers: equal to a nanosecond is equal. */
function keyOf(slot: number, dispatchedMs: number): string {
  return `${slot} ${Math.round(dispatchedMs * 1e6)}`;
}
