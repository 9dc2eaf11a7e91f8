/** `ml` in the simulator: the product's strategy with a learner beside it, on simulated time. */
import { Ml } from "../balancing/ml.ts";
import type { FleetView, Strategy, StrategyDependencies } from "../balancing/strategy.ts";
import { FleetFeatures } from "../learning/features/fleet-features.ts";
import { JUDGE_DEFAULTS } from "../learning/judge/options.ts";
import type { Network } from "../learning/models/network.ts";
import { NetworkTable } from "../learning/serving/network-table.ts";
import { columnsFor } from "../learning/serving/score-table.ts";
import { SERVING_DEFAULTS } from "../learning/serving/serving-defaults.ts";
import { TableModel, TableWriter } from "../learning/serving/table-writer.ts";
import {
  type LearnedTable,
  LearnerFigure,
  LearnerWord,
  SCORE_COLUMNS,
  TABLE_COPIES,
  TABLE_MODELS,
} from "../shared/memory/layout/learning.ts";

/** How the simulated learner works. */
export interface SimulatedLearnerOptions {
  /** From one table to the next, milliseconds. */
  readonly periodMs: number;
  /** As `LearnerFigure` has them. */
  readonly controlShare: number;
  readonly secondShare: number;
}

/** As the product does it. */
export const PRODUCT_LEARNER: SimulatedLearnerOptions = Object.freeze({
  periodMs: SERVING_DEFAULTS.tableMs,
  controlShare: JUDGE_DEFAULTS.guardrail.controlShare,
  secondShare: SERVING_DEFAULTS.secondShare,
});

/** What the balancers of one instance have in common: what is known of the servers, and the table made of it. */
class InstanceLearner {
  readonly fleet: FleetView;
  readonly learned: LearnedTable;
  readonly features: FleetFeatures;
  readonly #periodMs: number;
  readonly #table: NetworkTable;
  readonly #writer: TableWriter;
  #dueMs = 0;

  constructor(fleet: FleetView, network: Network, options: SimulatedLearnerOptions) {
    const slots = fleet.id.length;
    this.fleet = fleet;
    this.learned = {
      words: new Int32Array(LearnerWord.LENGTH),
      figures: new Float64Array(LearnerFigure.LENGTH),
      rowId: new Int32Array(TABLE_MODELS * TABLE_COPIES * slots),
      cost: new Float32Array(TABLE_MODELS * TABLE_COPIES * slots * SCORE_COLUMNS),
      limit: new Int32Array(slots),
      limitId: new Int32Array(slots),
      settledLimit: new Int32Array(slots),
      ownLimit: new Int32Array(slots),
      limitSources: new Int32Array(slots),
    };
    this.learned.words[LearnerWord.CHAMPION_COSTS] = 1;
    this.learned.figures[LearnerFigure.CONTROL_SHARE] = options.controlShare;
    this.learned.figures[LearnerFigure.SECOND_SHARE] = options.secondShare;
    const unknown = new Float64Array(slots).fill(Number.NaN);
    this.features = new FleetFeatures({
      ...fleet,
      capacity: unknown,
      cpuUsagePercent: unknown,
      memoryUsagePercent: unknown,
    });
    this.#periodMs = options.periodMs;
    this.#table = new NetworkTable(network);
    this.#writer = new TableWriter(this.learned, TableModel.CHAMPION, { id: fleet.id });
  }

  /** The next pick makes a new table, because there are other candidates. */
  renew(): void {
    this.#dueMs = 0;
  }

  publishIfDue(candidates: Int32Array, count: number, nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    const { id, inFlight } = this.fleet;
    this.#dueMs = nowMs + this.#periodMs;
    this.features.begin(candidates, count, nowMs);
    const cost = this.#writer.begin();
    const columns = columnsFor(inFlight, candidates, count);
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      this.#table.fill(this.features, slot, cost, this.#writer.rowOf(slot, id[slot]), columns);
    }
    this.#writer.publish();
  }
}

export class SimulatedLearner implements Strategy {
  readonly #ml: Ml;
  readonly #learner: InstanceLearner;

  /** @param mate the strategy of another worker of the same instance: workers have one learner between them. */
  constructor(
    dependencies: StrategyDependencies,
    network: Network,
    options: SimulatedLearnerOptions = PRODUCT_LEARNER,
    mate?: SimulatedLearner,
  ) {
    this.#learner = mate === undefined ? new InstanceLearner(dependencies.fleet, network, options) : mate.#learner;
    this.#ml = new Ml({ ...dependencies, learned: this.#learner.learned });
  }

  /** What is known of each server. */
  get features(): FleetFeatures {
    return this.#learner.features;
  }

  onCandidates(candidates: Int32Array, count: number): void {
    this.#ml.onCandidates(candidates, count);
    this.#learner.renew();
  }

  pick(candidates: Int32Array, count: number, key: number, nowMs: number, requestClass?: number): number {
    this.#learner.publishIfDue(candidates, count, nowMs);
    return this.#ml.pick(candidates, count, key, nowMs, requestClass);
  }

  onOutcome(
    slot: number,
    latencyMs: number,
    failed: boolean,
    nowMs: number,
    inFlightAtDispatch?: number,
    ownWork = 1,
    othersWork = 1,
  ): void {
    const inFlight = inFlightAtDispatch ?? this.#learner.fleet.inFlight[slot];
    const { features } = this.#learner;
    const typicalMs = features.typicalMs(slot, latencyMs, inFlight, ownWork, othersWork);
    features.observe(slot, typicalMs, failed, nowMs, inFlight);
    this.#ml.onOutcome(slot, latencyMs, failed, nowMs, inFlight, ownWork, othersWork);
  }
}
