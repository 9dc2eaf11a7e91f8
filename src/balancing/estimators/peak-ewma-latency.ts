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

/** Finagle's and linkerd's default decay. */
const DEFAULT_TIME_CONSTANT_MS = 10_000;

/**
 * Peak-sensitive EWMA of latency (Finagle's `PeakEwma`): a latency above the estimate replaces it at once, one below
 * pulls it down with the time constant. Two things differ from Finagle:
 *
 * - Silence leads to the fleet's mean peak, not to zero: a server that was not asked is unknown, not fast. (The mean of
 *   plain latencies would not be neutral: it is far below everybody's peaks.)
 * - Failures add `FAILURE_LATENCY_MS` × their recent share, which is the expected price of a response that has to be
 *   fetched again. One error among thousands hardly counts, a server that fails everything is avoided. They are
 *   forgotten three times as fast as peaks. A fast failure is no evidence of speed.
 */
export class PeakEwmaLatency implements LatencyEstimator {
  readonly #history: SlotHistory;
  readonly #fleetMean: FleetMean;
  readonly #timeConstantMs: number;
  /** 0 = none yet. */
  readonly #peakMs: Float64Array;
  readonly #failures: Float64Array;
  readonly #attempts: Float64Array;

  constructor(fleet: Pick<FleetView, "id">, timeConstantMs = DEFAULT_TIME_CONSTANT_MS) {
    this.#history = new SlotHistory(fleet);
    this.#fleetMean = new FleetMean(timeConstantMs);
    this.#timeConstantMs = timeConstantMs;
    this.#peakMs = new Float64Array(fleet.id.length);
    this.#failures = new Float64Array(fleet.id.length);
    this.#attempts = new Float64Array(fleet.id.length);
  }

  observe(slot: number, latencyMs: number, failed: boolean, nowMs: number): void {
    if (!isObservable(latencyMs, nowMs)) return;
    this.#claim(slot);
    const keep = decayFactor(this.#history.silenceMs(slot, nowMs), this.#timeConstantMs);
    const keepFailures = keep * keep * keep;
    this.#failures[slot] = this.#failures[slot] * keepFailures + (failed ? 1 : 0);
    this.#attempts[slot] = this.#attempts[slot] * keepFailures + 1;
    this.#history.heard(slot, nowMs);

    const peak = this.#peakMs[slot];
    if (failed && latencyMs <= (peak || this.#fleetMean.read())) return;
    const latency = Math.max(latencyMs, LEAST_LATENCY_MS);
    const next = latency > peak ? latency : peak * keep + latency * (1 - keep);
    this.#peakMs[slot] = next;
    this.#fleetMean.observe(next, nowMs);
  }

  read(slot: number, nowMs: number): number {
    this.#claim(slot);
    const left = decayFactor(this.#history.silenceMs(slot, nowMs), this.#timeConstantMs);
    const mean = this.#fleetMean.read();
    const latency = mean + ((this.#peakMs[slot] || mean) - mean) * left;
    const failureShare = (this.#failures[slot] / (this.#attempts[slot] + 1)) * left * left * left;
    return latency + failureShare * FAILURE_LATENCY_MS;
  }

  isUnknown(slot: number, nowMs: number): boolean {
    this.#claim(slot);
    return this.#history.isSilent(slot, nowMs, EXPIRY_TIME_CONSTANTS * this.#timeConstantMs);
  }

  onProbe(slot: number, nowMs: number): void {
    this.#history.probed(slot, nowMs);
  }

  #claim(slot: number): void {
    if (this.#history.claim(slot)) this.#peakMs[slot] = 0;
  }
}
