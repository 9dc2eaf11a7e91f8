/**
 * Learns how many requests the servers of one pool work on at once, and publishes it: whatever the pool's strategy is. Writer of
 * the limits, of `HOLDING` and of what belongs to it: the learner, alone. Readers: workers (balancing/holding/), the supervisor.
 */
import type { LearnerPool, LearnerSettings } from "../../protocol/learner.ts";
import { HoldState, LearnerFigure, LearnerWord } from "../../shared/memory/layout/learning.ts";
import { MAX_SERVERS, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { readPoolQueue } from "../../shared/memory/pool-queue.ts";
import { reclaimLimits } from "../../shared/memory/reclaim-pool.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import { holdingJudgeOptions } from "../judge/operator-options.ts";
import { ConcurrencyLimits } from "../limits/concurrency-limits.ts";
import { OwnPart } from "../limits/own-part.ts";
import type { PoolMember } from "../member.ts";
import type { Resources } from "../online/resources.ts";
import { PerServerThinning } from "../serving/per-server-thinning.ts";
import type { RecordedOutcome } from "../serving/worker-rings.ts";
import { HoldingGuard } from "./holding-guard.ts";

/** From one publication to the next, milliseconds: a server's size hardly changes, and workers believe them for a second. */
const PUBLISH_MS = 100;
/** So long after the last outcome nothing is thought to happen soon, milliseconds. */
const ASLEEP_AFTER_MS = 2_000;

/** What it works on. */
export interface PoolLimitsOptions {
  readonly pool: LearnerPool;
  readonly memory: SharedMemory;
  readonly log: Logger;
  readonly settings: Pick<LearnerSettings, "judgeSpeed">;
  /** The pool's part of what the process may do, 0 … 1. */
  readonly part: () => number;
  /** Boot clock, milliseconds. */
  readonly nowMs: () => number;
  /** Added to it it gives milliseconds since the epoch. */
  readonly wallOffsetMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /**
   * What a mean request would have taken in the place of this one, where classes of requests are told apart: a few heavy ones
   * would look like a server that is full. Left out = what it took.
   */
  readonly typicalMs?: (outcome: RecordedOutcome) => number;
}

export class PoolLimits implements PoolMember {
  readonly #options: PoolLimitsOptions;
  readonly #limits = new ConcurrencyLimits(MAX_SERVERS);
  readonly #part = new OwnPart(MAX_SERVERS);
  readonly #thinning: PerServerThinning;
  readonly #guard: HoldingGuard;
  /** By slot: of which server the outcomes were that the limits come from. */
  readonly #knownId = new Int32Array(MAX_SERVERS);
  /** By slot: what is to be published. */
  readonly #limit = new Int32Array(MAX_SERVERS);
  /** By slot: how many instances know something of the server, where others tell. */
  readonly #sources = new Int32Array(MAX_SERVERS);
  /** Others have told something of the servers, or nothing any more: limits are worked out also where nothing happens. */
  #wasTold = false;
  /** Those that limits were last worked out for. */
  #slots: Int32Array | undefined;
  #heardMs = Number.NEGATIVE_INFINITY;
  #publishedMs = Number.NEGATIVE_INFINITY;
  /** Servers that had a limit when it was last published. */
  #known = 0;
  #hasHeld = false;
  #isRelaxed = false;
  #closed = false;

  constructor(options: PoolLimitsOptions) {
    this.#options = options;
    this.#thinning = new PerServerThinning(MAX_SERVERS, options.part);
    const { pool, memory, settings, nowMs } = options;
    const judge = holdingJudgeOptions(settings.judgeSpeed);
    const guard = { ...options, pool: pool.name, judge, counters: memory.learnerCounters };
    this.#guard = new HoldingGuard(guard, nowMs());
  }

  readonly tableBytes = 0;

  get isAsleep(): boolean {
    return this.#options.nowMs() - this.#heardMs > ASLEEP_AFTER_MS;
  }

  replay(outcome: RecordedOutcome): void {
    this.#takeIn(outcome);
  }

  beginRound(): void {
    this.#thinning.begin(this.#options.nowMs());
  }

  observe(outcome: RecordedOutcome): void {
    if (this.#thinning.takes(outcome.slot, outcome.atMs)) this.#takeIn(outcome);
    if (this.#known > 0) this.#guard.observe(outcome);
  }

  async tick(slots: Int32Array | undefined): Promise<void> {
    const nowMs = this.#options.nowMs();
    if (this.#closed || slots === undefined || nowMs - this.#publishedMs < PUBLISH_MS) return;
    this.#publishedMs = nowMs;
    const { servers, peers } = this.#options.memory;
    this.#part.tick(slots, slots.length, servers, peers, nowMs);
    if (this.isAsleep && slots === this.#slots && !this.#wasTold) {
      // Nothing has happened that would change them: they hold still.
      this.#learned.figures[LearnerFigure.LIMITS_MS] = nowMs;
      return;
    }
    this.#slots = slots;
    this.#wasTold = false;
    for (const slot of slots) this.#claim(slot);
    const { held, oldestMs } = readPoolQueue(this.#options.memory, this.#options.pool.row);
    // Who waits for a hard limit alone is not held: it says nothing of learned ones.
    const waitedMs = held > 0 && oldestMs !== null ? Math.max(0, nowMs - oldestMs) : 0;
    this.#limits.tick(slots, slots.length, nowMs, this.#limit, waitedMs);
    this.#publish(slots, held, nowMs);
  }

  /** What was seen here of the server in `slot`, for other instances (`SizeBelief.evidence`). */
  evidence(slot: number, nats: Float64Array): void {
    this.#claim(slot);
    this.#limits.evidence(slot, this.#options.nowMs(), nats);
  }

  /**
   * What other instances have seen of it (`SizeBelief.hear`).
   * @param sources how many instances know something of it, this one included.
   */
  hear(slot: number, nats: Float64Array | null, sources: number): void {
    this.#claim(slot);
    this.#limits.hear(slot, nats);
    if (nats !== null || this.#sources[slot] !== sources) this.#wasTold = true;
    this.#sources[slot] = sources;
  }

  async learn(resources: Resources): Promise<void> {
    if (!this.#closed) await this.#guard.learn(resources, this.#options.nowMs());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#guard.save(this.#options.nowMs());
  }

  async leave(): Promise<void> {
    reclaimLimits(this.#learned);
    await this.close();
  }

  get #learned(): SharedMemory["learned"][number] {
    return this.#options.memory.learned[this.#options.pool.row];
  }

  #takeIn(outcome: RecordedOutcome): void {
    const { slot, serverId, latencyMs, failed, inFlight, transferring, atMs } = outcome;
    if (this.#options.memory.servers.id[slot] !== serverId) return; // it has left
    this.#claim(slot);
    // They come worker by worker: a time that went back would count twice what passes.
    this.#heardMs = Math.max(this.#heardMs, atMs);
    const typicalMs = this.#options.typicalMs?.(outcome) ?? latencyMs;
    this.#limits.observe(slot, typicalMs, failed, inFlight - transferring, this.#heardMs);
  }

  /** What is known of a slot's former server says nothing of the present one. */
  #claim(slot: number): void {
    const id = this.#options.memory.servers.id[slot];
    if (this.#knownId[slot] === id) return;
    this.#limits.clear(slot);
    this.#part.clear(slot);
    this.#limit[slot] = 0;
    this.#sources[slot] = 0;
    this.#knownId[slot] = id;
  }

  /** Workers read while this writes: a limit is never shown beside the id of another server. */
  #publish(slots: Int32Array, held: number, nowMs: number): void {
    const { words, figures, limit, limitId, settledLimit, ownLimit, limitSources } = this.#learned;
    let known = 0;
    for (const slot of slots) {
      const id = this.#knownId[slot];
      if (limitId[slot] !== id) {
        limit[slot] = 0;
        settledLimit[slot] = 0;
        ownLimit[slot] = 0;
        limitId[slot] = id;
      }
      const settled = Math.ceil(this.#limits.settledLimit(slot));
      limit[slot] = this.#limit[slot];
      settledLimit[slot] = settled;
      ownLimit[slot] = this.#part.ownLimit(slot, settled);
      limitSources[slot] = settled > 0 ? Math.max(1, this.#sources[slot]) : 0;
      if (this.#limit[slot] > 0) known++;
    }
    this.#known = known;
    if (known > 0) this.#guard.tick(nowMs, held);
    const { patienceMs, patienceAmongOthersMs } = this.#limits;
    figures[LearnerFigure.PATIENCE_MS] = this.#part.hasOthers ? patienceAmongOthersMs : patienceMs;
    figures[LearnerFigure.RELAXATION] = this.#limits.relaxation;
    figures[LearnerFigure.LIMITS_MS] = nowMs;
    this.#tellRelaxation();
    words[LearnerWord.HOLD_STATE] = this.#state;
    words[LearnerWord.HOLDING] = known > 0 && this.#guard.holding ? 1 : 0;
    if (known > 0 && !this.#hasHeld) {
      this.#hasHeld = true;
      this.#options.log.info({ servers: known }, "limits of servers are known: requests wait here while all are busy");
    }
  }

  /** Once for each time that it begins. */
  #tellRelaxation(): void {
    const { relaxation } = this.#limits;
    if (relaxation > 1 && !this.#isRelaxed) {
      const text =
        "requests were held for long without a break: limits of servers are relaxed until they are known better";
      this.#options.log.warn({ factor: relaxation }, text);
    } else if (relaxation === 1 && this.#isRelaxed) {
      this.#options.log.info({}, "limits of servers are as they were learned again");
    }
    this.#isRelaxed = relaxation > 1;
  }

  /** Moments without holding, for comparison, are no state of their own. */
  get #state(): HoldState {
    if (this.#known === 0) return HoldState.LEARNING;
    return this.#guard.stopped ? HoldState.STOPPED : HoldState.HOLDING;
  }
}
