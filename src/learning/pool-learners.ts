/**
 * The learners of all pools of the instance: which there are, and what each is given of the outcomes, of the time and of the
 * questions. What one pool's traffic says never reaches another's learner.
 */
import type { LearnerOrder, LearnerOrderReply, LearnerPool } from "../protocol/learner.ts";
import type { LearnedExplanation, LearnerDescription } from "../shared/explanation/learned.ts";
import type { SharedMemory } from "../shared/memory/layout/shared-memory.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import { type ReplaceableLogger, replaceableLogger } from "../telemetry/log/replaceable-logger.ts";
import { FleetFeatures } from "./features/fleet-features.ts";
import type { PoolMember } from "./member.ts";
import { PoolObserver } from "./observing/pool-observer.ts";
import type { Resources } from "./online/resources.ts";
import type { PoolLearner, PoolLearnerOptions } from "./pool-learner.ts";
import { type ExplainedPool, explainRequest } from "./serving/explain.ts";
import { SharedGauges } from "./serving/pool-gauges.ts";
import { ServerOwners } from "./serving/server-owners.ts";
import type { RecordedDecision, RecordedOutcome } from "./serving/worker-rings.ts";

/** What they work on. */
export interface PoolLearnersOptions extends Omit<PoolLearnerOptions, "pool" | "gauges" | "part" | "features"> {
  readonly memory: SharedMemory;
  readonly log: Logger;
  /** Makes the learner of a pool that `ml` balances. Whoever has none need not load models, judges and what trains them. */
  readonly balanced: (options: PoolLearnerOptions) => PoolLearner;
}

interface Entry {
  readonly pool: LearnerPool;
  /** What is known of its servers: whoever learns of it next goes on with it. */
  readonly features: FleetFeatures;
  readonly logger: ReplaceableLogger;
  readonly member: PoolMember;
  /** The same where `ml` balances; `null` where its traffic is only observed. */
  readonly learner: PoolLearner | null;
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
    for (const { member } of this.#entries.values()) bytes += member.tableBytes;
    return bytes;
  }

