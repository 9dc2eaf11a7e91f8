/** What the learner knows of each server: statistics of its responses, and the features that models see. */
import { decayFactor } from "../../balancing/estimators/decay.ts";
import { FleetRegression } from "../../balancing/estimators/fleet-regression.ts";
import { isObservable, LEAST_LATENCY_MS } from "../../balancing/estimators/latency-estimator.ts";
import { typicalLatencyMs } from "../../balancing/request-work.ts";
import { inRange, USAGE_PERCENT } from "../../shared/ranges.ts";
import { FEATURE_NAMES, type FeatureName } from "./feature-names.ts";
import type { Outcome } from "./outcome.ts";
import { ServerCurves } from "./server-curves.ts";

/** The fleet as the learner reads it: columns by slot. */
export interface ObservedFleet {
  readonly id: Int32Array;
  readonly inFlight: Int32Array;
  /** As configured; the six-feature contract wants it. */
  readonly capacity: ArrayLike<number>;
  /** Percent, NaN = unknown. */
  readonly cpuUsagePercent: ArrayLike<number>;
  /** Percent, NaN = unknown. */
  readonly memoryUsagePercent: ArrayLike<number>;
}

/** Time constants of the latency averages, milliseconds. */
const SHORT_MS = 500;
const MEDIUM_MS = 2000;
const LONG_MS = 10_000;
/** The fleet's mean counts as so many responses in each average: few responses say little. */
const PRIOR_ANSWERS = 2;
/** Latencies kept per server for the contract's `response_p95`. */
const RECENT = 128;

/** Sums with exponential forgetting, one per slot. */
class Sums {
  readonly timeConstantMs: number;
  readonly count: Float64Array;
  readonly latency: Float64Array;

  constructor(slots: number, timeConstantMs: number) {
    this.timeConstantMs = timeConstantMs;
    this.count = new Float64Array(slots);
    this.latency = new Float64Array(slots);
  }

  add(slot: number, latencyMs: number, silenceMs: number): void {
    const left = decayFactor(silenceMs, this.timeConstantMs);
    this.count[slot] = this.count[slot] * left + 1;
    this.latency[slot] = this.latency[slot] * left + latencyMs;
  }

  clear(slot: number): void {
    this.count[slot] = 0;
    this.latency[slot] = 0;
  }
}

/** Index of a feature in rows. */
const F = Object.fromEntries(FEATURE_NAMES.map((name, index) => [name, index])) as Record<FeatureName, number>;

/** Numbers in a row of features. */
export const FEATURE_COUNT = FEATURE_NAMES.length;

/**
 * Takes in outcomes and fills rows of features (feature-names.ts). Everything fades with time, so that a server that was
 * slow an hour ago is not held to it; what is unknown is NaN for the contract's six and 0 (the fleet's mean) for ours.
 */
export class FleetFeatures {
  readonly #fleet: ObservedFleet;
  readonly #regression: FleetRegression;
  readonly #curves: ServerCurves;
  readonly #owner: Int32Array;
  readonly #heardMs: Float64Array;
  readonly #short: Sums;
  readonly #medium: Sums;
  readonly #long: Sums;
  /** Of the last two seconds or so: in-flight at dispatch, latencies squared. */
  readonly #load: Float64Array;
  readonly #squares: Float64Array;
  /** Of the last ten seconds or so, failures included. */
  readonly #attempts: Float64Array;
  readonly #failures: Float64Array;
  readonly #recent: Float32Array;
  readonly #recentCount: Int32Array;
  // Of the fleet, when `begin` was called last:
  #meanLoad = 0;
  #fleetDispatchLoad = 0;
  #fleetRate = 0;
  #fleetVariation = 0;
  #nowMs = 0;
  /** Of the server that `fillServer` was called for last. */
  #unloadedMs = 1;

  constructor(fleet: ObservedFleet) {
    const slots = fleet.id.length;
    this.#fleet = fleet;
    this.#regression = new FleetRegression(fleet);
    this.#curves = new ServerCurves(slots);
    this.#owner = new Int32Array(slots);
    this.#heardMs = new Float64Array(slots).fill(Number.NEGATIVE_INFINITY);
    this.#short = new Sums(slots, SHORT_MS);
    this.#medium = new Sums(slots, MEDIUM_MS);
    this.#long = new Sums(slots, LONG_MS);
    this.#load = new Float64Array(slots);
    this.#squares = new Float64Array(slots);
    this.#attempts = new Float64Array(slots);
    this.#failures = new Float64Array(slots);
    this.#recent = new Float32Array(slots * RECENT);
    this.#recentCount = new Int32Array(slots);
  }

  /** The fleet's mean latency M, milliseconds. */
  get meanMs(): number {
    return this.#regression.meanMs;
  }

