import { Choice, type ChoiceNotes, Scale } from "./choice.ts";
import { PeakEwmaLatency } from "./estimators/peak-ewma-latency.ts";
import {
  type FleetView,
  ownInFlight,
  type Strategy,
  type StrategyDependencies,
  type StrategyEntry,
} from "./strategy.ts";

/**
 * Power of two choices over `peak EWMA latency × (inFlight + 1) / effectiveWeight` (Finagle, linkerd): quick to leave a
 * server whose latency peaks, slow to trust it again. An idle server of which nothing is known is tried when drawn.
 */
export class PeakEwma implements Strategy {
  readonly #fleet: FleetView;
  readonly #random: () => number;
  readonly #latency: PeakEwmaLatency;
  /** The two that were drawn last, and what they were compared by. */
  #first = -1;
  #second = -1;
  readonly #loads = new Float64Array(2);

  constructor({ fleet, random }: StrategyDependencies) {
    this.#fleet = fleet;
    this.#random = random;
    this.#latency = new PeakEwmaLatency(fleet);
  }

  pick(candidates: Int32Array, count: number, _key: number, nowMs: number): number {
    if (count === 1) return candidates[0];
    const i = (this.#random() * count) | 0;
    let j = (this.#random() * (count - 1)) | 0;
    if (j >= i) j++;
    const a = candidates[i];
    const b = candidates[j];
    const loadA = this.#load(a, nowMs);
    const loadB = this.#load(b, nowMs);
    this.#first = a;
    this.#second = b;
    this.#loads[0] = loadA;
    this.#loads[1] = loadB;
    const slot = loadA <= loadB ? a : b;
    if (loadA === 0 || loadB === 0) this.#latency.onProbe(slot, nowMs);
    return slot;
  }

  /** Of the two that were drawn: nobody else was looked at. */
  explain(_candidates: Int32Array, count: number, _key: number, nowMs: number, slot: number, notes: ChoiceNotes): void {
    const loads = this.#loads;
    const probes = count > 1 && (loads[0] === 0 || loads[1] === 0);
    notes.made(probes ? Choice.PROBE : Choice.BEST_OF_TWO, Scale.PEAK_LOAD);
    if (count === 1) {
      notes.add(slot, this.#load(slot, nowMs));
      return;
    }
    notes.add(this.#first, loads[0]);
    notes.add(this.#second, loads[1]);
  }

  onOutcome(slot: number, latencyMs: number, failed: boolean, nowMs: number): void {
    this.#latency.observe(slot, latencyMs, failed, nowMs);
  }

  /** 0 for an idle server of which nothing is known: one request finds out. */
  #load(slot: number, nowMs: number): number {
    const inFlight = ownInFlight(this.#fleet, slot);
    if (inFlight === 0 && this.#latency.isUnknown(slot, nowMs)) return 0;
    return (this.#latency.read(slot, nowMs) * (inFlight + 1)) / this.#fleet.effectiveWeight[slot];
  }
}

/** How configuration and documentation know it. */
export const peakEwma = {
  name: "peak_ewma",
  description: "Of two random servers, the one with the lower peak-sensitive latency times requests in flight.",
  create: (dependencies) => new PeakEwma(dependencies),
} as const satisfies StrategyEntry;
