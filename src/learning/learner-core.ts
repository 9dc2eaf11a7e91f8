/**
 * What the learner does, with the clock passed in: it takes in outcomes, and turns what it knows of the servers into the
 * tables of costs by which `ml` balances. One tick makes one table of the champion, and one of the canary where there is
 * one.
 */
import { columnOf } from "../balancing/score-columns.ts";
import {
  INFERENCE_BOUNDS,
  type LearnedTable,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  Rung,
} from "../shared/layout.ts";
import { FleetFeatures, type ObservedFleet } from "./fleet-features.ts";
import type { ScoreModel } from "./score-model.ts";
import { costsOf } from "./score-table.ts";
import type { PublishedSurface, SurfaceHistory } from "./surface-history.ts";
import { SurfaceModel, SurfaceWriter } from "./surface-writer.ts";
import { selectFeatures, TableFeatures } from "./table-features.ts";

/** Columns beyond twice the highest load are extrapolated, but for so many: bursts come between two tables. */
const HEADROOM = 6;

/** An attempt that ended. */
export interface Outcome {
  readonly slot: number;
  readonly serverId: number;
  readonly latencyMs: number;
  /** The server failed it. */
  readonly failed: boolean;
  /** At the server when the attempt was placed, without it. */
  readonly inFlight: number;
  /** When it ended, boot clock, milliseconds. */
  readonly atMs: number;
}

/** A model with its version, > 0. */
export interface VersionedModel {
  readonly version: number;
  readonly model: ScoreModel;
}

/** What the learner works on. */
export interface LearnerOptions {
  readonly fleet: ObservedFleet;
  readonly learned: LearnedTable;
  /** `LearnerCounter`s. */
  readonly counters: Float64Array;
  readonly history: SurfaceHistory;
  /** Any clock that runs evenly, milliseconds: how long a model takes. */
  readonly stopwatch: () => number;
  /** Told of each table that was published: judges look here for what a decision was based on. */
  readonly onSurface?: (surface: PublishedSurface) => void;
}

class Seat {
  readonly writer: SurfaceWriter;
  readonly kind: SurfaceModel;
  readonly modelWord: number;
  readonly costsWord: number;
  occupant: { readonly version: number; readonly model: ScoreModel; readonly selection: Int32Array } | null = null;

  constructor(learned: LearnedTable, kind: SurfaceModel, slots: number) {
    const champion = kind === SurfaceModel.CHAMPION;
    this.kind = kind;
    this.writer = new SurfaceWriter(learned, kind, slots);
    this.modelWord = champion ? LearnerWord.CHAMPION_MODEL : LearnerWord.CANARY_MODEL;
    this.costsWord = champion ? LearnerWord.CHAMPION_COSTS : LearnerWord.CANARY_COSTS;
  }
}

export class LearnerCore {
  readonly #options: LearnerOptions;
  readonly #features: FleetFeatures;
  readonly #champion: Seat;
  readonly #canary: Seat;
  #rungReason = "no table was made yet";
  #ticking = false;

  constructor(options: LearnerOptions) {
    const { fleet, learned } = options;
    const slots = fleet.id.length;
    this.#options = options;
    this.#features = new FleetFeatures(fleet);
    this.#champion = new Seat(learned, SurfaceModel.CHAMPION, slots);
    this.#canary = new Seat(learned, SurfaceModel.CANARY, slots);
    learned.words[LearnerWord.RUNG] = Rung.ESTIMATOR;
  }

  /** Why the present rung is in force, for people; empty while it is the model. */
  get rungReason(): string {
    return this.#rungReason;
  }

  /** The model that is asked from the next tick on; `null` = none, and the estimator balances. Throws when it asks for features that there are not. */
  setChampion(model: VersionedModel | null): void {
    this.#seat(this.#champion, model);
  }

  /** The candidate beside it. Its share of the traffic is `LearnerFigure.CANARY_SHARE`, which is not touched here. */
  setCanary(model: VersionedModel | null): void {
    this.#seat(this.#canary, model);
  }

