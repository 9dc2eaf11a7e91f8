/** One pool of servers in one worker: all that its requests share, and that those of other pools have no part in. */
import { type FailingOptions, FailingServers } from "../../balancing/failing-servers.ts";
import { createStrategy, isSameStrategy, LEARNED_STRATEGY, STRATEGIES } from "../../balancing/registry.ts";
import type { Standstills } from "../../balancing/standstills.ts";
import type { FleetView, Strategy } from "../../balancing/strategy.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import type { PoolSettings } from "../../protocol/pool.ts";
import type { WorkerRings } from "../../shared/memory/layout/learning.ts";
import { PeerFigure } from "../../shared/memory/layout/peers.ts";
import { Header, type SharedMemory, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { Classifier } from "../classes/classifier.ts";
import type { TemplateWriter } from "../classes/template-writer.ts";
import { type OutcomeConsumer, OutcomeConsumers } from "../outcome.ts";
import type { ChoiceNotebook } from "../pick/choice-writer.ts";
import { DecisionWriter } from "../pick/decision-log.ts";
import { FailureStreaks } from "../pick/failure-streaks.ts";
import { OutcomeWriter } from "../pick/outcome-log.ts";
import { Picker } from "../pick/picker.ts";
import { StickyCookie } from "../pick/sticky-cookie.ts";
import { createStickyKey, type StickyKey } from "../pick/sticky-key.ts";
import { learns, StrategyFeed } from "../pick/strategy-feed.ts";
import { WorkInFlight } from "../pick/work-in-flight.ts";
import { ServerCounts } from "../record/server-counts.ts";
import type { TrustedProxies } from "../rewrite/trusted-proxies.ts";
import type { Neighbours } from "./queue/neighbours.ts";
import { WaitQueue } from "./queue/wait-queue.ts";
import { RetryBudget } from "./retry-budget.ts";

/** Retries per second that the budget always allows. */
const RETRY_FLOOR_PER_SECOND = 3;

/** What a worker's pools share. */
export interface PoolParts {
  readonly memory: SharedMemory;
  readonly block: WorkerBlock;
  readonly rings: WorkerRings;
  /** Where templates are told of that are no class. */
  readonly templates: TemplateWriter;
  /** By slot: see `FleetView`. */
  readonly identityHash: Uint32Array;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What, added to the monotonic clock, gives the boot clock (boot-clock.ts). Only asked for where it is needed. */
  readonly bootOffsetMs: () => number;
  /** Where requests wait in other workers. */
  readonly neighbours: Neighbours;
  /** Where choices are taken down. Left out = nowhere. */
  readonly choices?: ChoiceNotebook;
  /** When this worker stood still itself, on `now`. */
  readonly standstills: Standstills;
  /** Told what a request threw when its turn in the queue came. */
  readonly onInternalError: (error: unknown) => void;
}

/** One pool. It lives on over reloads: what changes in it changes for the requests under way, too. */
export class ServerPool {
  readonly #parts: PoolParts;
  readonly #failing: FailingServers;
  #settings: PoolSettings;
  readonly picker: Picker;
  /** Requests that wait for a server of it. */
  readonly queue: WaitQueue;
  #retryBudget: RetryBudget;
  #hedgeBudget: RetryBudget;
  #stickyKey: StickyKey;
  /** What its attempts are told to, as the settings and the present strategy want it. */
  #outcomes: OutcomeConsumers;
  /** What its strategies see; `work` while it tells classes of requests apart. */
  readonly #fleet: Writable<FleetView>;
  readonly #work: WorkInFlight;
  #classifier: Classifier | null = null;
  #strategy: Strategy;
  #decisions: DecisionWriter | null;
  #stickyCookie: StickyCookie | null;
  #servers: readonly Endpoint[] = [];

  constructor(parts: PoolParts, settings: PoolSettings, trustedProxies: TrustedProxies) {
    const { memory, block, now } = parts;
    this.#parts = parts;
    this.#settings = settings;
    this.#failing = new FailingServers(memory.servers, failingOptions(settings));
    this.#fleet = fleetOf(parts);
    this.#work = new WorkInFlight(memory, block);
    this.#tellClasses();
    const { strategy, decisions } = this.#createStrategy();
    this.#strategy = strategy;
    this.#decisions = decisions;
    this.picker = new Picker({
      memory,
      own: block,
      pool: settings.row,
      failing: this.#failing,
      work: this.#work,
      strategy,
      decisions,
      strategyIndex: indexOf(settings),
      notebook: parts.choices,
      bootOffsetMs: parts.bootOffsetMs,
    });
    this.queue = new WaitQueue({
      block,
      row: settings.row,
      pool: this.picker,
      neighbours: parts.neighbours,
      standstills: parts.standstills,
      now,
      onError: parts.onInternalError,
    });
    this.#configureQueue();
    this.#retryBudget = retryBudget(settings, now());
    this.#hedgeBudget = hedgeBudget(settings, now());
    this.#stickyKey = createStickyKey(settings.hashOn, trustedProxies);
    this.#outcomes = this.#consumers();
    this.#stickyCookie = StickyCookie.of(settings);
  }

  get settings(): PoolSettings {
    return this.#settings;
  }

  get retryBudget(): RetryBudget {
    return this.#retryBudget;
  }

  get hedgeBudget(): RetryBudget {
    return this.#hedgeBudget;
  }

  /** What a request to it sticks to. */
  get stickyKey(): StickyKey {
    return this.#stickyKey;
  }

  /** How its clients stay at one server; `null` = they do not. */
  get stickyCookie(): StickyCookie | null {
    return this.#stickyCookie;
  }

  /** Says which class its requests are of; `null` = none are told apart. */
  get classifier(): Classifier | null {
    return this.#classifier;
  }

  /** Who is told how attempts at its servers go. */
  get outcomes(): OutcomeConsumers {
    return this.#outcomes;
  }

  /** New settings for what comes; what was learned lives on. */
  configure(settings: PoolSettings, trustedProxies: TrustedProxies): void {
    const old = this.#settings;
    const nowMs = this.#parts.now();
    this.#settings = settings;
    this.#stickyKey = createStickyKey(settings.hashOn, trustedProxies);
    this.#stickyCookie = StickyCookie.of(settings);
    this.#stickyCookie?.setServers(this.#servers);
    if (settings.retryBudgetPercent !== old.retryBudgetPercent) this.#retryBudget = retryBudget(settings, nowMs);
    if (settings.hedgeBudgetPercent !== old.hedgeBudgetPercent) this.#hedgeBudget = hedgeBudget(settings, nowMs);
    if (settings.requestClasses !== old.requestClasses) this.#tellClasses();
    if (!isSameStrategy(old, settings)) {
      const { strategy, decisions } = this.#createStrategy();
      this.#strategy = strategy;
      this.#decisions = decisions;
      this.picker.setStrategy(strategy, decisions, indexOf(settings));
      this.#outcomes = this.#consumers();
    } else if (isLearnedOf(settings) !== isLearnedOf(old)) this.#outcomes = this.#consumers();
    this.#failing.configure(failingOptions(settings));
    this.#configureQueue();
  }

  #configureQueue(): void {
    const { queueSize, queueTimeoutMs, learnsLimits } = this.#settings;
    this.picker.room.setLearning(learnsLimits);
    this.queue.configure(queueSize, queueTimeoutMs);
  }

  /**
   * A server has begun a response that is not over yet: it has room for another request, by what was learned. (One that still
   * comes makes room, too, but it wakes nobody: mostly the rest is there at once.)
   */
  onResponseBegun(slot: number, nowMs: number): void {
    this.picker.beginTransfer(slot);
    this.queue.onFreed(nowMs);
  }

  /** Gives a place in flight back: it is for whoever waits. @param work what was taken with it (work-in-flight.ts). */
  free(slot: number, work: number, nowMs: number): void {
    this.picker.release(slot, work);
    this.queue.onFreed(nowMs);
  }

  /** These are its servers. */
  setServers(servers: readonly Endpoint[]): void {
    this.#servers = servers;
    this.picker.setKnownIds(servers.map(({ slot, id }) => [slot, id] as const));
    this.#stickyCookie?.setServers(servers);
  }

  /** The worker stood still from then until then. */
  onStandstill(fromMs: number, untilMs: number): void {
    this.#strategy.onStandstill?.(fromMs, untilMs);
  }

  #tellClasses(): void {
    const { row, requestClasses } = this.#settings;
    const { memory, templates } = this.#parts;
    this.#work.on = requestClasses;
    this.#fleet.work = requestClasses ? this.#work : undefined;
    const secret = memory.header[Header.TEMPLATE_SECRET];
    this.#classifier = requestClasses ? new Classifier(memory.classes.pools[row], templates, secret, row) : null;
  }

  #createStrategy(): { strategy: Strategy; decisions: DecisionWriter | null } {
    const { memory, block, rings, random, bootOffsetMs, standstills } = this.#parts;
    const { servers } = memory;
    const settings = this.#settings;
    const fleet = this.#fleet;
    // The pages of tables and rings are only real while the strategy is the one that uses them.
    const decisions =
      settings.strategy === LEARNED_STRATEGY
        ? new DecisionWriter(rings, servers, block.counters, bootOffsetMs(), standstills)
        : null;
    const learning = decisions === null ? {} : { learned: memory.learned[settings.row], decisions };
    const strategy = createStrategy(settings.strategy, { fleet, random, ...learning }, settings);
    return { strategy, decisions };
  }

  /** Everybody who is told how attempts go: who wants to hear of them, too, is added here. */
  #consumers(): OutcomeConsumers {
    const { block, rings, bootOffsetMs, standstills } = this.#parts;
    const consumers: OutcomeConsumer[] = [new FailureStreaks(this.#failing), new ServerCounts(block)];
    if (learns(this.#strategy)) consumers.push(new StrategyFeed(this.#strategy, standstills));
    // As with decisions, the pages of the ring are only real while somebody reads it.
    if (this.#decisions !== null) consumers.push(this.#decisions);
    else if (isLearnedOf(this.#settings)) consumers.push(new OutcomeWriter(rings, bootOffsetMs(), standstills));
    return new OutcomeConsumers(consumers);
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function fleetOf({ memory, identityHash, bootOffsetMs }: PoolParts): Writable<FleetView> {
  const { servers, peers } = memory;
  return {
    ...servers,
    peers: peers.figures[PeerFigure.SHARED] === 1 ? peers : undefined,
    identityHash,
    work: undefined,
    // Asked by the strategies that watch for stalls: finding the offset takes some milliseconds.
    get together() {
      return { sinceMs: servers.silentSinceMs, transferring: servers.transferring, clockOffsetMs: bootOffsetMs() };
    },
  };
}

/** The learner reads outcomes of it, whatever its strategy. */
function isLearnedOf({ keepSamples, learnsLimits, requestClasses }: PoolSettings): boolean {
  return keepSamples || learnsLimits || requestClasses;
}

/** Which of `STRATEGIES` it has. */
function indexOf({ strategy }: PoolSettings): number {
  return STRATEGIES.findIndex(({ name }) => name === strategy);
}

function retryBudget({ retryBudgetPercent }: PoolSettings, nowMs: number): RetryBudget {
  return new RetryBudget(retryBudgetPercent / 100, RETRY_FLOOR_PER_SECOND, nowMs);
}

function hedgeBudget({ hedgeBudgetPercent }: PoolSettings, nowMs: number): RetryBudget {
  return new RetryBudget(hedgeBudgetPercent / 100, 0, nowMs);
}

function failingOptions(settings: PoolSettings): FailingOptions {
  return {
    consecutiveFailures: settings.outlierConsecutiveFailures,
    maxEjectedPercent: settings.outlierMaxEjectedPercent,
    baseEjectionMs: settings.outlierBaseEjectionMs,
  };
}
