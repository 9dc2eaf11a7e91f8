/**
 * The learners of all pools of the instance: which there are, and what each is given of the outcomes, of the time and of the
 * questions. What one pool's traffic says never reaches another's learner.
 */
import type { LearnerOrder, LearnerOrderReply, LearnerPool, OrderScope } from "../protocol/learner.ts";
import type { LearnedExplanation, LearnerDescription } from "../shared/explanation/learned.ts";
import type { SharedMemory } from "../shared/memory/layout/shared-memory.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import { type ReplaceableLogger, replaceableLogger } from "../telemetry/log/replaceable-logger.ts";
import { PoolClasses } from "./classes/pool-classes.ts";
import type { PoolTemplate } from "./classes/template-feed.ts";
import { PoolKnowledge } from "./cluster/knowledge/pool-knowledge.ts";
import type { LinkedCluster } from "./cluster/learner-link.ts";
import { FleetFeatures } from "./features/fleet-features.ts";
import { PoolLimits } from "./holding/pool-limits.ts";
import type { PoolMember } from "./member.ts";
import { PoolObserver } from "./observing/pool-observer.ts";
import type { Resources } from "./online/resources.ts";
import type { PoolLearner, PoolLearnerOptions } from "./pool-learner.ts";
import { type ExplainedPool, explainRequest } from "./serving/explain.ts";
import { SharedGauges } from "./serving/pool-gauges.ts";
import { ServerOwners } from "./serving/server-owners.ts";
import type { RecordedDecision, RecordedOutcome } from "./serving/worker-rings.ts";

const NOBODY: readonly PoolMember[] = [];

/** What they work on. */
export interface PoolLearnersOptions extends Omit<PoolLearnerOptions, "pool" | "gauges" | "part" | "features"> {
  readonly memory: SharedMemory;
  readonly log: Logger;
  /** With whom what is learned of servers is shared; `null`, or left out = with nobody. */
  readonly knowledge?: LinkedCluster | null;
  /** Makes the learner of a pool that `ml` balances. Whoever has none need not load models, judges and what trains them. */
  readonly balanced: (options: PoolLearnerOptions) => PoolLearner;
}

interface Entry {
  readonly pool: LearnerPool;
  /** What is known of its servers: whoever learns of it next goes on with it. */
  readonly features: FleetFeatures;
  readonly logger: ReplaceableLogger;
  /** Whoever learns something of it, in the order in which they are told. */
  readonly members: readonly PoolMember[];
  /** The one of them that `ml` balances by; `null` where another strategy does. */
  readonly learner: PoolLearner | null;
  /** The one of them that keeps samples where another strategy balances. */
  readonly observer: PoolObserver | null;
  /** The one of them that learns what its servers work on at once. */
  readonly limits: PoolLimits | null;
  /** The one of them that learns what requests cost. */
  readonly classes: PoolClasses | null;
  /** The one of them that shares what is known of its servers. */
  readonly knowledge: PoolKnowledge | null;
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
    for (const member of this.#members()) bytes += member.tableBytes;
    return bytes;
  }

