/**
 * The learners of all pools of the instance: which there are, and what each is given of the outcomes, of the time and of the
 * questions. What one pool's traffic says never reaches another's learner.
 */
import type { LearnerOrder, LearnerOrderReply, LearnerPool } from "../protocol/learner.ts";
import type { Explanation, LearnerDescription } from "../shared/explanation.ts";
import type { SharedMemory } from "../shared/memory/layout.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import { type ReplaceableLogger, replaceableLogger } from "../telemetry/log/replaceable-logger.ts";
import type { Resources } from "./online/resources.ts";
import { PoolLearner, type PoolLearnerOptions } from "./pool-learner.ts";
import { type ExplainedPool, explainRequest } from "./serving/explain.ts";
import { SharedGauges } from "./serving/pool-gauges.ts";
import { ServerOwners } from "./serving/server-owners.ts";
import type { RecordedDecision, RecordedOutcome } from "./serving/worker-rings.ts";

/** What they work on. */
export interface PoolLearnersOptions extends Omit<PoolLearnerOptions, "pool" | "gauges" | "part"> {
  readonly memory: SharedMemory;
  readonly log: Logger;
}

interface Entry {
  readonly pool: LearnerPool;
  readonly learner: PoolLearner;
  readonly logger: ReplaceableLogger;
}

export class PoolLearners {
  readonly #options: PoolLearnersOptions;
  readonly #servers: ServerOwners;
  readonly #gauges: SharedGauges;
  /** By row. */
  readonly #entries = new Map<number, Entry>();
  #resources: Resources | null = null;
  /** Made by learners that are gone. */
  #formerBytes = 0;

  constructor(options: PoolLearnersOptions, pools: readonly LearnerPool[]) {
    this.#options = options;
    this.#servers = new ServerOwners(options.memory);
    this.#servers.refresh();
    this.#gauges = new SharedGauges(options.memory.learnerCounters);
    for (const pool of pools) this.#add(pool);
    this.#nameInLog();
  }

  /** Of all tables that were ever made: what is dropped is garbage. */
  get tableBytes(): number {
    let bytes = this.#formerBytes;
    for (const { learner } of this.#entries.values()) bytes += learner.tableBytes;
    return bytes;
  }

  /** These there are from now on. Those that stay keep everything; the others are given up, and their models with them. */
  set(pools: readonly LearnerPool[]): void {
    for (const [row, { pool, learner }] of this.#entries) {
      if (pools.some((stays) => stays.row === row && stays.name === pool.name)) continue;
      this.#entries.delete(row);
      this.#formerBytes += learner.tableBytes;
      this.#servers.forget(row);
      void learner.leave();
    }
    for (const pool of pools) {
      if (this.#entries.has(pool.row)) continue;
      const learner = this.#add(pool);
      if (this.#resources !== null) void learner.learn(this.#resources);
    }
    this.#nameInLog();
  }

  /** Outcomes that the learner before this one had read: to know of the servers what it knew. */
  replay(outcomes: readonly RecordedOutcome[]): void {
    for (const outcome of outcomes) this.#learnerOf(outcome)?.replay(outcome);
  }

  /** To be called before each round of outcomes. */
  beginRound(): void {
    this.#servers.refresh();
    for (const { learner } of this.#entries.values()) learner.beginRound();
  }

  /** An attempt ended. One at a server of a pool that is not learned of, or no more, is of no use to anybody. */
  observe(outcome: RecordedOutcome): void {
    this.#learnerOf(outcome)?.observe(outcome);
  }

  /** Makes the tables of all pools, and lets learning go on. A pool whose model is waited for keeps nobody up. */
  async tick(): Promise<void> {
    const isKnown = this.#servers.refresh();
    await Promise.all(
      Array.from(this.#entries.values(), ({ pool, learner }) =>
        learner.tick(isKnown ? this.#servers.slotsOf(pool.row) : undefined),
      ),
    );
  }

  /** Begins to learn, by the models of a store. Never rejects. */
  async learn(resources: Resources): Promise<void> {
    this.#resources = resources;
    await Promise.all(Array.from(this.#entries.values(), ({ learner }) => learner.learn(resources)));
  }

  /** Why a request went where it went; `null` when nobody remembers it. @param name only what the pool had to do with it. */
  explain(requestId: string, name: string | null): Explanation | null {
    const { memory, wallOffsetMs } = this.#options;
    const poolOf = (decision: RecordedDecision): ExplainedPool | undefined => {
      const entry = this.#entryOf(decision.slot, decision.serverId);
      if (entry === undefined || (name !== null && entry.pool.name !== name)) return undefined;
      const { pool, learner } = entry;
      const known = { row: pool.row, history: learner.history };
      return this.#entries.size > 1 ? { ...known, name: pool.name } : known;
    };
    return explainRequest({ memory, wallOffsetMs, poolOf }, requestId);
  }

  /** What is known of the servers, and where learning is, by name of the pool. @param name only this pool. */
  describe(name: string | null): Readonly<Record<string, LearnerDescription>> {
    const found: [string, LearnerDescription][] = [];
    for (const { pool, learner } of this.#entries.values()) {
      if (name === null || pool.name === name) found.push([pool.name, learner.describe()]);
    }
    return Object.fromEntries(found);
  }

  /** Carries out what an operator orders for a pool, once it learns; `null` = it is not learned of. Never rejects. */
  async order(name: string, order: LearnerOrder, version: number | null): Promise<LearnerOrderReply | null> {
    for (const { pool, learner } of this.#entries.values()) {
      if (pool.name === name) return learner.order(order, version);
    }
    return null;
  }

  /** Ends a training, and hands what is left to the store. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#entries.values(), ({ learner }) => learner.close()));
  }

  #add(pool: LearnerPool): PoolLearner {
    const logger = replaceableLogger(this.#options.log);
    const learner = new PoolLearner({
      ...this.#options,
      pool,
      log: logger.log,
      gauges: this.#gauges.add(),
      part: () => 1 / Math.max(1, this.#entries.size),
    });
    this.#entries.set(pool.row, { pool, learner, logger });
    return learner;
  }

  /** Where there are several, lines say whose they are. */
  #nameInLog(): void {
    const { log } = this.#options;
    for (const { pool, logger } of this.#entries.values()) {
      logger.replace(this.#entries.size > 1 ? log.child({ pool: pool.name }) : log);
    }
  }

  #learnerOf({ slot, serverId }: RecordedOutcome): PoolLearner | undefined {
    return this.#entryOf(slot, serverId)?.learner;
  }

  #entryOf(slot: number, serverId: number): Entry | undefined {
    return this.#entries.get(this.#servers.rowOf(slot, serverId));
  }
}
