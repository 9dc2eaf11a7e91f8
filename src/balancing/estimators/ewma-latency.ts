import type { FleetView } from "../strategy.ts";
import { decayFactor } from "./decay.ts";
import { FleetMean } from "./fleet-mean.ts";
import {
  EXPIRY_TIME_CONSTANTS,
  FAILURE_LATENCY_MS,
  isObservable,
  type LatencyEstimator,
  LEAST_LATENCY_MS,
} from "./latency-estimator.ts";
import { SlotHistory } from "./slot-history.ts";

const DEFAULT_TIME_CONSTANT_MS = 3000;

/** The fleet's mean counts as this many outcomes of the server. */
const PRIOR_WEIGHT = 1;

/**
 * Mean latency with exponential forgetting: `(Σ d·x + w₀·M) / (Σ d + w₀)`, where d is the decay since the outcome x and
 * M the fleet's mean. The prior makes the warm-up and the expiry: few or old outcomes leave the estimate near M. A
 * failure counts as at least `FAILURE_LATENCY_MS`, so the estimate holds the price of the server's errors too.
 */
export class EwmaLatency implements LatencyEstimator {
  readonly #history: SlotHistory;
  readonly #fleetMean: FleetMean;
  readonly #timeConstantMs: number;
  readonly #sum: Float64Array;
  readonly #count: Float64Array;

  constructor(fleet: Pick<FleetView, "id">, timeConstantMs = DEFAULT_TIME_CONSTANT_MS) {
    this.#history = new SlotHistory(fleet);
    this.#fleetMean = new FleetMean(timeConstantMs);
    this.#timeConstantMs = timeConstantMs;
    this.#sum = new Float64Array(fleet.id.length);
    this.#count = new Float64Array(fleet.id.length);
  }

  observe(slot: number, latencyMs: number, failed: boolean, nowMs: number): void {
    if (!isObservable(latencyMs, nowMs)) return;
    this.#history.claim(slot);
    const value = Math.max(latencyMs, failed ? FAILURE_LATENCY_MS : LEAST_LATENCY_MS);
    const keep = decayFactor(this.#history.silenceMs(slot, nowMs), this.#timeConstantMs);
    this.#sum[slot] = this.#sum[slot] * keep + value;
    this.#count[slot] = this.#count[slot] * keep + 1;
    this.#history.heard(slot, nowMs);
    this.#fleetMean.observe(value, nowMs);
  }

  read(slot: number, nowMs: number): number {
    this.#history.claim(slot);
    const left = decayFactor(this.#history.silenceMs(slot, nowMs), this.#timeConstantMs);
    return (this.#sum[slot] * left + PRIOR_WEIGHT * this.#fleetMean.read()) / (this.#count[slot] * left + PRIOR_WEIGHT);
  }

  isUnknown(slot: number, nowMs: number): boolean {
    this.#history.claim(slot);
    return this.#history.isSilent(slot, nowMs, EXPIRY_TIME_CONSTANTS * this.#timeConstantMs);
  }

  onProbe(slot: number, nowMs: number): void {
    this.#history.probed(slot, nowMs);
  }
}
