import { Choice, type ChoiceNotes, Scale } from "./choice.ts";
import { EwmaLatency } from "./estimators/ewma-latency.ts";
import {
  type FleetView,
  ownInFlight,
  type Strategy,
  type StrategyDependencies,
  type StrategyEntry,
} from "./strategy.ts";

/** Estimates fade over seconds; reading them anew for every server and pick would cost more than all the rest. */
const REFRESH_MS = 10;

/**
 * The least `EWMA latency × (inFlight + 1) / effectiveWeight` over all candidates, ties at random with equal chances.
 * An idle server of which nothing is known gets one request to find out; until its response it counts as average.
 */
export class LeastResponseTime implements Strategy {
  readonly #fleet: FleetView;
  readonly #random: () => number;
  readonly #latency: EwmaLatency;
  /** By slot: what `#latency` says, at most `REFRESH_MS` old. Outcomes and changes of the candidates enter at once. */
  readonly #estimateMs: Float64Array;
  #nowMs = 0;
  #refreshAtMs = Number.NEGATIVE_INFINITY;
  /** The last choice was one of which nothing is known. */
  #probed = false;

  constructor({ fleet, random }: StrategyDependencies) {
    this.#fleet = fleet;
    this.#random = random;
    this.#latency = new EwmaLatency(fleet);
    this.#estimateMs = new Float64Array(fleet.id.length).fill(1);
  }

  onCandidates(candidates: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#estimateMs[candidates[i]] = this.#latency.read(candidates[i], this.#nowMs);
    this.#refreshAtMs = this.#nowMs;
  }

  pick(candidates: Int32Array, count: number, _key: number, nowMs: number): number {
    this.#probed = false;
    if (nowMs >= this.#refreshAtMs) {
      const unknown = this.#refresh(candidates, count, nowMs);
      this.#probed = unknown >= 0;
      if (unknown >= 0) return unknown;
    }
    const fleet = this.#fleet;
    const { effectiveWeight } = fleet;
    const estimateMs = this.#estimateMs;
    let best = candidates[0];
    let least = (estimateMs[best] * (ownInFlight(fleet, best) + 1)) / effectiveWeight[best];
    let ties = 1;
    for (let i = 1; i < count; i++) {
      const slot = candidates[i];
      const load = (estimateMs[slot] * (ownInFlight(fleet, slot) + 1)) / effectiveWeight[slot];
      if (load > least) continue;
      if (load < least) {
        least = load;
        best = slot;
        ties = 1;
      } else if (this.#random() * ++ties < 1) {
        best = slot;
      }
    }
    return best;
  }

  explain(
    candidates: Int32Array,
    count: number,
    _key: number,
    _nowMs: number,
    _slot: number,
    notes: ChoiceNotes,
  ): void {
    const fleet = this.#fleet;
    const { effectiveWeight } = fleet;
    const { scores } = notes;
    notes.made(this.#probed ? Choice.PROBE : Choice.BEST, Scale.LATENCY_LOAD);
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      scores[slot] = (this.#estimateMs[slot] * (ownInFlight(fleet, slot) + 1)) / effectiveWeight[slot];
    }
    notes.ranked(candidates, count);
  }

  onOutcome(slot: number, latencyMs: number, failed: boolean, nowMs: number): void {
    this.#latency.observe(slot, latencyMs, failed, nowMs);
    this.#estimateMs[slot] = this.#latency.read(slot, nowMs);
  }

  /** Reads all estimates. Returns an idle server of which nothing is known, to be picked now, or -1. */
  #refresh(candidates: Int32Array, count: number, nowMs: number): number {
    this.#nowMs = nowMs;
    this.#refreshAtMs = nowMs + REFRESH_MS;
    let unknown = -1;
    let found = 0;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      this.#estimateMs[slot] = this.#latency.read(slot, nowMs);
      if (ownInFlight(this.#fleet, slot) > 0 || !this.#latency.isUnknown(slot, nowMs)) continue;
      if (this.#random() * ++found < 1) unknown = slot;
    }
    if (unknown >= 0) this.#latency.onProbe(unknown, nowMs);
    return unknown;
  }
}

/** How configuration and documentation know it. */
export const leastResponseTime = {
  name: "least_response_time",
  description: "The server with the lowest average latency times requests in flight, over all servers.",
  create: (dependencies) => new LeastResponseTime(dependencies),
} as const satisfies StrategyEntry;