  /** Nobody routes by any of them, and nothing has happened for a while. */
  get isAsleep(): boolean {
    for (const { member } of this.#entries.values()) if (!member.isAsleep) return false;
    return true;
  }

  /**
   * These there are from now on. Those that stay keep everything; the others are given up, and their models with them. One that
   * `ml` balances from now on, or no more, keeps what is known of its servers.
   */
  set(pools: readonly LearnerPool[]): void {
    for (const [row, { pool }] of this.#entries) {
      if (pools.some((stays) => stays.row === row && stays.name === pool.name)) continue;
      void this.#remove(row);
      this.#servers.forget(row);
    }
    for (const pool of pools) {
      const present = this.#entries.get(pool.row);
      if (present !== undefined && present.pool.observed === pool.observed) continue;
      const left = present === undefined ? null : this.#remove(pool.row);
      void this.#begin(this.#add(pool, present?.features), left);
    }
    this.#nameInLog();
  }

  /** Outcomes that the learner before this one had read: to know of the servers what it knew. */
  replay(outcomes: readonly RecordedOutcome[]): void {
    for (const outcome of outcomes) this.#memberOf(outcome)?.replay(outcome);
  }

  /** To be called before each round of outcomes. */
  beginRound(): void {
    this.#servers.refresh();
    for (const { member } of this.#entries.values()) member.beginRound();
  }

  /** An attempt ended. One at a server of a pool that is not learned of, or no more, is of no use to anybody. */
  observe(outcome: RecordedOutcome): void {
    this.#memberOf(outcome)?.observe(outcome);
  }

  /** Moves time on: makes the tables of all pools, and lets learning go on. A pool whose model is waited for keeps nobody up. */
  async tick(): Promise<void> {
    const isKnown = this.#servers.refresh();
    await Promise.all(
      Array.from(this.#entries.values(), ({ pool, member }) =>
        member.tick(isKnown ? this.#servers.slotsOf(pool.row) : undefined),
      ),
    );
  }

  /** Begins to learn, by the models of a store. Never rejects. */
  async learn(resources: Resources): Promise<void> {
    this.#resources = resources;
    await Promise.all(Array.from(this.#entries.values(), ({ member }) => member.learn(resources)));
  }

  /** Why a request went where it went; `null` when nobody remembers it. @param name only what the pool had to do with it. */
  explain(requestId: string, name: string | null): LearnedExplanation | null {
    const { memory, wallOffsetMs } = this.#options;
    const poolOf = (decision: RecordedDecision): ExplainedPool | undefined => {
      const entry = this.#entryOf(decision.slot, decision.serverId);
      if (entry === undefined || (name !== null && entry.pool.name !== name)) return undefined;
      const { pool, learner } = entry;
      if (learner === null) return undefined;
      const known = { row: pool.row, history: learner.history };
      return this.#balanced > 1 ? { ...known, name: pool.name } : known;
    };
    // Where none was ever balanced by `ml` there are no decisions, and no pages for them.
    if (this.#balanced === 0) return null;
    return explainRequest({ memory, wallOffsetMs, poolOf }, requestId);
  }

  /** What is known of the servers, and where learning is, by name of the pool. @param name only this pool. */
  describe(name: string | null): Readonly<Record<string, LearnerDescription>> {
    const found: [string, LearnerDescription][] = [];
    for (const { pool, learner } of this.#entries.values()) {
      if (learner !== null && (name === null || pool.name === name)) found.push([pool.name, learner.describe()]);
    }
    return Object.fromEntries(found);
  }

  /** Carries out what an operator orders for a pool, once it learns; `null` = it is not learned of. Never rejects. */
  async order(name: string, order: LearnerOrder, version: number | null): Promise<LearnerOrderReply | null> {
    for (const { pool, member } of this.#entries.values()) {
      if (pool.name === name) return member.order(order, version);
    }
    return null;
  }

  /** Ends a training, and hands what is left to the store. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#entries.values(), ({ member }) => member.close()));
  }

  #add(pool: LearnerPool, features = new FleetFeatures(this.#options.memory.servers)): PoolMember {
    const logger = replaceableLogger(this.#options.log);
    const common = { ...this.#options, pool, features, gauges: this.#gauges.add() };
    // Those that are only observed take nothing from what those may do that are balanced.
    const learner =
      pool.observed === true
        ? null
        : this.#options.balanced({ ...common, log: logger.log, part: () => 1 / Math.max(1, this.#balanced) });
    const part = () => 1 / Math.max(1, this.#entries.size - this.#balanced);
    const member = learner ?? new PoolObserver({ ...common, part });
    this.#entries.set(pool.row, { pool, features, logger, member, learner });
    return member;
  }

  /** @param left resolves when the one before it has handed over what it had. */
  async #begin(member: PoolMember, left: Promise<void> | null): Promise<void> {
    const resources = this.#resources; // if there are none yet, `learn` sees to all
    await left;
    if (resources !== null) await member.learn(resources);
  }

  /** Resolves when it has handed over what it had. */
  #remove(row: number): Promise<void> {
    const { member } = this.#entries.get(row)!;
    this.#entries.delete(row);
    this.#formerBytes += member.tableBytes;
    return member.leave();
  }

  /** How many of them `ml` balances. */
  get #balanced(): number {
    let count = 0;
    for (const { learner } of this.#entries.values()) if (learner !== null) count++;
    return count;
  }

  /** Where there are several, lines say whose they are. */
  #nameInLog(): void {
    const { log } = this.#options;
    const several = this.#balanced > 1;
    for (const { pool, logger } of this.#entries.values()) {
      logger.replace(several ? log.child({ pool: pool.name }) : log);
    }
  }

  #memberOf({ slot, serverId }: RecordedOutcome): PoolMember | undefined {
    return this.#entryOf(slot, serverId)?.member;
  }

  #entryOf(slot: number, serverId: number): Entry | undefined {
    return this.#entries.get(this.#servers.rowOf(slot, serverId));
  }
}
