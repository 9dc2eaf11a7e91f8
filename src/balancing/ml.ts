import { CLASSES } from "../shared/memory/layout/classes.ts";
import {
  DecisionArm,
  type LearnedTable,
  LearnerFigure,
  LearnerWord,
  packCandidate,
  Rung,
  SCORE_COLUMNS,
  STALE_TABLE_MS,
  TABLE_COPIES,
} from "../shared/memory/layout/learning.ts";
import { Adaptive } from "./adaptive.ts";
import { Choice, type ChoiceNotes, Scale } from "./choice.ts";
import { crowdFactor } from "./crowd.ts";
import { othersWork, type RequestWork } from "./request-work.ts";
import { columnOf } from "./score-columns.ts";
import { StallWatch, stallFactor } from "./stall-watch.ts";
import type { Decision, DecisionLog, FleetView, Strategy, StrategyDependencies, StrategyEntry } from "./strategy.ts";
import { WeightedRoundRobin } from "./weighted-round-robin.ts";

/** `#score` found a place, or one of these. */
const TIED = -1;
const MISSING = -2;

/** One of the two tables of costs, as it was when it was last looked at. */
class Table {
  readonly #learned: LearnedTable;
  readonly #model: number;
  readonly #slots: number;
  readonly #word: number;
  sequence = 0;
  #seenMs = Number.NEGATIVE_INFINITY;
  /** First row of the complete copy. */
  row = 0;

  constructor(learned: LearnedTable, model: number, slots: number) {
    this.#learned = learned;
    this.#model = model;
    this.#slots = slots;
    this.#word = model === 0 ? LearnerWord.CHAMPION_TABLE : LearnerWord.CANARY_TABLE;
  }

