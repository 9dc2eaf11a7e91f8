/**
 * What the learner does, with the clock passed in: it takes in outcomes, and turns what it knows of the servers into the
 * tables of costs by which `ml` balances. One tick makes one table of the champion, one of the canary where there is one, and
 * one of a candidate in shadow, which nobody routes by: judges look at it. Which policy routes is ordered from outside
 * (`order`); a model that fails is not waited for.
 */
import {
  INFERENCE_BOUNDS,
  type LearnedTable,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  Rung,
} from "../../shared/layout.ts";
import { FleetFeatures, type ObservedFleet } from "../features/fleet-features.ts";
import type { Outcome } from "../features/outcome.ts";
import { selectFeatures, TableFeatures } from "../features/table-features.ts";
import { RemoteModelError } from "../models/remote/predict-request.ts";
import type { ScoreModel } from "../models/score-model.ts";
import { IdleWatch } from "./idle-watch.ts";
import { NO_TABLE_YET } from "./rung-log.ts";
import { columnsFor, costsOf } from "./score-table.ts";
import type { PublishedTable, TableHistory } from "./table-history.ts";
import { TableModel, TableWriter } from "./table-writer.ts";

/** A model that is waited for longer than this is slow, milliseconds. */
const SLOW_MS = 500;

/** A model with its version. */
export interface VersionedModel {
  /** 0 = it is nobody's model, but stands in for one; -1 = the remote model, whose versions are not ours. */
  readonly version: number;
  readonly model: ScoreModel;
  /** The `Rung` that is in force while it fails; the estimator unless given. */
  readonly fallback?: Rung;
}

/** Tables that could not be made since they were last asked for, by who should have made them. */
export interface Faults {
  readonly champion: number;
  readonly canary: number;
  readonly shadow: number;
}

/** What the learner works on. */
export interface LearnerOptions {
  readonly fleet: ObservedFleet;
  readonly learned: LearnedTable;
  /** `LearnerCounter`s. */
  readonly counters: Float64Array;
  readonly history: TableHistory;
  /** Any clock that runs evenly, milliseconds: how long a model takes. */
  readonly stopwatch: () => number;
  /** Told of each table that was published: judges look here for what a decision was based on. */
  readonly onTable?: (table: PublishedTable) => void;
}

interface Occupant extends VersionedModel {
  readonly selection: Int32Array;
}

/** Where a seat's tables are shown to the workers. */
interface Shown {
  readonly writer: TableWriter;
  readonly modelWord: number;
  readonly costsWord: number;
}

class Seat {
  readonly kind: TableModel;
  /** `null` = nobody routes by it. */
  readonly shown: Shown | null;
  occupant: Occupant | null = null;
  faults = 0;
  /** Why the last table was not made; empty when it was. */
  problem = "";
  /** The last table, for as long as its model has the seat. */
  last: PublishedTable | null = null;
  #unshown = 0;

  constructor(learned: LearnedTable, kind: TableModel, slots: number) {
    const champion = kind === TableModel.CHAMPION;
    this.kind = kind;
    this.shown =
      kind === TableModel.SHADOW
        ? null
        : {
            writer: new TableWriter(learned, kind, slots),
            modelWord: champion ? LearnerWord.CHAMPION_MODEL : LearnerWord.CANARY_MODEL,
            costsWord: champion ? LearnerWord.CHAMPION_COSTS : LearnerWord.CANARY_COSTS,
          };
  }

  /** Shows the table where it is to be shown. @returns its sequence number. */
  publish(learned: LearnedTable, { version }: Occupant, isCost: boolean, fill: (writer: TableWriter) => void): number {
    if (this.shown === null) return ++this.#unshown;
    const { writer, modelWord, costsWord } = this.shown;
    fill(writer);
    learned.words[modelWord] = version;
    learned.words[costsWord] = isCost ? 1 : 0;
    return writer.publish();
  }

  /** Shows the last table once more. @returns its sequence number. */
  repeat(): number {
    return this.shown === null ? ++this.#unshown : this.shown.writer.repeat();
  }
}

