import type { FleetView } from "../strategy.ts";
import { decayFactor } from "./decay.ts";
import { EXPIRY_TIME_CONSTANTS, FAILURE_LATENCY_MS, isObservable, LEAST_LATENCY_MS } from "./latency-estimator.ts";
import { SlotHistory } from "./slot-history.ts";

/** How quickly `FleetRegression` forgets and how much it believes before it has seen anything. */
export interface FleetRegressionOptions {
  /** How long a server's outcomes count, milliseconds. */
  readonly forgetMs: number;
  /** How long the fleet's outcomes count for the common line, milliseconds. */
  readonly lineForgetMs: number;
  /** The fleet's line counts as this many outcomes of each server. */
  readonly priorWeight: number;
  /** Attempts without a failure that every server is credited with: one failure is little evidence. */
  readonly priorAttempts: number;
  /** The prior slope counts as so much in-flight variation (sum of squares). */
  readonly priorVariation: number;
}

/** Found with the simulator; the results hardly depend on any of them (docs/simulator.md). */
const FLEET_REGRESSION_DEFAULTS: FleetRegressionOptions = Object.freeze({
  forgetMs: 1500,
  lineForgetMs: 10_000,
  priorWeight: 1.5,
  priorAttempts: 25,
  priorVariation: 20,
});

/** Slow fleets are remembered longer: for at least so many of their mean latencies. */
const FORGET_LATENCIES = 25;
/** A failure costs at least so many mean latencies: on a slow fleet too, failing at once must not look fast. */
const FAILURE_LATENCIES = 3;
/**
 * A server that fails twice in a row is more likely to be broken than unlucky. Odds that one is, beforehand, and how
 * likely one that is not fails: the odds grow by the inverse with each failure (Bayes), and fade over so many times the
 * memory, because what was broken may be mended.
 */
const BROKEN_ODDS = 0.0001;
const CHANCE_FAILURE = 0.005;
const BROKEN_MEMORY = 2;
/** So many failures are certain enough. */
const LONGEST_STREAK = 8;
/** A server whose last attempt failed is asked again after this many times the silence that others are. */
const BROKEN_PATIENCE = 2;
/** The line keeps at least this share of its mean at k = 0, and rises by at least this share with each request. */
const LEAST_INTERCEPT = 0.1;
const LEAST_SLOPE = 0.02;

/**
 * Expected cost of a request as a function of what is in flight at the server when it comes: `f · (a + b·k) + e`.
 *
 * - The line `a + b·k` belongs to the fleet. Its slope is learned from how the latency of each server varies with that
 *   server's own in-flight around their recent means (within-server regression), so that a slow server that is always
 *   full does not pass for an effect of load. It goes through the fleet's mean latency M at its mean in-flight.
 * - The factor f belongs to the server: `f = (Σ x + w₀M) / (Σ (a + b·kᵢ) + w₀M)` over its responses (latency x, in-flight
 *   kᵢ at dispatch), with exponential forgetting. So a server that is slow because it is loaded is not taken for a slow
 *   server. w₀ and forgetting make f = 1 of the unknown and the forgotten: an abandoned server is tried again.
 * - The price of its failures e is their recent share times what one costs: at least `FAILURE_LATENCY_MS`. It is no part
 *   of f because a failure takes as long as it takes, whatever the load. Failures in a row, with no response since, are
 *   worth the probability that the server is broken.
 *
 * Times are relative to M, so the same constants serve fleets of 2 ms and of 2 s.
 */
export class FleetRegression {
  readonly #options: FleetRegressionOptions;
  readonly #history: SlotHistory;
  // Of the fleet, with exponential forgetting:
  #heardMs = Number.NEGATIVE_INFINITY;
  #count = 0;
  #fleetLatencySum = 0;
  #fleetInFlightSum = 0;
  /** Sums of squares and products of the deviations from each server's own means. */
  #variation = 0;
  #covariation = 0;
  // What follows from them:
  #mean = 1;
  #a = 1;
  #b = 1;
  #forgetMs: number;
  // Of each server, by slot, with exponential forgetting:
  readonly #attempts: Float64Array;
  readonly #failureCost: Float64Array;
  /** Failures since the last response. */
  readonly #streak: Float64Array;
  readonly #responses: Float64Array;
  readonly #latencySum: Float64Array;
  readonly #inFlightSum: Float64Array;

  constructor(fleet: Pick<FleetView, "id">, options: FleetRegressionOptions = FLEET_REGRESSION_DEFAULTS) {
    const slots = fleet.id.length;
    this.#options = options;
    this.#forgetMs = options.forgetMs;
    this.#history = new SlotHistory(fleet);
    this.#attempts = new Float64Array(slots);
    this.#failureCost = new Float64Array(slots);
    this.#streak = new Float64Array(slots);
    this.#responses = new Float64Array(slots);
    this.#latencySum = new Float64Array(slots);
    this.#inFlightSum = new Float64Array(slots);
  }

  /** The fleet's mean latency, milliseconds: what to divide by to be free of scale. */
  get meanMs(): number {
    return this.#mean;
  }

  /** Latency of an average server with nothing in flight, milliseconds. */
  get interceptMs(): number {
    return this.#a;
  }

  /** By how much one request in flight adds to it, milliseconds. */
  get slopeMs(): number {
    return this.#b;
  }