  /** Takes in one outcome. One of a server that has left since is of no use. */
  observe({ slot, serverId, latencyMs, failed, atMs, inFlight }: Outcome): void {
    if (this.#options.fleet.id[slot] !== serverId) return;
    this.#features.observe(slot, latencyMs, failed, atMs, inFlight);
  }

  /**
   * Makes and publishes tables for the servers in `slots`. A model that fails leaves its table as it is, and puts the
   * estimator in charge if it is the champion's, until it works again. Never rejects. Does nothing while the last tick is
   * still waiting for a model.
   * @param nowMs boot clock, milliseconds.
   */
  async tick(slots: Int32Array, nowMs: number): Promise<void> {
    if (this.#ticking) return;
    this.#ticking = true;
    try {
      const { inFlight, id } = this.#options.fleet;
      let most = 0;
      for (const slot of slots) most = Math.max(most, inFlight[slot]);
      const columns = columnOf(2 * most + HEADROOM) + 1;
      const names = [this.#champion, this.#canary].flatMap(({ occupant }) => occupant?.model.featureNames ?? []);
      const wantsP95 = names.includes("response_p95");
      const features = new TableFeatures(this.#features, slots, id, columns, nowMs, wantsP95);
      const [problem] = await Promise.all([
        this.#publish(this.#champion, features, nowMs),
        this.#publish(this.#canary, features, nowMs),
      ]);
      this.#setRung(problem);
    } finally {
      this.#ticking = false;
    }
  }

  #seat(seat: Seat, model: VersionedModel | null): void {
    seat.occupant = model && { ...model, selection: selectFeatures(model.model.featureNames) };
    if (model === null) this.#options.learned.words[seat.modelWord] = 0;
  }

  /** @returns why no table was published; empty when one was. */
  async #publish(seat: Seat, features: TableFeatures, nowMs: number): Promise<string> {
    const { occupant } = seat;
    if (occupant === null) return "there is no model";
    const { counters, learned, history, onSurface } = this.#options;
    let costs: Float32Array;
    try {
      costs = await this.#ask(occupant, features);
    } catch (error) {
      counters[LearnerCounter.ERRORS]++;
      return (error as Error).message;
    }
    if (seat.occupant !== occupant) return "the model was replaced"; // while it was asked: the next tick asks the new one
    const isCost = occupant.model.outputKind === "log_relative_cost";
    const cost = seat.writer.begin();
    const { slots, ids } = features;
    const width = costs.length / Math.max(1, slots.length);
    for (let server = 0; server < slots.length; server++) {
      const row = costs.subarray(server * width, (server + 1) * width);
      cost.set(row, seat.writer.rowOf(slots[server], ids[server]));
    }
    learned.words[seat.modelWord] = occupant.version;
    learned.words[seat.costsWord] = isCost ? 1 : 0;
    const sequence = seat.writer.publish();
    if (seat.kind === SurfaceModel.CHAMPION) learned.figures[LearnerFigure.TABLE_MS] = nowMs;
    counters[LearnerCounter.TABLES]++;
    const surface = {
      model: seat.kind,
      sequence,
      atMs: nowMs,
      modelVersion: occupant.version,
      isCost,
      features,
      costs,
    };
    history.add(surface);
    onSurface?.(surface);
    return "";
  }

  async #ask({ model, selection }: NonNullable<Seat["occupant"]>, features: TableFeatures): Promise<Float32Array> {
    const { counters, stopwatch } = this.#options;
    const servers = features.slots.length;
    if (servers === 0) return new Float32Array(0);
    const rows = servers * features.columns;
    const batch = features.batch(selection);
    const startedMs = stopwatch();
    const scores = await model.predict(batch, rows).finally(() => {
      this.#countDuration((stopwatch() - startedMs) / 1000);
    });
    counters[LearnerCounter.PREDICTIONS] += rows;
    return costsOf(scores, model.outputKind, features.meanMs, servers, features.columns);
  }

  #countDuration(seconds: number): void {
    const { counters } = this.#options;
    const bucket = INFERENCE_BOUNDS.findIndex((bound) => seconds <= bound);
    counters[LearnerCounter.INFERENCE_SECONDS] += seconds;
    counters[LearnerCounter.INFERENCE_BUCKETS + (bucket < 0 ? INFERENCE_BOUNDS.length : bucket)]++;
  }

  #setRung(problem: string): void {
    this.#rungReason = problem;
    this.#options.learned.words[LearnerWord.RUNG] = problem === "" ? Rung.MODEL : Rung.ESTIMATOR;
  }
}
