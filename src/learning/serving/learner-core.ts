/**
 * What the learner does, with the clock passed in: it takes in outcomes, and turns what it knows of the servers into the
 * tables of costs by which `ml` balances. One tick makes one table of the champion, one of the canary where there is one, and
 * one of a candidate in shadow, which nobody routes by: judges look at it. Which policy routes is ordered from outside
 * (`order`); a model that fails is not waited for.
 */
import {
  type LearnedTable,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  Rung,
} from "../../shared/memory/layout/learning.ts";
import { reclaimTables } from "../../shared/memory/reclaim-pool.ts";
import { FleetFeatures, type ObservedFleet } from "../features/fleet-features.ts";
import type { Outcome } from "../features/outcome.ts";
import { TableFeatures } from "../features/table-features.ts";
import { IdleWatch } from "./idle-watch.ts";
import { ModelCalls } from "./model-calls.ts";
import { NO_TABLE_YET } from "./rung-log.ts";
import { columnsFor } from "./score-table.ts";
import { Seat, type VersionedModel } from "./seat.ts";
import type { PublishedTable, TableHistory } from "./table-history.ts";
import { type TableFleet, TableModel } from "./table-writer.ts";

/** A model that is waited for longer than this is slow, milliseconds. */
const SLOW_MS = 500;

/** Tables that could not be made since they were last asked for, by who should have made them. */
export interface Faults {
  readonly champion: number;
  readonly canary: number;
  readonly shadow: number;
}

/** What the learner works on. */
export interface LearnerOptions {
  readonly fleet: ObservedFleet & TableFleet;
  /** What is known of the servers already; nothing unless given. */
  readonly features?: FleetFeatures;
  /** Row of the pool whose servers are looked at. */
  readonly pool: number;
  readonly learned: LearnedTable;
  /** `LearnerCounter`s. */
  readonly counters: Float64Array;
  readonly history: TableHistory;
  /** Any clock that runs evenly, milliseconds: how long a model takes. */
  readonly stopwatch: () => number;
  /** Told of each table that was published: judges look here for what a decision was based on. */
  readonly onTable?: (table: PublishedTable) => void;
}

export class LearnerCore {
  readonly #options: LearnerOptions;
  readonly #features: FleetFeatures;
  readonly #idle: IdleWatch;
  readonly #calls: ModelCalls;
  readonly #champion: Seat;
  readonly #canary: Seat;
  readonly #shadow: Seat;
  readonly #seats: readonly Seat[];
  #ordered: { readonly rung: Rung; readonly reason: string } = { rung: Rung.MODEL, reason: "" };
  #rungReason: string = NO_TABLE_YET;
  /** When the tick began that is waiting for a model, boot clock; `null` = none is. */
  #waitingMs: number | null = null;
  #closed = false;
  /** For how long it has been, when that was last looked at. */
  #waitedMs = 0;

  constructor(options: LearnerOptions) {
    const { fleet, pool, learned, counters, stopwatch, features = new FleetFeatures(fleet) } = options;
    this.#options = options;
    this.#features = features;
    this.#idle = new IdleWatch(fleet);
    this.#calls = new ModelCalls(counters, stopwatch);
    this.#champion = new Seat(learned, TableModel.CHAMPION, fleet, pool);
    this.#canary = new Seat(learned, TableModel.CANARY, fleet, pool);
    this.#shadow = new Seat(learned, TableModel.SHADOW, fleet, pool);
    this.#seats = [this.#champion, this.#canary, this.#shadow];
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

  /** Version of the model that is the champion; `null` = there is none. */
  get championVersion(): number | null {
    return this.#champion.occupant?.version ?? null;
  }

  /** The model that is asked from the next tick on; `null` = none, and the estimator balances. Throws when it asks for features that there are not. */
  setChampion(model: VersionedModel | null): void {
    this.#champion.take(model);
  }

  /** The candidate beside it. Its share of the traffic is `LearnerFigure.CANARY_SHARE`, which is not touched here. */
  setCanary(model: VersionedModel | null): void {
    this.#canary.take(model);
  }

  /** A candidate whose tables are remembered (`TableModel.SHADOW`) and shown to nobody. */
  setShadow(model: VersionedModel | null): void {
    this.#shadow.take(model);
  }

  /** The policy that may route at best from now on. @param reason why, for people; empty for the model. */
  order(rung: Rung, reason: string): void {
    this.#ordered = { rung, reason };
    this.#setRung();
  }

  /** Nothing is shown from now on, also not what a model is being asked for. The estimator balances. */
  close(): void {
    for (const seat of this.#seats) seat.take(null);
    this.#closed = true;
    reclaimTables(this.#options.learned);
  }

  /** How often a model failed since this was called last. */
  takeFaults(): Faults {
    const [champion, canary, shadow] = this.#seats.map((seat) => seat.takeFaults());
    return { champion, canary, shadow };
  }

  /** Takes in one outcome. One of a server that has left since is of no use. */
  observe(outcome: Outcome): void {
    const { slot, serverId, failed, atMs, inFlight } = outcome;
    if (this.#options.fleet.id[slot] !== serverId) return;
    this.#idle.onOutcome(atMs);
    this.#features.observe(slot, this.#features.typicalMsOf(outcome), failed, atMs, inFlight);
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
      const wantsP95 = this.#seats.some(({ occupant }) => occupant?.model.featureNames.includes("response_p95"));
      const features = new TableFeatures(this.#features, slots, id, columns, nowMs, wantsP95);
      await Promise.all(
        this.#seats.map(async (seat) => this.#tell(seat, await seat.makeTable(this.#calls, features, nowMs))),
      );
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
    const isComplete = this.#seats.every((seat) => seat.isComplete);
    if (this.#waitingMs !== null || !isComplete || !this.#idle.isIdle(slots, nowMs)) return this.tick(slots, nowMs);
    for (const seat of this.#seats) this.#tell(seat, seat.repeatTable(nowMs));
  }

  /** Says that a table is there. */
  #tell(seat: Seat, table: PublishedTable | null): void {
    if (table === null) return;
    const { counters, learned, history, onTable } = this.#options;
    if (seat === this.#champion) learned.figures[LearnerFigure.TABLE_MS] = table.atMs;
    counters[LearnerCounter.TABLES]++;
    history.add(table);
    onTable?.(table);
  }

  /** The rung that was ordered, or the fallback of a champion that fails where that is lower. */
  #setRung(): void {
    if (this.#closed) return;
    const { problem, occupant } = this.#champion;
    const possible = problem === "" ? Rung.MODEL : (occupant?.fallback ?? Rung.ESTIMATOR);
    const rung = Math.max(this.#ordered.rung, possible);
    this.#rungReason = rung === this.#ordered.rung ? this.#ordered.reason : problem;
    this.#options.learned.words[LearnerWord.RUNG] = rung;
  }
}
