/** A place for a model that is asked at every tick: the champion's, the canary's or the shadow's. */
import { type LearnedTable, LearnerWord, type Rung } from "../../shared/memory/layout/learning.ts";
import { selectFeatures, type TableFeatures } from "../features/table-features.ts";
import type { ScoreModel } from "../models/score-model.ts";
import type { ModelCalls } from "./model-calls.ts";
import { NO_TABLE_YET } from "./rung-log.ts";
import type { PublishedTable } from "./table-history.ts";
import { type TableFleet, TableModel, TableWriter } from "./table-writer.ts";

/** A model with its version. */
export interface VersionedModel {
  /** 0 = it is nobody's model, but stands in for one; -1 = the remote model, whose versions are not ours. */
  readonly version: number;
  readonly model: ScoreModel;
  /** The `Rung` that is in force while it fails; the estimator unless given. */
  readonly fallback?: Rung;
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

export class Seat {
  readonly #learned: LearnedTable;
  readonly #kind: TableModel;
  /** `null` = nobody routes by it. */
  readonly #shown: Shown | null;
  #occupant: Occupant | null = null;
  #problem = "";
  /** The last table, for as long as its model has the seat. */
  #last: PublishedTable | null = null;
  #faults = 0;
  #unshown = 0;

  /** @param pool row of the pool whose model it is for. */
  constructor(learned: LearnedTable, kind: TableModel, fleet: TableFleet, pool: number) {
    const champion = kind === TableModel.CHAMPION;
    this.#learned = learned;
    this.#kind = kind;
    this.#shown =
      kind === TableModel.SHADOW
        ? null
        : {
            writer: new TableWriter(learned, kind, fleet, pool),
            modelWord: champion ? LearnerWord.CHAMPION_MODEL : LearnerWord.CANARY_MODEL,
            costsWord: champion ? LearnerWord.CHAMPION_COSTS : LearnerWord.CANARY_COSTS,
          };
  }

  /** Who has it; `null` = nobody. */
  get occupant(): VersionedModel | null {
    return this.#occupant;
  }

  /** Why the last table was not made; empty when it was. */
  get problem(): string {
    return this.#problem;
  }

  /** There is nothing to make up for: its last table may be shown once more, or it needs none. */
  get isComplete(): boolean {
    return this.#occupant === null || (this.#problem === "" && this.#last !== null);
  }

  /** Gives it to a model from now on, or to nobody. Throws when it asks for features that there are not. */
  take(model: VersionedModel | null): void {
    const before = this.#occupant;
    if (model !== null && before?.model === model.model && before.version === model.version) return;
    this.#occupant = model && { ...model, selection: selectFeatures(model.model.featureNames) };
    this.#faults = 0;
    this.#last = null;
    // What served goes on with its last table until the new one has its first.
    if (before === null || model === null) this.#problem = NO_TABLE_YET;
    if (model === null && this.#shown !== null) this.#learned.words[this.#shown.modelWord] = 0;
  }

  /** How often its model failed since this was called last. */
  takeFaults(): number {
    const faults = this.#faults;
    this.#faults = 0;
    return faults;
  }

  /** Makes a table of what is known at `nowMs`, and shows it. `null` = its model failed, or is here no more. Never rejects. */
  async makeTable(calls: ModelCalls, features: TableFeatures, nowMs: number): Promise<PublishedTable | null> {
    const occupant = this.#occupant;
    if (occupant === null) {
      this.#problem = "there is no model";
      return null;
    }
    const { model, version: modelVersion, selection } = occupant;
    let costs: Float32Array;
    try {
      costs = await calls.costs(model, selection, features);
    } catch (error) {
      if (this.#occupant !== occupant) return null;
      this.#faults++;
      this.#problem = (error as Error).message;
      return null;
    }
    if (this.#occupant !== occupant) return null; // it was replaced while it was asked: the next tick asks the new one
    const isCost = model.outputKind === "log_relative_cost";
    const sequence = this.#show(modelVersion, isCost, features, costs);
    this.#problem = "";
    this.#last = { model: this.#kind, sequence, atMs: nowMs, modelVersion, isCost, features, costs };
    return this.#last;
  }

  /** Shows the last table once more; `null` = nobody has the seat. */
  repeatTable(nowMs: number): PublishedTable | null {
    if (this.#last === null) return null;
    const sequence = this.#shown === null ? ++this.#unshown : this.#shown.writer.repeat();
    this.#last = { ...this.#last, sequence, atMs: nowMs };
    return this.#last;
  }

  /** Shows a table where it is to be shown. @returns its sequence number. */
  #show(version: number, isCost: boolean, { slots, ids }: TableFeatures, costs: Float32Array): number {
    if (this.#shown === null) return ++this.#unshown;
    const { writer, modelWord, costsWord } = this.#shown;
    const width = costs.length / Math.max(1, slots.length);
    const cost = writer.begin();
    for (let server = 0; server < slots.length; server++) {
      if (!writer.has(slots[server], ids[server])) continue;
      const row = costs.subarray(server * width, (server + 1) * width);
      cost.set(row, writer.rowOf(slots[server], ids[server]));
    }
    this.#learned.words[modelWord] = version;
    this.#learned.words[costsWord] = isCost ? 1 : 0;
    return writer.publish();
  }
}
