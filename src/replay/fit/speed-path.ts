/**
 * How fast a server was when: the likeliest path through levels of speed, of which each may be interrupted by standstill
 * (Viterbi 1967). Every level keeps its own account of how much work each request has received on the way there, since a
 * request that began before a change is done by both speeds (per-survivor processing: Raheli et al. 1995).
 */
import { type ServiceSteps, StepKind } from "./service.ts";
import type { WorkDistribution } from "./work-distribution.ts";

/** How often things change, per millisecond. */
export interface ChangeRates {
  readonly slowing: number;
  readonly recovering: number;
  readonly pausing: number;
  readonly resuming: number;
}

/** What is known before. */
export interface SpeedModel {
  /** Work per millisecond at each level. */
  readonly speeds: readonly number[];
  /** The usual level. */
  readonly usual: number;
  readonly rates: ChangeRates;
}

/** What was found. */
export interface SpeedPath {
  /** By step: the level from it to the next; + `speeds.length` while the server stands still. */
  readonly level: Uint8Array;
  /** By request of the server's log: the work it had; NaN = not known. */
  readonly work: Float64Array;
  /** By level: requests done, and how many should have been by its speed. */
  readonly done: Float64Array;
  readonly expected: Float64Array;
}

/** Nothing is done while a server stands still; but clocks are not perfect. */
const IMPOSSIBLE = -40;
/** No step is shorter to those who count how likely a change within it is, milliseconds. */
const LEAST_MS = 0.05;

/**
 * @param distributionOf by request of the log.
 * @param weightOf likewise: how much its evidence counts.
 */
export function findSpeeds(
  steps: ServiceSteps,
  requests: number,
  model: SpeedModel,
  distributionOf: (request: number) => WorkDistribution,
  weightOf: (request: number) => number,
): SpeedPath {
  const levels = model.speeds.length;
  const states = 2 * levels;
  const { count } = steps;
  const from = new Uint8Array(Math.max(1, count) * states);
  const survivors = new Survivors(states, distributionOf, weightOf);
  let score = new Float64Array(states).fill(-10);
  let next = new Float64Array(states);
  score[model.usual] = 0;
  const costs = new Costs(model);
  const order = new Uint8Array(states);
  for (let step = 0; step < count; step++) {
    const request = steps.request[step];
    // What happens at the step, then what may change at it, then the time to the next.
    if (steps.kind[step] === StepKind.DONE) {
      for (let state = levels; state < states; state++) score[state] += IMPOSSIBLE * weightOf(request);
      survivors.addEvidenceOfDone(score, request, model.speeds);
      survivors.remove(request);
    } else if (steps.kind[step] === StepKind.BEGIN) survivors.add(request);
    const ms = step + 1 < count ? steps.atMs[step + 1] - steps.atMs[step] : 0;
    const back = from.subarray(step * states, (step + 1) * states);
    if (survivors.count === 0) {
      for (let state = 0; state < states; state++) back[state] = state; // nothing to be seen
      continue;
    }
    costs.choose(score, next, back, Math.max(ms, LEAST_MS));
    survivors.follow(back, order);
    survivors.advance(next, model.speeds, ms * steps.rate[step]);
    [score, next] = [next, score];
    level(score);
  }
  return walkBack(steps, requests, model, from, score, distributionOf, weightOf);
}

/** Follows the best path once more, from its end, and then along it. */
function walkBack(
  steps: ServiceSteps,
  requests: number,
  { speeds }: SpeedModel,
  from: Uint8Array,
  score: Float64Array,
  distributionOf: (request: number) => WorkDistribution,
  weightOf: (request: number) => number,
): SpeedPath {
  const levels = speeds.length;
  const states = 2 * levels;
  const { count } = steps;
  const path = new Uint8Array(count);
  let state = score.indexOf(Math.max(...score));
  for (let step = count - 1; step >= 0; step--) {
    path[step] = state;
    state = from[step * states + state];
  }
  const work = new Float64Array(requests).fill(Number.NaN);
  const done = new Float64Array(levels);
  const expected = new Float64Array(levels);
  const got = new Map<number, number>();
  for (let step = 0; step < count; step++) {
    const request = steps.request[step];
    if (steps.kind[step] === StepKind.BEGIN) got.set(request, 0);
    else if (steps.kind[step] === StepKind.DONE) {
      work[request] = got.get(request) ?? Number.NaN;
      got.delete(request);
      const before = step > 0 ? path[step - 1] : path[step];
      if (before < levels) done[before] += weightOf(request);
    }
    const at = path[step];
    if (at >= levels || step + 1 === count) continue;
    const received = (steps.atMs[step + 1] - steps.atMs[step]) * speeds[at] * steps.rate[step];
    for (const [served, attained] of got) {
      const distribution = distributionOf(served);
      const hazard = distribution.cumulativeHazard(attained + received) - distribution.cumulativeHazard(attained);
      expected[at] += hazard * weightOf(served);
      got.set(served, attained + received);
    }
  }
  return { level: path, work, done, expected };
}

/** Scores are only compared: the best one is 0. */
function level(score: Float64Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < score.length; i++) if (score[i] > most) most = score[i];
  for (let i = 0; i < score.length; i++) score[i] -= most;
}