export class LearnerCore {
  readonly #options: LearnerOptions;
  readonly #features: FleetFeatures;
  readonly #champion: Seat;
  readonly #canary: Seat;
  readonly #shadow: Seat;
  #ordered: { readonly rung: Rung; readonly reason: string } = { rung: Rung.MODEL, reason: "" };
  #rungReason: string = NO_TABLE_YET;
  /** When the tick began that is waiting for a model, boot clock; `null` = none is. */
  #waitingMs: number | null = null;
  /** For how long it has been, when that was last looked at. */
  #waitedMs = 0;
  readonly #idle: IdleWatch;
  /** Rows for models, used again for each. */
  #batch: Float64Array = new Float64Array(0);

  constructor(options: LearnerOptions) {
    const { fleet, learned } = options;
    const slots = fleet.id.length;
    this.#options = options;
    this.#features = new FleetFeatures(fleet);
    this.#idle = new IdleWatch(fleet);
    this.#champion = new Seat(learned, TableModel.CHAMPION, slots);
    this.#canary = new Seat(learned, TableModel.CANARY, slots);
    this.#shadow = new Seat(learned, TableModel.SHADOW, slots);
    learned.words[LearnerWord.RUNG] = Rung.ESTIMATOR;
  }

  /** Why the present rung is in force, for people; empty while it is the model. */
  get rungReason(): string {
    return this.#rungReason;
  }