  /** Nobody routes by any of them, and nothing has happened for a while. */
  get isAsleep(): boolean {
    for (const member of this.#members()) if (!member.isAsleep) return false;
    return true;
  }

  /**
   * These there are from now on. Those that stay keep everything; the others are given up, and their models with them. One that
   * `ml` balances from now on, or no more, keeps what is known of its servers.
   */
  set(pools: readonly LearnerPool[]): void {
    for (const [row, { pool, members }] of this.#entries) {
      if (pools.some((stays) => stays.row === row && stays.name === pool.name)) continue;
      this.#entries.delete(row);
      for (const member of members) void this.#leave(member);
      this.#servers.forget(row);
    }
    for (const pool of pools) {
      const before = this.#entries.get(pool.row);
      if (before !== undefined && isLearnedAlike(before.pool, pool)) continue;
      const now = this.#add(pool, before);
      const left = before?.members.filter((member) => !now.members.includes(member)) ?? [];
      const haveLeft = Promise.all(left.map((member) => this.#leave(member)));
      for (const member of now.members)
        if (before?.members.includes(member) !== true) void this.#begin(member, haveLeft);
    }
    this.#nameInLog();
  }

  /** Outcomes that the learner before this one had read: to know of the servers what it knew. */
  replay(outcomes: readonly RecordedOutcome[]): void {
    for (const outcome of outcomes) for (const member of this.#membersOf(outcome)) member.replay(outcome);
  }

  /** To be called before each round of outcomes. */
  beginRound(): void {
    this.#servers.refresh();
    for (const member of this.#members()) member.beginRound();
  }

  /** An attempt ended. One at a server of a pool that is not learned of, or no more, is of no use to anybody. */
  observe(outcome: RecordedOutcome): void {
    for (const member of this.#membersOf(outcome)) member.observe(outcome);
  }

  /** Are classes of requests told apart in any of them? Else nobody tells of templates. */
  get hasClasses(): boolean {
    return this.#classed > 0;
  }

  /** A worker told of a template. */
  name(template: PoolTemplate): void {
    this.#entries.get(template.pool)?.classes?.name(template);
  }

  /** Moves time on: makes the tables of all pools, and lets learning go on. A pool whose model is waited for keeps nobody up. */
  async tick(): Promise<void> {
    const isKnown = this.#servers.refresh();
    await Promise.all(
      Array.from(this.#entries.values()).flatMap(({ pool, members }) => {
        const slots = isKnown ? this.#servers.slotsOf(pool.row) : undefined;
        return members.map((member) => member.tick(slots));
      }),
    );
  }

  /** Begins to learn, by the models of a store. Never rejects. */
  async learn(resources: Resources): Promise<void> {
    this.#resources = resources;
    await Promise.all(Array.from(this.#members(), (member) => member.learn(resources)));
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
  async order(
    name: string,
    order: LearnerOrder,
    version: number | null,
    scope?: OrderScope,
  ): Promise<LearnerOrderReply | null> {
    for (const { pool, learner } of this.#entries.values()) {
      if (pool.name !== name) continue;
      if (learner !== null) return learner.order(order, version, scope);
      return { done: false, message: `the pool ${name} is not balanced by ml: it has no models` };
    }
    return null;
  }

  /** Ends a training, and hands what is left to the store. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#members(), (member) => member.close()));
  }

  /** @param before as it was learned of until now: what stays as it is goes on. */
  #add(pool: LearnerPool, before?: Entry): Entry {
    const logger = before?.logger ?? replaceableLogger(this.#options.log);
    const features = before?.features ?? new FleetFeatures(this.#options.memory.servers);
    const common = { ...this.#options, pool, features, log: logger.log };
    const gauged = () => ({ ...common, gauges: this.#gauges.add() });
    // Those that are only observed take nothing from what those may do that are balanced.
    const learner =
      pool.observed === true
        ? null
        : (before?.learner ?? this.#options.balanced({ ...gauged(), part: () => partOf(this.#balanced) }));
    const observer =
      pool.samples === true
        ? (before?.observer ?? new PoolObserver({ ...gauged(), part: () => partOf(this.#sampled) }))
        : null;
    const typicalMs = (outcome: RecordedOutcome): number =>
      this.#entries.get(pool.row)?.classes?.typicalMs(outcome) ?? outcome.latencyMs;
    const limits =
      pool.limits === true
        ? (before?.limits ?? new PoolLimits({ ...common, typicalMs, part: () => partOf(this.#limited) }))
        : null;
    const classes =
      pool.classes === true
        ? (before?.classes ?? new PoolClasses({ ...common, part: () => partOf(this.#classed) }))
        : null;
    const cluster = this.#options.knowledge ?? null;
    const knowledge =
      cluster !== null && (learner !== null || limits !== null)
        ? (before?.knowledge ?? this.#share(cluster, pool, features, logger.log))
        : null;
    const members = [learner, observer, limits, classes, knowledge].filter((member) => member !== null);
    const entry = { pool, features, logger, members, learner, observer, limits, classes, knowledge };
    this.#entries.set(pool.row, entry);
    return entry;
  }

  /** Tells other instances what is known of the pool's servers, and hears of them. */
  #share(cluster: LinkedCluster, { name, row }: LearnerPool, curves: FleetFeatures, log: Logger): PoolKnowledge {
    const { memory, nameOf, nowMs } = this.#options;
    return new PoolKnowledge({
      pool: name,
      link: cluster.link,
      cluster: cluster.name,
      id: cluster.instance.id,
      curves,
      limits: () => this.#entries.get(row)?.limits ?? null,
      idOf: (slot) => memory.servers.id[slot],
      nameOf,
      counters: memory.learnerCounters,
      log,
      nowMs,
    });
  }

  /** @param haveLeft resolves when those before it have handed over what they had. */
  async #begin(member: PoolMember, haveLeft: Promise<unknown>): Promise<void> {
    const resources = this.#resources; // if there are none yet, `learn` sees to all
    await haveLeft;
    if (resources !== null) await member.learn(resources);
  }

  /** Resolves when it has handed over what it had. */
  #leave(member: PoolMember): Promise<void> {
    this.#formerBytes += member.tableBytes;
    return member.leave();
  }

  /** How many of them `ml` balances. */
  get #balanced(): number {
    return this.#count(({ learner }) => learner !== null);
  }

  /** Of how many others samples are kept. */
  get #sampled(): number {
    return this.#count(({ observer }) => observer !== null);
  }

  /** Of how many it is learned what servers work on at once. */
  get #limited(): number {
    return this.#count(({ limits }) => limits !== null);
  }

  /** Of how many classes of requests are told apart. */
  get #classed(): number {
    return this.#count(({ classes }) => classes !== null);
  }

  #count(isMeant: (entry: Entry) => boolean): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (isMeant(entry)) count++;
    return count;
  }

  /** Where there are several, lines say whose they are. */
  #nameInLog(): void {
    const { log } = this.#options;
    const several = this.#balanced > 1 || this.#limited > 1 || this.#classed > 1;
    for (const { pool, logger } of this.#entries.values()) {
      logger.replace(several ? log.child({ pool: pool.name }) : log);
    }
  }

  *#members(): Iterable<PoolMember> {
    for (const { members } of this.#entries.values()) yield* members;
  }

  #membersOf({ slot, serverId }: RecordedOutcome): readonly PoolMember[] {
    return this.#entryOf(slot, serverId)?.members ?? NOBODY;
  }

  #entryOf(slot: number, serverId: number): Entry | undefined {
    return this.#entries.get(this.#servers.rowOf(slot, serverId));
  }
}

function isLearnedAlike(one: LearnerPool, other: LearnerPool): boolean {
  const kinds = ["observed", "samples", "limits", "classes"] as const;
  return kinds.every((kind) => one[kind] === other[kind]);
}

/** Each gets as much. */
function partOf(pools: number): number {
  return 1 / Math.max(1, pools);
}
