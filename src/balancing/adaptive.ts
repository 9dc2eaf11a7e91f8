import { Choice, type ChoiceNotes, Scale } from "./choice.ts";
import { crowdFactor } from "./crowd.ts";
import { FleetRegression } from "./estimators/fleet-regression.ts";
import { classCost, othersWork, type RequestWork, typicalLatencyMs } from "./request-work.ts";
import { StallWatch, stallFactor } from "./stall-watch.ts";
import type { FleetView, Strategy, StrategyDependencies, StrategyEntry } from "./strategy.ts";

/** Factors fade over seconds; reading them anew for every server and pick would cost more than all the rest. */
const REFRESH_MS = 10;

/**
 * The least `d(inFlight) · stall · √crowd / effectiveWeight` over all candidates, ties at random with equal chances. It
 * needs no weights: speed and size show in the responses. An idle server of which nothing is known gets one request.
 *
 * - `d` is the latency to expect, as `FleetRegression` learns it from the responses.
 * - `stall` is above 1 for servers that have fallen silent (`StallWatch`).
 * - `crowd` counts the requests there, because `d` is fitted where servers have been and says little of what is beyond,
 *   nor of what this request does to those that come after it. It counts what this balancer itself waits for, and what
 *   others sent only by a tenth: their number may be old, and to follow an old number together is how herds form.
 */
export class Adaptive implements Strategy {
  readonly #fleet: FleetView;
  readonly #random: () => number;
  readonly #regression: FleetRegression;
  readonly #stalls: StallWatch;
  /** By slot: what the regression says, at most `REFRESH_MS` old. Outcomes enter at once. */
  readonly #factor: Float64Array;
  /** By slot: what the server's failures add to the expected cost of a request, milliseconds. Others only read it. */
  readonly failureMs: Float64Array;
  /** By slot: what the last choice went by. */
  readonly #scores: Float64Array;
  #nowMs = 0;
  #refreshAtMs = Number.NEGATIVE_INFINITY;
  /** The last choice was one of which nothing is known. */
  #probed = false;

  /** @param stalls one that is shared with another strategy that places requests too; see `choose`. */
  constructor({ fleet, random }: StrategyDependencies, stalls = new StallWatch(fleet)) {
    this.#fleet = fleet;
    this.#random = random;
    this.#regression = new FleetRegression(fleet);
    this.#stalls = stalls;
    this.#factor = new Float64Array(fleet.id.length).fill(1);
    this.failureMs = new Float64Array(fleet.id.length);
    this.#scores = new Float64Array(fleet.id.length);
  }

  onCandidates(candidates: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#read(candidates[i], this.#nowMs);
    this.#refreshAtMs = this.#nowMs;
  }

  pick(candidates: Int32Array, count: number, _key: number, nowMs: number, requestClass = 0): number {
    const unknown = this.unknown(candidates, count, nowMs);
    this.#probed = unknown >= 0;
    const slot = this.#probed ? unknown : this.choose(candidates, count, nowMs, requestClass);
    this.#stalls.onPick(slot, nowMs);
    return slot;
  }

  explain(
    candidates: Int32Array,
    count: number,
    _key: number,
    nowMs: number,
    _slot: number,
    notes: ChoiceNotes,
    requestClass = 0,
  ): void {
    this.explainChoice(this.#probed ? Choice.PROBE : Choice.BEST, candidates, count, nowMs, notes, requestClass);
  }

  /** As `explain`, of a choice that `choose` has made, or `unknown` (`Choice.PROBE`). */
  explainChoice(
    choice: Choice,
    candidates: Int32Array,
    count: number,
    nowMs: number,
    notes: ChoiceNotes,
    requestClass = 0,
  ): void {
    // Nothing was compared for a probe: what would have been.
    if (choice === Choice.PROBE) this.#compare(candidates, count, nowMs, requestClass);
    const { scores } = notes;
    for (let i = 0; i < count; i++) scores[candidates[i]] = this.#scores[candidates[i]];
    notes.made(choice, Scale.EXPECTED);
    notes.ranked(candidates, count);
  }

  onPlaced(slot: number, nowMs: number): void {
    this.#stalls.onPick(slot, nowMs);
  }

  /** An idle server of which nothing is known, to be asked now to find out; -1 = none, or it is too soon to look again. */
  unknown(candidates: Int32Array, count: number, nowMs: number): number {
    return nowMs >= this.#refreshAtMs ? this.#refresh(candidates, count, nowMs) : -1;
  }

  /** The latency to expect of the server at its present load, milliseconds; its failures count with their price. */
  expectedMs(slot: number): number {
    const { interceptMs, slopeMs } = this.#regression;
    return this.#factor[slot] * (interceptMs + slopeMs * this.#fleet.inFlight[slot]) + this.failureMs[slot];
  }

  /** The best of the candidates, without placing the request: `pick` does both. */
  choose(candidates: Int32Array, count: number, nowMs: number, requestClass = 0): number {
    const { inFlight, effectiveWeight, work } = this.#fleet;
    if (work !== undefined) {
      this.#compareWork(work, candidates, count, nowMs, requestClass);
      return this.#least(candidates, count);
    }
    const { silentSinceMs, clockOffsetMs } = this.#stalls;
    const a = this.#regression.interceptMs;
    const b = this.#regression.slopeMs;
    let best = candidates[0];
    let least = Number.POSITIVE_INFINITY;
    let ties = 1;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      const expectedMs = this.#factor[slot] * (a + b * inFlight[slot]) + this.failureMs[slot];
      const waiting = this.#stalls.waiting(slot);
      const stall = stallFactor(nowMs + clockOffsetMs - silentSinceMs[slot], waiting, expectedMs);
      const score = (expectedMs * stall * crowdFactor(waiting, inFlight[slot])) / effectiveWeight[slot];
      this.#scores[slot] = score;
      if (score > least) continue;
      if (score < least) {
        least = score;
        best = slot;
        ties = 1;
      } else if (this.#random() * ++ties < 1) {
        best = slot;
      }
    }
    return best;
  }