  /** @param inFlightAtDispatch what was in flight at the server when the attempt was placed, without it. */
  observe(slot: number, latencyMs: number, failed: boolean, nowMs: number, inFlightAtDispatch: number): void {
    if (!isObservable(latencyMs, nowMs)) return;
    if (this.#history.claim(slot)) this.#streak[slot] = 0;
    // Counted by several processes: it may be a little below 0 for a moment after one has died.
    const inFlight = Math.max(0, inFlightAtDispatch);
    const left = this.#left(slot, nowMs);
    const latency = Math.max(latencyMs, LEAST_LATENCY_MS);
    if (!failed) this.#fitLine(slot, latency, nowMs, inFlight, left);
    this.#attempts[slot] = this.#attempts[slot] * left + 1;
    this.#failureCost[slot] = this.#failureCost[slot] * left + (failed ? this.#priceOfFailure(latency) : 0);
    this.#streak[slot] = failed ? this.#streak[slot] + 1 : 0;
    this.#responses[slot] = this.#responses[slot] * left + (failed ? 0 : 1);
    this.#latencySum[slot] = this.#latencySum[slot] * left + (failed ? 0 : latency);
    this.#inFlightSum[slot] = this.#inFlightSum[slot] * left + (failed ? 0 : inFlight);
    this.#history.heard(slot, nowMs);
  }

  /** The server's factor f: 1 = as fast as the fleet, 2 = takes twice as long under the same load. */
  factor(slot: number, nowMs: number): number {
    this.#history.claim(slot);
    return this.#factor(slot, this.#left(slot, nowMs));
  }

  /** `factor` at the moment of the server's last outcome. */
  freshFactor(slot: number): number {
    return this.#factor(slot, 1);
  }

  /** @param left how much the server's outcomes count now. */
  #factor(slot: number, left: number): number {
    const prior = this.#options.priorWeight * this.#mean;
    const expected = this.#a * this.#responses[slot] + this.#b * this.#inFlightSum[slot];
    return (this.#latencySum[slot] * left + prior) / (expected * left + prior);
  }

  /** What the server's failures add to the expected cost of a request, milliseconds. */
  failureMs(slot: number, nowMs: number): number {
    this.#history.claim(slot);
    const streak = this.#streak[slot];
    // Nearly always there was none at all.
    if (streak === 0 && this.#failureCost[slot] === 0) return 0;
    const left = this.#left(slot, nowMs);
    const share = (this.#failureCost[slot] * left) / (this.#attempts[slot] * left + this.#options.priorAttempts);
    if (streak === 0) return share;
    const odds = BROKEN_ODDS / CHANCE_FAILURE ** Math.min(streak, LONGEST_STREAK);
    const fading = decayFactor(this.#history.silenceMs(slot, nowMs), BROKEN_MEMORY * this.#forgetMs);
    return Math.max(share, (odds / (1 + odds)) * fading * this.#priceOfFailure(0));
  }

  /** True when the server has not been heard of or probed for so long that its factor is a guess. */
  isUnknown(slot: number, nowMs: number): boolean {
    this.#history.claim(slot);
    const patience = this.#streak[slot] > 0 ? BROKEN_PATIENCE : 1;
    return this.#history.isSilent(slot, nowMs, patience * EXPIRY_TIME_CONSTANTS * this.#forgetMs);
  }

  /** A request was sent to find out: the server counts as known until it has been silent for a whole expiry again. */
  onProbe(slot: number, nowMs: number): void {
    this.#history.probed(slot, nowMs);
  }

  #priceOfFailure(latencyMs: number): number {
    return Math.max(latencyMs, FAILURE_LATENCY_MS, FAILURE_LATENCIES * this.#mean);
  }

  #left(slot: number, nowMs: number): number {
    return decayFactor(this.#history.silenceMs(slot, nowMs), this.#forgetMs);
  }

  #fitLine(slot: number, latencyMs: number, nowMs: number, inFlight: number, left: number): void {
    const keep = decayFactor(nowMs - this.#heardMs, this.#options.lineForgetMs);
    this.#heardMs = nowMs;
    this.#count = this.#count * keep + 1;
    this.#fleetLatencySum = this.#fleetLatencySum * keep + latencyMs;
    this.#fleetInFlightSum = this.#fleetInFlightSum * keep + inFlight;
    this.#variation *= keep;
    this.#covariation *= keep;

    const n = this.#responses[slot] * left;
    if (n > 0) {
      // Deviations from means that lag are too large by one factor in both sums: it cancels in their quotient.
      const trust = n / (n + 1);
      const deviation = inFlight - (this.#inFlightSum[slot] * left) / n;
      const late = latencyMs - (this.#latencySum[slot] * left) / n;
      this.#variation += trust * deviation * deviation;
      this.#covariation += (trust * deviation * late) / this.#factor(slot, left);
    }
    this.#deriveLine();
  }

  #deriveLine(): void {
    const mean = this.#fleetLatencySum / this.#count;
    const meanInFlight = this.#fleetInFlightSum / this.#count;
    // Before anything is known of the slope: latency in proportion to the requests at the server, this one included.
    const priorSlope = mean / (meanInFlight + 1);
    const weight = this.#options.priorVariation;
    const slope = (this.#covariation + weight * priorSlope) / (this.#variation + weight);
    const most = ((1 - LEAST_INTERCEPT) * mean) / Math.max(meanInFlight, 1e-9);
    this.#b = Math.min(Math.max(slope, LEAST_SLOPE * mean), most);
    this.#a = mean - this.#b * meanInFlight;
    this.#mean = mean;
    this.#forgetMs = Math.max(this.#options.forgetMs, FORGET_LATENCIES * mean);
  }
}
