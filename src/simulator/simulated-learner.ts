/** `ml` in the simulator: the product's strategy with a learner of its own beside it, on simulated time. */
import { Ml } from "../balancing/ml.ts";
import { columnOf, SCORE_COLUMNS } from "../balancing/score-columns.ts";
import type { Strategy, StrategyDependencies } from "../balancing/strategy.ts";
import { FleetFeatures } from "../learning/fleet-features.ts";
import type { Network } from "../learning/network.ts";
import { NetworkSurface } from "../learning/network-surface.ts";
import { SurfaceModel, SurfaceWriter } from "../learning/surface-writer.ts";
import { type LearnedTable, LearnerFigure, LearnerWord, SURFACE_COPIES, SURFACE_MODELS } from "../shared/layout.ts";

/** A row is computed for twice the highest load and so many requests more; beyond, it is extrapolated. */
const HEADROOM = 6;

/** How the simulated learner works. */
export interface SimulatedLearnerOptions {
  /** From one table to the next, milliseconds. */
  readonly periodMs: number;
  /** As `LearnerFigure` has them. */
  readonly controlShare: number;
  readonly secondShare: number;
}

export class SimulatedLearner implements Strategy {
  readonly #dependencies: StrategyDependencies;
  readonly #options: SimulatedLearnerOptions;
  readonly #ml: Ml;
  readonly #features: FleetFeatures;
  readonly #surface: NetworkSurface;
  readonly #writer: SurfaceWriter;
  #dueMs = 0;

  constructor(dependencies: StrategyDependencies, network: Network, options: SimulatedLearnerOptions) {
    const { fleet } = dependencies;
    const slots = fleet.id.length;
    const learned: LearnedTable = {
      words: new Int32Array(LearnerWord.LENGTH),
      figures: new Float64Array(LearnerFigure.LENGTH),
      rowId: new Int32Array(SURFACE_MODELS * SURFACE_COPIES * slots),
      cost: new Float32Array(SURFACE_MODELS * SURFACE_COPIES * slots * SCORE_COLUMNS),
    };
    learned.words[LearnerWord.CHAMPION_COSTS] = 1;
    learned.figures[LearnerFigure.CONTROL_SHARE] = options.controlShare;
    learned.figures[LearnerFigure.SECOND_SHARE] = options.secondShare;
    this.#dependencies = { ...dependencies, learned };
    this.#options = options;
    const unknown = new Float64Array(slots).fill(Number.NaN);
    this.#features = new FleetFeatures({
      ...fleet,
      capacity: unknown,
      cpuUsagePercent: unknown,
      memoryUsagePercent: unknown,
    });
    this.#surface = new NetworkSurface(network);
    this.#writer = new SurfaceWriter(learned, SurfaceModel.CHAMPION, slots);
    this.#ml = new Ml(this.#dependencies);
  }

  /** What it has learned of each server. */
  get features(): FleetFeatures {
    return this.#features;
  }

  onCandidates(candidates: Int32Array, count: number): void {
    this.#ml.onCandidates(candidates, count);
    this.#dueMs = 0;
  }

  pick(candidates: Int32Array, count: number, key: number, nowMs: number): number {
    if (nowMs >= this.#dueMs) this.#publish(candidates, count, nowMs);
    return this.#ml.pick(candidates, count, key, nowMs);
  }

  onOutcome(slot: number, latencyMs: number, failed: boolean, nowMs: number, inFlightAtDispatch?: number): void {
    const inFlight = inFlightAtDispatch ?? this.#dependencies.fleet.inFlight[slot];
    this.#features.observe(slot, latencyMs, failed, nowMs, inFlight);
    this.#ml.onOutcome(slot, latencyMs, failed, nowMs, inFlight);
  }

  #publish(candidates: Int32Array, count: number, nowMs: number): void {
    const { id, inFlight } = this.#dependencies.fleet;
    this.#dueMs = nowMs + this.#options.periodMs;
    this.#features.begin(candidates, count, nowMs);
    const cost = this.#writer.begin();
    let most = 0;
    for (let i = 0; i < count; i++) most = Math.max(most, inFlight[candidates[i]]);
    const columns = columnOf(2 * most + HEADROOM) + 1;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      this.#surface.fill(this.#features, slot, cost, this.#writer.rowOf(slot, id[slot]), columns);
    }
    this.#writer.publish();
  }
}