  /**
   * One attempt ended.
   * @param inFlightAtDispatch what was in flight at the server when it was placed, without it.
   */
  observe(slot: number, latencyMs: number, failed: boolean, nowMs: number, inFlightAtDispatch: number): void {
    if (!isObservable(latencyMs, nowMs)) return;
    const inFlight = Math.max(0, inFlightAtDispatch);
    this.#claim(slot);
    this.#regression.observe(slot, latencyMs, failed, nowMs, inFlight);
    const silenceMs = nowMs - this.#heardMs[slot];
    this.#heardMs[slot] = nowMs;
    const leftLong = decayFactor(silenceMs, LONG_MS);
    this.#attempts[slot] = this.#attempts[slot] * leftLong + 1;
    this.#failures[slot] = this.#failures[slot] * leftLong + (failed ? 1 : 0);
    const count = this.#recentCount[slot]++;
    this.#recent[slot * RECENT + (count % RECENT)] = latencyMs;
    const left = decayFactor(silenceMs, MEDIUM_MS);
    this.#load[slot] *= left;
    this.#squares[slot] *= left;
    if (failed) {
      // A failure's duration says nothing of the server's speed; but time passes for what is remembered.
      for (const sums of [this.#short, this.#medium, this.#long]) {
        const fade = decayFactor(silenceMs, sums.timeConstantMs);
        sums.count[slot] *= fade;
        sums.latency[slot] *= fade;
      }
      return;
    }
    const latency = Math.max(latencyMs, LEAST_LATENCY_MS);
    this.#curves.observe(slot, latency, inFlight, this.#regression.meanMs, nowMs);
    const unloaded = latency / this.#curves.growth(slot, inFlight);
    this.#short.add(slot, unloaded, silenceMs);
    this.#medium.add(slot, unloaded, silenceMs);
    this.#long.add(slot, unloaded, silenceMs);
    this.#load[slot] += inFlight;
    this.#squares[slot] += unloaded * unloaded;
  }

  /**
   * What a mean request would have taken in the place of one that took `latencyMs`: what features are of.
   * @param inFlight at the server when it was sent there, without it.
   * @param ownWork what it was expected to cost, and each of those that were there, in mean requests (request-work.ts).
   */
  typicalMs(slot: number, latencyMs: number, inFlight: number, ownWork: number, othersWork: number): number {
    if (ownWork === 1 && othersWork === 1) return latencyMs;
    this.#claim(slot);
    return typicalLatencyMs(latencyMs, this.#curves.growth(slot, Math.max(0, inFlight)), ownWork, othersWork);
  }

  /** The same of an outcome. Of a failure it is the time that it took: that was no work. */
  typicalMsOf({ slot, latencyMs, inFlight, failed, work }: Outcome): number {
    if (work === undefined || failed) return latencyMs;
    return this.typicalMs(slot, latencyMs, inFlight, work.own, work.others);
  }

  /** What was seen here of the size and the speed of the server in `slot`, for others (`ServerCurves.evidence`). */
  evidence(slot: number, nowMs: number, nats: Float64Array): number {
    this.#claim(slot);
    return this.#curves.evidence(slot, nowMs, nats);
  }

  /** What others have seen of it (`ServerCurves.hear`). */
  hear(slot: number, nats: Float64Array | null, ratio: number): void {
    this.#claim(slot);
    this.#curves.hear(slot, nats, ratio);
  }

  /** Begins a round of rows at one moment: works out what all of them need of the fleet in `slots[0 … count)`. */
  begin(slots: ArrayLike<number>, count: number, nowMs: number): void {
    this.#nowMs = nowMs;
    let load = 0;
    let dispatched = 0;
    let answers = 0;
    let latency = 0;
    let squares = 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i];
      this.#claim(slot);
      load += Math.max(0, this.#fleet.inFlight[slot]);
      const left = decayFactor(nowMs - this.#heardMs[slot], MEDIUM_MS);
      answers += this.#medium.count[slot] * left;
      latency += this.#medium.latency[slot] * left;
      dispatched += this.#load[slot] * left;
      squares += this.#squares[slot] * left;
    }
    this.#curves.begin(slots, count, nowMs);
    this.#meanLoad = count > 0 ? load / count : 0;
    this.#fleetDispatchLoad = answers > 0 ? dispatched / answers : 0;
    this.#fleetRate = count > 0 ? answers / count : 0;
    this.#fleetVariation = variation(answers, latency, squares);
  }

  /** Writes the features of a server into `row[at … at + FEATURE_COUNT)`, those of load left out: `fillLoad` adds them. */
  fillServer(slot: number, row: Float64Array, at: number): void {
    const fleet = this.#fleet;
    const regression = this.#regression;
    const nowMs = this.#nowMs;
    const mean = regression.meanMs;
    const silenceMs = nowMs - this.#heardMs[slot];
    const left = decayFactor(silenceMs, MEDIUM_MS);
    const answers = this.#medium.count[slot] * left;
    const attempts = this.#attempts[slot];

    row[at + F.cpu_usage] = percent(fleet.cpuUsagePercent[slot]);
    row[at + F.memory_usage] = percent(fleet.memoryUsagePercent[slot]);
    row[at + F.error_rate] = attempts > 0 ? this.#failures[slot] / attempts : 0;
    row[at + F.capacity] = fleet.capacity[slot];
    row[at + F.log_factor] = Math.log(regression.factor(slot, nowMs));
    this.#curves.select(slot);
    this.#unloadedMs = this.#curves.expectedMs(0);
    const unloadedMs = this.#curves.fleetUnloadedMs;
    row[at + F.log_unloaded_500ms] = this.#logUnloaded(this.#short, slot, silenceMs, unloadedMs);
    row[at + F.log_unloaded_2s] = this.#logUnloaded(this.#medium, slot, silenceMs, unloadedMs);
    row[at + F.log_unloaded_10s] = this.#logUnloaded(this.#long, slot, silenceMs, unloadedMs);
    const ownLoad = (this.#load[slot] * left + PRIOR_ANSWERS * this.#fleetDispatchLoad) / (answers + PRIOR_ANSWERS);
    row[at + F.log_dispatch_load] = Math.log((ownLoad + 1) / (this.#fleetDispatchLoad + 1));
    row[at + F.log_silence] = Math.log1p(Math.min(silenceMs, LONG_MS * 3) / mean);
    row[at + F.log_request_share] = Math.log((answers + 1) / (this.#fleetRate + 1));
    const failureMs = regression.failureMs(slot, nowMs);
    row[at + F.failure_share] = failureMs / (failureMs + mean);
    row[at + F.log_answers] = Math.log1p(answers);
    const spread = variation(answers, this.#medium.latency[slot] * left, this.#squares[slot] * left);
    row[at + F.relative_variation] = (spread - this.#fleetVariation) * (answers / (answers + 4 * PRIOR_ANSWERS));
    row[at + F.log_fleet_load] = Math.log1p(this.#meanLoad);
  }

  /** Adds, to the row of the server that `fillServer` was called for last, what depends on the number in flight there. */
  fillLoad(slot: number, inFlight: number, row: Float64Array, at: number): void {
    const regression = this.#regression;
    row[at + F.active_conns] = inFlight;
    row[at + F.log_expected] = Math.log(this.expectedMs(slot, inFlight) / regression.meanMs);
    const curveMs = this.#curves.expectedMs(inFlight);
    row[at + F.log_curve] = Math.log(curveMs / regression.meanMs);
    row[at + F.log_curve_rise] = Math.log(curveMs / this.#unloadedMs);
    row[at + F.log_load] = Math.log1p(inFlight);
    row[at + F.log_relative_load] = Math.log((inFlight + 1) / (this.#meanLoad + 1));
  }

  /** The estimator's d(k): the latency to expect with `inFlight` at the server, milliseconds. */
  expectedMs(slot: number, inFlight: number): number {
    const { interceptMs, slopeMs } = this.#regression;
    return this.#regression.factor(slot, this.#nowMs) * (interceptMs + slopeMs * inFlight);
  }

  /** Adds `response_p95`, milliseconds, for the models that want it: sorting costs more than all the rest. */
  fillP95(slot: number, row: Float64Array, at: number): void {
    const count = Math.min(this.#recentCount[slot], RECENT);
    const values = this.#recent.slice(slot * RECENT, slot * RECENT + count).sort();
    row[at + F.response_p95] = count === 0 ? Number.NaN : values[Math.min(count - 1, Math.floor(0.95 * count))];
  }

  #logUnloaded(sums: Sums, slot: number, silenceMs: number, mean: number): number {
    const left = decayFactor(silenceMs, sums.timeConstantMs);
    const average = (sums.latency[slot] * left + PRIOR_ANSWERS * mean) / (sums.count[slot] * left + PRIOR_ANSWERS);
    return Math.log(average / mean);
  }

  /** A slot that went to another server begins afresh. */
  #claim(slot: number): void {
    const id = this.#fleet.id[slot];
    if (this.#owner[slot] === id) return;
    this.#owner[slot] = id;
    this.#heardMs[slot] = Number.NEGATIVE_INFINITY;
    for (const sums of [this.#short, this.#medium, this.#long]) sums.clear(slot);
    this.#curves.clear(slot);
    this.#load[slot] = 0;
    this.#squares[slot] = 0;
    this.#attempts[slot] = 0;
    this.#failures[slot] = 0;
    this.#recentCount[slot] = 0;
  }
}

/** What cannot be true is unknown. More than all is all: models have seen nothing beyond. */
function percent(value: number): number {
  return inRange(value, USAGE_PERCENT) ? Math.min(value, 100) : Number.NaN;
}

/** Coefficient of variation from count, sum and sum of squares; 0 where there is too little. */
function variation(count: number, sum: number, squares: number): number {
  if (count < 2 || sum <= 0) return 0;
  const mean = sum / count;
  return Math.sqrt(Math.max(0, squares / count - mean * mean)) / mean;
}
