/**
 * The learner of one pool of servers that `ml` balances: what is known of them, the tables made of it, and the models and judges of the pool. The
 * process (learner-process.ts) has the rings, the clock, the store and the channel, and gives each pool what is its own
 * (pool-learners.ts).
 */

import type { LearnerOrder, LearnerOrderReply, OrderScope } from "../protocol/learner.ts";
import type { LearnerDescription } from "../shared/explanation/learned.ts";
import { Rung } from "../shared/memory/layout/learning.ts";
import { MAX_SERVERS } from "../shared/memory/layout/shared-memory.ts";
import type { FleetFeatures } from "./features/fleet-features.ts";
import type { PoolMember } from "./member.ts";
import { OnlineLearning, type OnlineLearningOptions } from "./online/online-learning.ts";
import type { Resources } from "./online/resources.ts";
import { describeLearner } from "./serving/explain.ts";
import { LearnerCore } from "./serving/learner-core.ts";
import { PerServerThinning } from "./serving/per-server-thinning.ts";
import { rungLog } from "./serving/rung-log.ts";
import { HISTORY_BYTES, TableHistory } from "./serving/table-history.ts";
import type { RecordedOutcome } from "./serving/worker-rings.ts";

/** Tables of a pool of eight servers for ten seconds: what each pool may remember, however many there are. */
const LEAST_HISTORY_BYTES = 1024 * 1024;

/** What it works on. */
export interface PoolLearnerOptions extends Omit<OnlineLearningOptions, "resources" | "core" | "history"> {
  /** What is known of the servers already; nothing unless given. */
  readonly features?: FleetFeatures;
  /** Any clock that runs evenly, milliseconds: how long a model takes. */
  readonly stopwatch: () => number;
}

export class PoolLearner implements PoolMember {
  readonly #options: PoolLearnerOptions;
  readonly #core: LearnerCore;
  readonly #history: TableHistory;
  readonly #thinning: PerServerThinning;
  readonly #sayRung: (reason: string) => void;
  /** `null` until there are resources and a first champion: the estimator balances. */
  #learning: OnlineLearning | null = null;
  #closed = false;

  constructor(options: PoolLearnerOptions) {
    const { pool, memory, features, stopwatch, log, part } = options;
    this.#options = options;
    this.#history = new TableHistory(() => Math.max(LEAST_HISTORY_BYTES, HISTORY_BYTES * part()));
    this.#thinning = new PerServerThinning(MAX_SERVERS, part);
    this.#core = new LearnerCore({
      fleet: memory.servers,
      features,
      pool: pool.row,
      learned: memory.learned[pool.row],
      counters: memory.learnerCounters,
      history: this.#history,
      stopwatch,
      onTable: (table) => this.#learning?.onTable(table),
    });
    this.#core.order(Rung.ESTIMATOR, "the learner has just begun");
    this.#sayRung = rungLog(log);
  }

  /** The tables that are remembered, to explain by. */
  get history(): TableHistory {
    return this.#history;
  }

  get tableBytes(): number {
    return this.#history.addedBytes;
  }

  /** Workers expect tables. */
  readonly isAsleep = false;

  replay(outcome: RecordedOutcome): void {
    this.#core.observe(outcome);
  }

  beginRound(): void {
    this.#thinning.begin(this.#options.nowMs());
  }

  observe(outcome: RecordedOutcome): void {
    if (this.#thinning.takes(outcome.slot, outcome.atMs)) this.#core.observe(outcome);
    this.#learning?.onOutcome(outcome);
  }

  /** Makes the tables, and lets learning go on. */
  async tick(slots: Int32Array | undefined): Promise<void> {
    if (this.#closed) return;
    if (slots !== undefined) await this.#core.refresh(slots, this.#options.nowMs());
    if (this.#learning === null || this.#closed) return;
    this.#learning.tick();
    this.#sayRung(this.#core.rungReason); // before that it is not a failure
  }

  /** Begins to learn, by the models of a store. Never rejects. */
  async learn(resources: Resources): Promise<void> {
    if (this.#closed) return;
    const learning = await OnlineLearning.begin({
      ...this.#options,
      resources,
      core: this.#core,
      history: this.#history,
    });
    if (this.#closed)
      await learning.close(); // the pool went meanwhile
    else this.#learning = learning;
  }

  /** What is known of the servers, and where learning is. */
  describe(): LearnerDescription {
    const learning = this.#learning?.describe() ?? null;
    return describeLearner(this.#options.memory, this.#history, this.#core.rungReason, learning);
  }

  /** Carries out what an operator orders, once it learns. Never rejects. */
  async order(order: LearnerOrder, version: number | null, scope?: OrderScope): Promise<LearnerOrderReply | null> {
    return (await this.#learning?.order(order, version, scope)) ?? null;
  }

  /** Ends a training, and hands what is left to the store. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#learning?.close();
  }

  /** As `close`, for a pool that is gone while the process goes on: the estimator balances what is left of it. */
  async leave(): Promise<void> {
    this.#core.close();
    this.#options.gauges.clear();
    await this.close();
  }
}
