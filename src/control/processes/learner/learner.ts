/**
 * The learner process as the supervisor sees it: runs while the strategy of any pool is `ml`, samples of its traffic are kept, or
 * its servers' limits are learned; is started again when it dies or hangs, and answers questions. Requests never wait for it:
 * workers see from the age of its tables whether it works.
 */

import type { NamedAddress } from "../../../protocol/endpoint.ts";
import type { FromLearner, LearnerPool, LearnerQuestion, LearnerStart, ToLearner } from "../../../protocol/learner.ts";
import {
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  Rung,
  STALE_TABLE_MS,
} from "../../../shared/memory/layout/learning.ts";
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import { holdStateOf, type ShownHoldState } from "../../../shared/memory/learned-limits.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import { type Events, NO_EVENTS } from "../../events/events.ts";
import type { RestartReason } from "../keeper.ts";
import { SoleProcess, type SoleProcessStatus } from "../sole-process.ts";
import { reclaimLearner } from "./reclaim.ts";

/** Most questions that wait for a response: it has something else to do. */
const MAX_PENDING = 16;

/** How kinds of verdicts begin that are about holding. */
const OF_HOLDING = "holding_";

/** What the learner's keeper is made from. */
export interface LearnerOptions {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly memory: SharedMemory;
  readonly log: Logger;
  /** Who is told of its deaths. Default: nobody. */
  readonly events?: Events;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
  /** What, added to `clock`, gives the boot clock (boot-clock.ts). */
  readonly bootOffsetMs: () => number;
  readonly startMessage: () => Omit<LearnerStart, "pools">;
  /** Those that are learned of, now. */
  readonly pools: () => readonly LearnerPool[];
  /** How often a sign of life is looked for. Default 1000. */
  readonly tickMs?: number;
  /** A learner without a sign of life for this long is killed. Default 5000: nobody waits for it, but nobody learns either. */
  readonly hungAfterMs?: number;
  /** How long a response may take. Default 2000. */
  readonly answerMs?: number;
}

/** What is in force in a pool that is balanced by what is learned. */
export interface LearnedPool extends LearnerPool {
  /** A `Rung`: without a table that workers believe, the model's is not in force. */
  readonly rung: number;
  /** Milliseconds since the champion's last table; `Infinity` before the first. */
  readonly tableAgeMs: number;
}

/** A pool whose servers' limits of concurrency are learned. */
export interface LimitedPool extends LearnerPool {
  /** Whether requests may be held now. */
  readonly state: ShownHoldState;
  /** How long a request is held at most, milliseconds; `null` = that is not known. */
  readonly patienceMs: number | null;
  /** What limits are multiplied by because a queue stood, ≥ 1; `null` = that is not known. */
  readonly relaxation: number | null;
  /** What the judge of holding has said last, since this process began; `null` = nothing. */
  readonly verdict: string | null;
}

/** Nobody answered: the learner is not there, or too busy. */
export class LearnerUnavailableError extends Error {
  override readonly name = "LearnerUnavailableError";
}

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: LearnerUnavailableError) => void;
  readonly timer: Timer;
}

export class Learner {
  readonly #options: LearnerOptions;
  readonly #process: SoleProcess<ToLearner, FromLearner>;
  readonly #pending = new Map<number, Pending>();
  /** By name of the pool. */
  readonly #holdingVerdicts = new Map<string, string>();
  #asked = 0;