  /** Why the champion made no table the last time, or makes none now, for people; empty when it did. */
  get championProblem(): string {
    const { problem } = this.#champion;
    if (problem !== "" || this.#waitedMs < SLOW_MS) return problem;
    return `the model has given no answer for ${(this.#waitedMs / 1000).toFixed(1)} s`;
  }

  /** The model that is asked from the next tick on; `null` = none, and the estimator balances. Throws when it asks for features that there are not. */
  setChampion(model: VersionedModel | null): void {
    this.#seat(this.#champion, model);
  }

  /** The candidate beside it. Its share of the traffic is `LearnerFigure.CANARY_SHARE`, which is not touched here. */
  setCanary(model: VersionedModel | null): void {
    this.#seat(this.#canary, model);
  }

  /** A candidate whose tables are remembered (`TableModel.SHADOW`) and shown to nobody. */
  setShadow(model: VersionedModel | null): void {
    this.#seat(this.#shadow, model);
  }

  /** The policy that may route at best from now on. @param reason why, for people; empty for the model. */
  order(rung: Rung, reason: string): void {
    this.#ordered = { rung, reason };
    this.#setRung();
  }

  /** Version of the model that is the champion; `null` = there is none. */
  get championVersion(): number | null {
    return this.#champion.occupant?.version ?? null;
  }

  /** The fleet's mean latency, milliseconds. */
  get meanMs(): number {
    return this.#features.meanMs;
  }

  /** How often a model failed since this was called last. */
  takeFaults(): Faults {
    const faults = { champion: this.#champion.faults, canary: this.#canary.faults, shadow: this.#shadow.faults };
    for (const seat of [this.#champion, this.#canary, this.#shadow]) seat.faults = 0;
    return faults;
  }

  /** Takes in one outcome. One of a server that has left since is of no use. */
  observe({ slot, serverId, latencyMs, failed, atMs, inFlight }: Outcome): void {
    if (this.#options.fleet.id[slot] !== serverId) return;
    this.#idle.onOutcome(atMs);
    this.#features.observe(slot, latencyMs, failed, atMs, inFlight);
  }

  /**
   * Makes and publishes tables for the servers in `slots`. A model that fails leaves its table as it is, and puts the
   * estimator in charge if it is the champion's, until it works again. Never rejects. Does nothing while the last tick is
   * still waiting for a model.
   * @param nowMs boot clock, milliseconds.
   */
  async tick(slots: Int32Array, nowMs: number): Promise<void> {
    if (this.#waitingMs !== null) {
      this.#waitedMs = nowMs - this.#waitingMs;
      return;
    }
    this.#waitingMs = nowMs;
    this.#idle.onTick(slots, nowMs);
    try {
      const { inFlight, id } = this.#options.fleet;
      const columns = columnsFor(inFlight, slots, slots.length);
      const seats = [this.#champion, this.#canary, this.#shadow];
      const wantsP95 = seats.some(({ occupant }) => occupant?.model.featureNames.includes("response_p95"));
      const features = new TableFeatures(this.#features, slots, id, columns, nowMs, wantsP95);
      await Promise.all(seats.map((seat) => this.#publish(seat, features, nowMs)));
      this.#setRung();
    } finally {
      this.#waitingMs = null;
      this.#waitedMs = 0;
    }
  }

  /**
   * As `tick`, but where nothing has happened and little has faded since the last tables were made they are shown once more:
   * so a fleet without traffic costs next to nothing. To be called as often as there should be tables.
   */
  async refresh(slots: Int32Array, nowMs: number): Promise<void> {
    const seats = [this.#champion, this.#canary, this.#shadow].filter(({ occupant }) => occupant !== null);
    const isComplete = seats.every(({ problem, last }) => problem === "" && last !== null);
    if (this.#waitingMs !== null || !isComplete || !this.#idle.isIdle(slots, nowMs)) return this.tick(slots, nowMs);
    for (const seat of seats) this.#show(seat, { ...seat.last!, sequence: seat.repeat(), atMs: nowMs });
  }

  #seat(seat: Seat, model: VersionedModel | null): void {
    const { shown, occupant } = seat;
    if (model !== null && occupant?.model === model.model && occupant.version === model.version) return;
    seat.occupant = model && { ...model, selection: selectFeatures(model.model.featureNames) };
    seat.faults = 0;
    seat.last = null;
    // What served goes on with its last table until the new one has its first.
    if (occupant === null || model === null) seat.problem = NO_TABLE_YET;
    if (model === null && shown !== null) this.#options.learned.words[shown.modelWord] = 0;
  }

  async #publish(seat: Seat, features: TableFeatures, nowMs: number): Promise<void> {
    const { occupant } = seat;
    if (occupant === null) {
      seat.problem = "there is no model";
      return;
    }
    const { counters, learned } = this.#options;
    let costs: Float32Array;
    try {
      costs = await this.#ask(occupant, features);
    } catch (error) {
      // A model server that is not asked did not fail: it is counted when it is asked.
      if (!(error instanceof RemoteModelError && error.kind === "circuit_open")) counters[LearnerCounter.ERRORS]++;
      if (seat.occupant !== occupant) return;
      seat.faults++;
      seat.problem = (error as Error).message;
      return;
    }
    if (seat.occupant !== occupant) return; // it was replaced while it was asked: the next tick asks the new one
    const isCost = occupant.model.outputKind === "log_relative_cost";
    const { slots, ids } = features;
    const width = costs.length / Math.max(1, slots.length);
    const sequence = seat.publish(learned, occupant, isCost, (writer) => {
      const cost = writer.begin();
      for (let server = 0; server < slots.length; server++) {
        const row = costs.subarray(server * width, (server + 1) * width);
        cost.set(row, writer.rowOf(slots[server], ids[server]));
      }
    });
    seat.problem = "";
    this.#show(seat, {
      model: seat.kind,
      sequence,
      atMs: nowMs,
      modelVersion: occupant.version,
      isCost,
      features,
      costs,
    });
  }

  /** Says that a table is there. */
  #show(seat: Seat, table: PublishedTable): void {
    const { counters, learned, history, onTable } = this.#options;
    seat.last = table;
    if (seat.kind === TableModel.CHAMPION) learned.figures[LearnerFigure.TABLE_MS] = table.atMs;
    counters[LearnerCounter.TABLES]++;
    history.add(table);
    onTable?.(table);
  }

  async #ask({ model, selection }: Occupant, features: TableFeatures): Promise<Float32Array> {
    const { counters, stopwatch } = this.#options;
    const servers = features.slots.length;
    if (servers === 0) return new Float32Array(0);
    const rows = servers * features.columns;
    const batch = features.batch(selection, this.#batch);
    if (batch.buffer !== this.#batch.buffer) this.#batch = batch;
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

  /** The rung that was ordered, or the fallback of a champion that fails where that is lower. */
  #setRung(): void {
    const { problem, occupant } = this.#champion;
    const possible = problem === "" ? Rung.MODEL : (occupant?.fallback ?? Rung.ESTIMATOR);
    const rung = Math.max(this.#ordered.rung, possible);
    this.#rungReason = rung === this.#ordered.rung ? this.#ordered.reason : problem;
    this.#options.learned.words[LearnerWord.RUNG] = rung;
  }
}