  /** True while it can be believed. Its age is counted from when a new one was seen, which needs no other clock. */
  look(nowMs: number): boolean {
    const sequence = this.#learned.words[this.#word];
    if (sequence !== this.sequence) {
      this.sequence = sequence;
      this.#seenMs = nowMs;
      this.row = (this.#model * TABLE_COPIES + (sequence & 1)) * this.#slots;
    }
    return nowMs - this.#seenMs <= STALE_TABLE_MS;
  }

  /** True when the table holds costs, in which what is in flight counts but the crowd does not yet. */
  get crowded(): boolean {
    return this.#learned.words[this.#model === 0 ? LearnerWord.CHAMPION_COSTS : LearnerWord.CANARY_COSTS] === 1;
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * The least learned cost at the present load, over all candidates: what the learner's model expects of each server with
 * so many requests in flight is looked up in its table, then multiplied as in `Adaptive` by the stall term and the crowd,
 * and divided by the weight. Ties at random with equal chances. The price of failures is added from what this worker has
 * seen itself, because a table that comes a moment later would let a server that fails at once fail dozens of requests.
 *
 * - Nothing is inferred here. A table that is missing or stale, or lacks a candidate, is not used: the estimator
 *   (`Adaptive`) takes its place at once.
 * - The learner may order the estimator or `weighted_round_robin` itself (`Rung`), and set shares of the requests that
 *   are placed by the next policy below or by a candidate model, so that they can be compared on the same traffic.
 * - A server that was not heard of for long gets one request, whatever the table says (`Adaptive.unknown`).
 * - Where requests have classes, the table's cost of an idle server counts as often as the request is expected to cost, and
 *   what the load adds to it as often as those that are there do (request-work.ts).
 */
export class Ml implements Strategy {
  readonly #fleet: FleetView;
  readonly #random: () => number;
  readonly #learned: LearnedTable | undefined;
  readonly #decisions: DecisionLog | undefined;
  readonly #stalls: StallWatch;
  readonly #estimator: Adaptive;
  readonly #floor: WeightedRoundRobin;
  readonly #champion: Table | undefined;
  readonly #canary: Table | undefined;
  readonly #placed = new Int32Array(1);
  /** The last choice, for the log. */
  readonly #decision: Writable<Decision>;
  /** It was the second best one, on purpose. */
  #explored = false;

  constructor(dependencies: StrategyDependencies) {
    const { fleet, random, learned, decisions } = dependencies;
    this.#fleet = fleet;
    this.#random = random;
    this.#learned = learned;
    this.#decisions = decisions;
    this.#stalls = new StallWatch(fleet);
    this.#estimator = new Adaptive(dependencies, this.#stalls);
    this.#floor = new WeightedRoundRobin(dependencies);
    const slots = fleet.id.length;
    this.#champion = learned && new Table(learned, 0, slots);
    this.#canary = learned && new Table(learned, 1, slots);
    this.#decision = {
      slot: -1,
      arm: DecisionArm.CHAMPION,
      rung: Rung.ESTIMATOR,
      propensity: 1,
      table: 0,
      candidates: new Int32Array(0),
      count: 0,
      loads: new Int32Array(slots),
      scores: new Float64Array(slots),
      nowMs: 0,
    };
  }

  onCandidates(candidates: Int32Array, count: number): void {
    this.#estimator.onCandidates(candidates, count);
    this.#floor.onCandidates(candidates, count);
  }

  pick(candidates: Int32Array, count: number, _key: number, nowMs: number, requestClass = 0): number {
    let arm: DecisionArm = DecisionArm.PROBE;
    let rung: Rung = Rung.ESTIMATOR;
    let propensity = 1;
    let sequence = 0;
    let draw = 1;
    let slot = this.#estimator.unknown(candidates, count, nowMs);
    if (slot < 0) {
      arm = DecisionArm.CHAMPION;
      if (this.#learned !== undefined) {
        const { words, figures } = this.#learned;
        rung = words[LearnerWord.RUNG] as Rung;
        draw = this.#random();
        const control = rung === Rung.FLOOR ? 0 : figures[LearnerFigure.CONTROL_SHARE];
        const shares = control + figures[LearnerFigure.CANARY_SHARE];
        if (draw < control) {
          arm = DecisionArm.CONTROL;
          rung++;
        } else if (draw < shares) {
          arm = DecisionArm.CANARY;
          rung = Rung.MODEL;
        }
        // What is left of the draw is uniform again: one number decides it all.
        else draw = (draw - shares) / (1 - shares);
      }
      if (rung === Rung.MODEL) {
        const table = arm === DecisionArm.CANARY ? this.#canary : this.#champion;
        const best = table?.look(nowMs) ? this.#score(table, candidates, count, nowMs, requestClass) : MISSING;
        if (best !== MISSING) {
          sequence = table!.sequence;
          // With a single candidate there is no second best.
          const share =
            arm === DecisionArm.CHAMPION && count > 1 ? this.#learned!.figures[LearnerFigure.SECOND_SHARE] : 0;
          const explores = draw < share;
          this.#explored = explores;
          slot = candidates[explores ? this.#secondBest(count) : best === TIED ? this.#best(count) : best];
          propensity = explores ? share : 1 - share;
        } else rung = Rung.ESTIMATOR;
      }
      if (rung === Rung.ESTIMATOR) slot = this.#estimator.choose(candidates, count, nowMs, requestClass);
      else if (rung === Rung.FLOOR) slot = this.#floor.pick(candidates, count);
    }
    this.#stalls.onPick(slot, nowMs);
    const decision = this.#decision;
    decision.arm = arm;
    decision.rung = rung;
    if (this.#decisions !== undefined) {
      decision.slot = slot;
      decision.propensity = propensity;
      decision.table = sequence;
      decision.candidates = candidates;
      decision.count = count;
      decision.nowMs = nowMs;
      this.#decisions.record(decision);
    }
    return slot;
  }

  /** As the policy says that chose: the model's table, the estimator, or weighted round robin. */
  explain(
    candidates: Int32Array,
    count: number,
    key: number,
    nowMs: number,
    slot: number,
    notes: ChoiceNotes,
    requestClass = 0,
  ): void {
    const { arm, rung, scores } = this.#decision;
    if (rung === Rung.FLOOR) this.#floor.explain(candidates, count, key, nowMs, slot, notes);
    else if (rung === Rung.ESTIMATOR) {
      const choice = arm === DecisionArm.PROBE ? Choice.PROBE : Choice.BEST;
      this.#estimator.explainChoice(choice, candidates, count, nowMs, notes, requestClass);
    } else {
      for (let i = 0; i < count; i++) notes.scores[candidates[i]] = scores[i];
      notes.made(this.#explored ? Choice.SECOND_BEST : Choice.BEST, Scale.MODEL);
      notes.ranked(candidates, count);
    }
  }

  /** It is learned from as any other, and counts for no policy. */
  onPlaced(slot: number, nowMs: number): void {
    this.#estimator.onPlaced(slot, nowMs);
    this.#placed[0] = slot;
    const decision = this.#decision;
    decision.slot = slot;
    decision.arm = DecisionArm.PROBE;
    decision.rung = Rung.ESTIMATOR;
    decision.propensity = 1;
    decision.table = 0;
    decision.candidates = this.#placed;
    decision.count = 1;
    decision.nowMs = nowMs;
    this.#decisions?.record(decision);
  }

  onOutcome(
    slot: number,
    latencyMs: number,
    failed: boolean,
    nowMs: number,
    inFlightAtDispatch?: number,
    ownWork?: number,
    others?: number,
  ): void {
    this.#estimator.onOutcome(slot, latencyMs, failed, nowMs, inFlightAtDispatch, ownWork, others);
  }

  onStandstill(fromMs: number, untilMs: number): void {
    this.#estimator.onStandstill(fromMs, untilMs);
  }

  /** Requests in flight per server that other balancers told of. */
  #meanTold(candidates: Int32Array, count: number): number {
    let told = 0;
    for (let i = 0; i < count; i++) told += this.#fleet.inFlight[candidates[i]] - this.#stalls.waiting(candidates[i]);
    return Math.max(0, Math.round(told / count));
  }

  /**
   * Fills the decision's loads and scores from the table. Returns the place of the least score, `TIED` when some were equal
   * on the way to it, `MISSING` when a candidate is not in the table yet.
   *
   * It is the longest part of placing a request, so it calls nothing that the compiler would not take in: one call that
   * stays makes it load every array anew for each candidate.
   */
  #score(table: Table, candidates: Int32Array, count: number, nowMs: number, requestClass: number): number {
    const { inFlight, effectiveWeight, id, work } = this.#fleet;
    if (work !== undefined && table.crowded) {
      return this.#scoreWork(work, table, candidates, count, nowMs, requestClass);
    }
    const { cost, rowId } = this.#learned!;
    const { row, crowded } = table;
    const { loads, scores } = this.#decision;
    const stalls = this.#stalls;
    const { together, transferring, silentSinceMs } = stalls;
    const live = together && stalls.peers === undefined;
    const now = nowMs + stalls.clockOffsetMs;
    const { failureMs } = this.#estimator;
    // What others told may be old: it counts on average, because to follow an old number together is how herds form.
    const told = together ? 0 : this.#meanTold(candidates, count);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    let tied = false;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      const at = row + slot;
      if (rowId[at] !== id[slot]) return MISSING;
      const own = live ? Math.max(0, inFlight[slot] - transferring[slot]) : stalls.waiting(slot);
      const all = together ? Math.max(0, inFlight[slot]) : own + told;
      let score = cost[at * SCORE_COLUMNS + columnOf(all)];
      if (crowded) {
        score += failureMs[slot];
        score *= stallFactor(now - silentSinceMs[slot], own, score);
        if (all > 0) score *= crowdFactor(own, all);
      } else if (own > 0) score *= stallFactor(now - silentSinceMs[slot], own, this.#estimator.expectedMs(slot));
      const weight = effectiveWeight[slot];
      if (weight !== 1) score /= weight;
      loads[i] = packCandidate(slot, all, own);
      scores[i] = score;
      if (score > least) continue;
      if (score === least) tied = true;
      least = score;
      best = i;
    }
    return tied ? TIED : best;
  }

  /** As `#score`, of a table of costs, for a request of a class. */
  #scoreWork(
    work: RequestWork,
    table: Table,
    candidates: Int32Array,
    count: number,
    nowMs: number,
    requestClass: number,
  ): number {
    const { inFlight, effectiveWeight, id } = this.#fleet;
    const { cost, rowId } = this.#learned!;
    const { row } = table;
    const { loads, scores } = this.#decision;
    const stalls = this.#stalls;
    const { together, transferring, silentSinceMs } = stalls;
    const live = together && stalls.peers === undefined;
    const now = nowMs + stalls.clockOffsetMs;
    const { failureMs } = this.#estimator;
    const told = together ? 0 : this.#meanTold(candidates, count);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    let tied = false;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      const at = row + slot;
      if (rowId[at] !== id[slot]) return MISSING;
      const own = live ? Math.max(0, inFlight[slot] - transferring[slot]) : stalls.waiting(slot);
      const all = together ? Math.max(0, inFlight[slot]) : own + told;
      const present = cost[at * SCORE_COLUMNS + columnOf(all)];
      // Where a model says that load makes a server faster, there is nothing to be multiplied by the others' work.
      const idle = Math.min(cost[at * SCORE_COLUMNS], present);
      const ownWork = work.costId[slot] === id[slot] ? work.cost[slot * CLASSES + requestClass] : 1;
      const typical = idle + (present - idle) * othersWork(work.inFlight[slot], inFlight[slot]) + failureMs[slot];
      let score = typical + (ownWork - 1) * idle;
      score *= stallFactor(now - silentSinceMs[slot], own, typical);
      if (all > 0) score *= crowdFactor(own, all);
      const weight = effectiveWeight[slot];
      if (weight !== 1) score /= weight;
      loads[i] = packCandidate(slot, all, own);
      scores[i] = score;
      if (score > least) continue;
      if (score === least) tied = true;
      least = score;
      best = i;
    }
    return tied ? TIED : best;
  }