  constructor(options: LearnerOptions) {
    this.#options = options;
    const { command, memory, log, events, clock, startMessage, pools, tickMs = 1_000, hungAfterMs = 5_000 } = options;
    this.#process = new SoleProcess<ToLearner, FromLearner>({
      command,
      log,
      events,
      clock,
      tickMs,
      hungAfterMs,
      kind: "learner",
      name: "the learner",
      startMessage: () => ({ ...startMessage(), pools: pools() }),
      heartbeat: () => memory.learnerCounters[LearnerCounter.HEARTBEAT],
      isExcused: () => memory.learnerCounters[LearnerCounter.STORE_OPENING] === 1,
      reclaim: () => reclaimLearner(memory, pools()),
      onReady: ({ pid }) => log.info({ learner_pid: pid }, "learner ready"),
      onMessage: (message) => this.#onMessage(message),
      onDeath: () => this.#abandon("the learner died"),
    });
  }

  /** It is meant to run. */
  get running(): boolean {
    return this.#process.keeper !== null;
  }

  get restarts(): Readonly<Record<RestartReason, number>> {
    return this.#process.restarts;
  }

  /** `null` while it is not meant to run. */
  get status(): SoleProcessStatus | null {
    return this.#process.status;
  }

  /** Those that are balanced by it; none while it is not meant to run. */
  get pools(): readonly LearnedPool[] {
    if (!this.running) return [];
    const { memory, pools } = this.#options;
    const nowMs = this.#bootMs();
    const balanced = pools().filter(({ observed }) => observed !== true);
    return balanced.map(({ row, name }) => {
      const { words, figures } = memory.learned[row];
      const madeMs = figures[LearnerFigure.TABLE_MS];
      const tableAgeMs = madeMs === 0 ? Number.POSITIVE_INFINITY : Math.max(0, nowMs - madeMs);
      const ordered = words[LearnerWord.RUNG];
      const rung = ordered === Rung.MODEL && tableAgeMs > STALE_TABLE_MS ? Rung.ESTIMATOR : ordered;
      return { row, name, rung, tableAgeMs };
    });
  }

  /** Names of those of whose traffic it keeps samples though another strategy balances them; none while it is not meant to run. */
  get sampled(): readonly string[] {
    if (!this.running) return [];
    return this.#options.pools().flatMap(({ name, samples }) => (samples === true ? [name] : []));
  }

  /** Those whose servers' limits it learns, whatever their strategy; none while it is not meant to run. */
  get limited(): readonly LimitedPool[] {
    if (!this.running) return [];
    const { memory, pools } = this.#options;
    const nowMs = this.#bootMs();
    return pools()
      .filter(({ limits }) => limits === true)
      .map((pool) => {
        const learned = memory.learned[pool.row];
        const state = holdStateOf(learned, nowMs);
        const patienceMs = learned.figures[LearnerFigure.PATIENCE_MS];
        const verdict = this.#holdingVerdicts.get(pool.name) ?? null;
        const isStale = state === "stale";
        const relaxation = learned.figures[LearnerFigure.RELAXATION];
        return {
          ...pool,
          state,
          verdict,
          patienceMs: isStale || !(patienceMs > 0) ? null : patienceMs,
          relaxation: isStale || !(relaxation >= 1) ? null : relaxation,
        };
      });
  }

  /** Those whose classes of requests it learns, whatever their strategy; none while it is not meant to run. */
  get classed(): readonly LearnerPool[] {
    return this.running ? this.#options.pools().filter(({ classes }) => classes === true) : [];
  }

  /** It is meant to run, dies again and again, and so keeps nothing. Where workers miss something of it, that is `degraded`. */
  get keepsNothing(): boolean {
    return this.status?.state === "waiting" && this.pools.length === 0 && this.limited.length === 0;
  }

  /**
   * It is meant to run, and workers have no table of a pool, or no word of its servers' limits, that they believe. Where it says
   * itself that the fault is the model's, that is another mode.
   */
  get degraded(): boolean {
    const { learnerCounters } = this.#options.memory;
    const isLate = this.pools.some(({ tableAgeMs }) => tableAgeMs > STALE_TABLE_MS);
    if (isLate && learnerCounters[LearnerCounter.MODEL_UNUSABLE] === 0) return true;
    return this.limited.some(({ state }) => state === "stale");
  }

  start(): void {
    this.#process.start();
  }

  /** Ends it, and resolves when it is gone; after `timeoutMs` it is killed. Wait for it before it is started again. */
  async stop(timeoutMs: number): Promise<void> {
    const gone = this.#process.stop(timeoutMs);
    this.#abandon("the learner is stopped");
    await gone;
  }

  /** Ends it at once and for good. */
  kill(): void {
    this.#process.kill();
    this.#abandon("the learner is stopped");
  }

  /** Tells it how to write its log; a learner that starts later has it from its start message. */
  setLog(level: string, format: "json" | "text"): void {
    this.#process.keeper?.send({ type: "log", level, format });
  }

  /** Tells it what servers are called; a learner that starts later has it from its start message. */
  setServers(servers: readonly NamedAddress[]): void {
    this.#process.keeper?.send({ type: "servers", servers });
  }

  /** Tells it that pools came or went; a learner that starts later has them from its start message. */
  setPools(): void {
    this.#process.keeper?.send({ type: "pools", pools: this.#options.pools() });
  }

  /** Its answer. Rejects with a `LearnerUnavailableError`. */
  ask(question: LearnerQuestion): Promise<unknown> {
    if (this.#pending.size >= MAX_PENDING) {
      return Promise.reject(new LearnerUnavailableError("the learner has too many questions to answer"));
    }
    const number = ++this.#asked;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const { keeper } = this.#process;
    if (keeper?.state !== "ready" || !keeper.send({ type: "ask", number, question })) {
      return Promise.reject(new LearnerUnavailableError("the learner is not running"));
    }
    const timer = setTimeout(() => {
      this.#pending.delete(number);
      reject(new LearnerUnavailableError("the learner does not answer"));
    }, this.#options.answerMs ?? 2_000);
    this.#pending.set(number, { resolve, reject, timer });
    return promise;
  }

  #bootMs(): number {
    const { clock, bootOffsetMs } = this.#options;
    return clock() + bootOffsetMs();
  }

  #onMessage(message: FromLearner): void {
    if (message.type === "verdict") this.#noteVerdict(message);
    if (message.type !== "answer") return;
    const pending = this.#pending.get(message.number);
    if (pending === undefined) return; // it came too late
    this.#pending.delete(message.number);
    clearTimeout(pending.timer);
    pending.resolve(message.answer);
  }

  #noteVerdict({ pool, kind, reason, modelVersion, numbers }: Extract<FromLearner, { type: "verdict" }>): void {
    const { events = NO_EVENTS, pools } = this.#options;
    if (kind.startsWith(OF_HOLDING)) {
      for (const name of this.#holdingVerdicts.keys()) {
        if (!pools().some((present) => present.name === name)) this.#holdingVerdicts.delete(name);
      }
      this.#holdingVerdicts.set(pool, reason);
    }
    const about = modelVersion === null ? "" : ` (model ${modelVersion})`;
    const message = `${kind.replaceAll("_", " ")}${about}: ${reason}`;
    events.note({ kind: "verdict", pool, message, detail: { verdict: kind, model_version: modelVersion, numbers } });
  }

  #abandon(why: string): void {
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new LearnerUnavailableError(why));
    }
    this.#pending.clear();
  }
}