  onOutcome(
    slot: number,
    latencyMs: number,
    failed: boolean,
    nowMs: number,
    inFlightAtDispatch?: number,
    ownWork = 1,
    others = 1,
  ): void {
    const inFlight = inFlightAtDispatch ?? this.#fleet.inFlight[slot];
    const { interceptMs, slopeMs } = this.#regression;
    const growth = 1 + (slopeMs * Math.max(0, inFlight)) / interceptMs;
    const isTypical = failed || (ownWork === 1 && others === 1);
    const typicalMs = isTypical ? latencyMs : typicalLatencyMs(latencyMs, growth, ownWork, others);
    this.#regression.observe(slot, typicalMs, failed, nowMs, inFlight);
    this.#factor[slot] = this.#regression.freshFactor(slot);
    this.failureMs[slot] = this.#regression.failureMs(slot, nowMs);
    this.#stalls.onOutcome(slot, nowMs);
  }

  onStandstill(fromMs: number, untilMs: number): void {
    this.#stalls.onStandstill(fromMs, untilMs);
  }

  /** Fills the scores as `choose` does, whose loop would be slower by half if it called this. */
  #compare(candidates: Int32Array, count: number, nowMs: number, requestClass: number): void {
    const { inFlight, effectiveWeight, work } = this.#fleet;
    if (work !== undefined) {
      this.#compareWork(work, candidates, count, nowMs, requestClass);
      return;
    }
    const { silentSinceMs, clockOffsetMs } = this.#stalls;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      const expectedMs = this.expectedMs(slot);
      const waiting = this.#stalls.waiting(slot);
      const stall = stallFactor(nowMs + clockOffsetMs - silentSinceMs[slot], waiting, expectedMs);
      this.#scores[slot] = (expectedMs * stall * crowdFactor(waiting, inFlight[slot])) / effectiveWeight[slot];
    }
  }

  /** As `#compare`, for a request of a class: see request-work.ts. */
  #compareWork(work: RequestWork, candidates: Int32Array, count: number, nowMs: number, requestClass: number): void {
    const { inFlight, effectiveWeight, id } = this.#fleet;
    const { silentSinceMs, clockOffsetMs } = this.#stalls;
    const { interceptMs, slopeMs } = this.#regression;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      const factor = this.#factor[slot];
      const load = slopeMs * inFlight[slot] * othersWork(work.inFlight[slot], inFlight[slot]);
      const typicalMs = factor * (interceptMs + load) + this.failureMs[slot];
      const expectedMs = typicalMs + (classCost(work, slot, id[slot], requestClass) - 1) * factor * interceptMs;
      const waiting = this.#stalls.waiting(slot);
      const stall = stallFactor(nowMs + clockOffsetMs - silentSinceMs[slot], waiting, typicalMs);
      this.#scores[slot] = (expectedMs * stall * crowdFactor(waiting, inFlight[slot])) / effectiveWeight[slot];
    }
  }

  /** Who has the least of the scores, ties at random with equal chances. */
  #least(candidates: Int32Array, count: number): number {
    let best = candidates[0];
    let least = this.#scores[best];
    let ties = 1;
    for (let i = 1; i < count; i++) {
      const slot = candidates[i];
      const score = this.#scores[slot];
      if (score > least) continue;
      if (score < least) {
        least = score;
        best = slot;
        ties = 1;
      } else if (this.#random() * ++ties < 1) best = slot;
    }
    return best;
  }

  #read(slot: number, nowMs: number): void {
    this.#factor[slot] = this.#regression.factor(slot, nowMs);
    this.failureMs[slot] = this.#regression.failureMs(slot, nowMs);
  }

  /** Reads all factors. Returns an idle server of which nothing is known, to be picked now, or -1. */
  #refresh(candidates: Int32Array, count: number, nowMs: number): number {
    this.#nowMs = nowMs;
    this.#refreshAtMs = nowMs + REFRESH_MS;
    let unknown = -1;
    let found = 0;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      this.#read(slot, nowMs);
      if (this.#fleet.inFlight[slot] > this.#stalls.transferring[slot] || !this.#regression.isUnknown(slot, nowMs))
        continue;
      if (this.#random() * ++found < 1) unknown = slot;
    }
    if (unknown >= 0) this.#regression.onProbe(unknown, nowMs);
    return unknown;
  }
}

/** How configuration and documentation know it. */
export const adaptive = {
  name: "adaptive",
  description: "The server with the lowest latency expected from its speed and load, both learned from answers.",
  create: (dependencies) => new Adaptive(dependencies),
} as const satisfies StrategyEntry;