/** What changes cost, as logarithms of their probability. */
class Costs {
  readonly #levels: number;
  readonly #usual: number;
  readonly #rates: ChangeRates;

  constructor({ speeds, usual, rates }: SpeedModel) {
    this.#levels = speeds.length;
    this.#usual = usual;
    this.#rates = rates;
  }

  /** For each state the best one before it, and what that comes to. */
  choose(score: Float64Array, next: Float64Array, back: Uint8Array, ms: number): void {
    const levels = this.#levels;
    const { slowing, recovering, pausing, resuming } = this.#rates;
    let best = 0;
    for (let i = 1; i < levels; i++) if (score[i] > score[best]) best = i;
    const toOther = Math.log((slowing * ms) / (levels - 1));
    const toUsual = Math.log(recovering * ms);
    const toPause = Math.log(pausing * ms);
    const toRun = Math.log(resuming * ms);
    for (let i = 0; i < levels; i++) {
      const leaving = (i === this.#usual ? slowing : recovering) + pausing;
      let value = score[i] - leaving * ms;
      let before = i;
      const jump = score[best] + (i === this.#usual ? toUsual : toOther);
      if (jump > value) {
        value = jump;
        before = best;
      }
      const resumed = score[levels + i] + toRun;
      if (resumed > value) {
        value = resumed;
        before = levels + i;
      }
      next[i] = value;
      back[i] = before;
      const stays = score[levels + i] - resuming * ms;
      const paused = score[i] + toPause;
      next[levels + i] = Math.max(stays, paused);
      back[levels + i] = paused > stays ? i : levels + i;
    }
  }
}

/** The requests in service, with what each has received by the account of every state. */
class Survivors {
  count = 0;
  readonly #states: number;
  readonly #distributionOf: (request: number) => WorkDistribution;
  readonly #weightOf: (request: number) => number;
  readonly #requests: number[] = [];
  readonly #distributions: WorkDistribution[] = [];
  readonly #weights: number[] = [];
  readonly #received: Float64Array[] = [];
  readonly #hazard: Float64Array[] = [];
  readonly #spare: Float64Array[] = [];
  readonly #copy: Float64Array;

  constructor(
    states: number,
    distributionOf: (request: number) => WorkDistribution,
    weightOf: (request: number) => number,
  ) {
    this.#states = states;
    this.#distributionOf = distributionOf;
    this.#weightOf = weightOf;
    this.#copy = new Float64Array(states);
  }

  add(request: number): void {
    this.#requests[this.count] = request;
    this.#distributions[this.count] = this.#distributionOf(request);
    this.#weights[this.count] = this.#weightOf(request);
    this.#received[this.count] = (this.#spare.pop() ?? new Float64Array(this.#states)).fill(0);
    this.#hazard[this.count++] = (this.#spare.pop() ?? new Float64Array(this.#states)).fill(0);
  }

  remove(request: number): void {
    const at = this.#requests.indexOf(request);
    this.#spare.push(this.#received[at], this.#hazard[at]);
    const last = --this.count;
    this.#requests[at] = this.#requests[last];
    this.#distributions[at] = this.#distributions[last];
    this.#weights[at] = this.#weights[last];
    this.#received[at] = this.#received[last];
    this.#hazard[at] = this.#hazard[last];
    this.#requests.length = last;
    this.#received.length = last;
    this.#hazard.length = last;
  }

  /** Adds to each running state the log of the rate at which the request is done now. */
  addEvidenceOfDone(score: Float64Array, request: number, speeds: readonly number[]): void {
    const at = this.#requests.indexOf(request);
    const received = this.#received[at];
    const distribution = this.#distributions[at];
    const weight = this.#weights[at];
    for (let state = 0; state < speeds.length; state++) {
      score[state] += weight * (Math.log(speeds[state]) + distribution.logHazard(received[state]));
    }
  }

  /** Every state goes on with the account of the one before it. */
  follow(back: Uint8Array, changed: Uint8Array): void {
    let changes = 0;
    for (let state = 0; state < this.#states; state++) if (back[state] !== state) changed[changes++] = state;
    if (changes === 0) return;
    for (let i = 0; i < this.count; i++) {
      for (const table of [this.#received[i], this.#hazard[i]]) {
        this.#copy.set(table);
        for (let k = 0; k < changes; k++) table[changed[k]] = this.#copy[back[changed[k]]];
      }
    }
  }

  /** All in service are served for `ms`: takes from each running state how unlikely it was that none was done. */
  advance(score: Float64Array, speeds: readonly number[], ms: number): void {
    for (let i = 0; i < this.count; i++) {
      const received = this.#received[i];
      const hazards = this.#hazard[i];
      const distribution = this.#distributions[i];
      const weight = this.#weights[i];
      for (let state = 0; state < speeds.length; state++) {
        const work = received[state] + speeds[state] * ms;
        const hazard = distribution.cumulativeHazard(work);
        score[state] -= (hazard - hazards[state]) * weight;
        received[state] = work;
        hazards[state] = hazard;
      }
    }
  }
}