  /** Place of the least score, ties at random with equal chances. */
  #best(count: number): number {
    const { scores } = this.#decision;
    let best = 0;
    let least = scores[0];
    let ties = 1;
    for (let i = 1; i < count; i++) {
      const score = scores[i];
      if (score > least) continue;
      if (score < least) {
        least = score;
        best = i;
        ties = 1;
      } else if (this.#random() * ++ties < 1) best = i;
    }
    return best;
  }

  /** Place of the score behind the least one, which is found as `#best` does. There are two candidates at least. */
  #secondBest(count: number): number {
    const { scores } = this.#decision;
    let best = 0;
    let second = -1;
    let least = scores[0];
    let next = Number.POSITIVE_INFINITY;
    let ties = 1;
    for (let i = 1; i < count; i++) {
      const score = scores[i];
      if (score < least) {
        next = least;
        second = best;
        least = score;
        best = i;
        ties = 1;
      } else if (score === least && this.#random() * ++ties < 1) {
        next = score;
        second = best;
        best = i;
      } else if (score < next) {
        next = score;
        second = i;
      }
    }
    return second >= 0 ? second : best; // where no other score is a finite number
  }
}

/** How configuration and documentation know it. */
export const ml = {
  name: "ml",
  description: "The server with the lowest cost expected by a model that learns from answers while it serves.",
  create: (dependencies) => new Ml(dependencies),
} as const satisfies StrategyEntry;
