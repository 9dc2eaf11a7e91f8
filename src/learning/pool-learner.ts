/**
 * The learner of one pool of servers: what is known of them, the tables made of it, and the models and judges of the pool. The
 * process (learner-process.ts) has the rings, the clock, the store and the channel; there is one pool today.
 */

import type { LearnerOrder, LearnerOrderReply } from "../protocol/learner.ts";
import type { Explanation, LearnerDescription } from "../shared/explanation.ts";
import { MAX_SERVERS } from "../shared/memory/layout.ts";
import { Rung } from "../shared/memory/layout-learning.ts";
import { OnlineLearning, type OnlineLearningOptions } from "./online/online-learning.ts";
import type { Resources } from "./online/resources.ts";
import { describeLearner, explainRequest } from "./serving/explain.ts";
import { LearnerCore } from "./serving/learner-core.ts";
import { PerServerThinning } from "./serving/per-server-thinning.ts";
import { rungLog } from "./serving/rung-log.ts";
import { TableHistory } from "./serving/table-history.ts";
import type { RecordedOutcome } from "./serving/worker-rings.ts";

/** What it works on. */
export interface PoolLearnerOptions extends Omit<OnlineLearningOptions, "resources" | "core" | "history"> {
  /** Any clock that runs evenly, milliseconds: how long a model takes. */
  readonly stopwatch: () => number;
}

export class PoolLearner {
  readonly #options: PoolLearnerOptions;
  readonly #core: LearnerCore;
  readonly #history = new TableHistory();
  readonly #thinning = new PerServerThinning(MAX_SERVERS);
  readonly #sayRung: (reason: string) => void;
  /** `null` until there are resources and a first champion: the estimator balances. */
  #learning: OnlineLearning | null = null;

  constructor(options: PoolLearnerOptions) {
    const { memory, stopwatch, log } = options;
    this.#options = options;
    this.#core = new LearnerCore({
      fleet: memory.servers,
      learned: memory.learned[0],
      counters: memory.learnerCounters,
      history: this.#history,
      stopwatch,
      onTable: (table) => this.#learning?.onTable(table),
    });
    this.#core.order(Rung.ESTIMATOR, "the learner has just begun");
    this.#sayRung = rungLog(log);
  }

  /** Of all tables that were ever made: what is dropped is garbage. */
  get tableBytes(): number {
    return this.#history.addedBytes;
  }

  /** Outcomes that the learner before this one had read: to know of the servers what it knew. */
  replay(outcomes: readonly RecordedOutcome[]): void {
    for (const outcome of outcomes) this.#core.observe(outcome);
  }

  /** To be called before each round of outcomes. */
  beginRound(): void {
    this.#thinning.begin(this.#options.nowMs());
  }

  /** An attempt at one of the pool's servers ended. */
  observe(outcome: RecordedOutcome): void {
    if (this.#thinning.takes(outcome.slot, outcome.atMs)) this.#core.observe(outcome);
    this.#learning?.onOutcome(outcome);
  }

  /** Makes the tables, and lets learning go on. @param slots servers that may be asked; `undefined` = not known just now. */
  async tick(slots: Int32Array | undefined): Promise<void> {
    if (slots !== undefined) await this.#core.refresh(slots, this.#options.nowMs());
    if (this.#learning === null) return;
    this.#learning.tick();
    this.#sayRung(this.#core.rungReason); // before that it is not a failure
  }

  /** Begins to learn, by the models of a store. Never rejects. */
  async learn(resources: Resources): Promise<void> {
    this.#learning = await OnlineLearning.begin({
      ...this.#options,
      resources,
      core: this.#core,
      history: this.#history,
    });
  }

  /** Why a request went where it went; `null` when nobody remembers it. */
  explain(requestId: string): Explanation | null {
    return explainRequest({ ...this.#options, history: this.#history }, requestId);
  }

  /** What is known of the servers, and where learning is. */
  describe(): LearnerDescription {
    const learning = this.#learning?.describe() ?? null;
    return describeLearner({ ...this.#options, history: this.#history }, this.#core.rungReason, learning);
  }

  /** Carries out what an operator orders, once it learns. Never rejects. */
  async order(order: LearnerOrder, version: number | null): Promise<LearnerOrderReply | null> {
    return (await this.#learning?.order(order, version)) ?? null;
  }

  /** Ends a training, and hands what is left to the store. */
  async close(): Promise<void> {
    await this.#learning?.close();
  }
}
