/**
 * The judge of holding at work in one pool: it is told how attempts ended, its verdicts are logged, counted and kept, and what it
 * must know after a restart is in the store.
 */
import { z } from "zod";
import type { Logger } from "../../telemetry/log/logger.ts";
import { type HoldingEvent, HoldingJudge, type HoldingState } from "../judge/holding/holding-judge.ts";
import type { HoldingJudgeOptions } from "../judge/holding/options.ts";
import { type Verdict, verdict } from "../judge/verdict.ts";
import { VerdictKeeper } from "../online/judging/verdict-keeper.ts";
import type { Resources } from "../online/resources.ts";
import type { RecordedOutcome } from "../serving/worker-rings.ts";

/** Under this name the store keeps the judge's state. */
const STATE_NOTE = "holding";
/** What counts down in it is written so often, milliseconds. */
const SAVE_MS = 10_000;
/** Verdicts that wait for the store to be open: they come minutes apart. */
const MOST_WAITING = 16;

/** The judge's state as the store gives it back: of another version of the product, perhaps, or of a damaged file. */
const stateSchema: z.ZodType<HoldingState> = z.object({
  stopped: z.boolean(),
  holdLeftMs: z
    .number()
    .min(0)
    .max(24 * 3600 * 1000),
  strikes: z.int().min(0).max(1_000_000),
});

/** What it needs. */
export interface HoldingGuardOptions {
  /** Name of the pool. */
  readonly pool: string;
  readonly judge: HoldingJudgeOptions;
  /** `LearnerCounter`s. */
  readonly counters: Float64Array;
  readonly log: Logger;
  /** Added to the boot clock it gives milliseconds since the epoch. */
  readonly wallOffsetMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class HoldingGuard {
  readonly #options: HoldingGuardOptions;
  #judge: HoldingJudge;
  /** `null` until the store is open, and after the end. */
  #resources: Resources | null = null;
  #keeper: VerdictKeeper | null = null;
  #waiting: Verdict[] = [];
  #savedMs = Number.NEGATIVE_INFINITY;
  #saved = "";

  constructor(options: HoldingGuardOptions, nowMs: number) {
    this.#options = options;
    this.#judge = new HoldingJudge(options.random, nowMs, undefined, options.judge);
  }

  /** Whether requests may be held now: also false for moments, for comparison. */
  get holding(): boolean {
    return this.#judge.holding;
  }

  /** Evidence has ended it for a while. */
  get stopped(): boolean {
    return this.#judge.stopped;
  }

  /** An attempt ended. To be called while there are limits. */
  observe({ atMs, latencyMs, heldMs, failed }: RecordedOutcome): void {
    this.#judge.observe({ arrivedMs: atMs - latencyMs - heldMs, heldMs, latencyMs, failed });
  }

  /** Moves time on, while there are limits. @param held requests that are held now, over all workers. */
  tick(nowMs: number, held: number): void {
    const event = this.#judge.tick(nowMs, held);
    if (event !== undefined) this.#keep(event);
    if (event !== undefined || nowMs - this.#savedMs >= SAVE_MS) void this.save(nowMs);
  }

  /** There is a store from now on. Goes on where the judge before this one was. Never rejects. */
  async learn(resources: Resources, nowMs: number): Promise<void> {
    const { pool, random, judge } = this.#options;
    const note = await resources.store.note(pool, STATE_NOTE).catch(() => null); // the store says itself what is wrong
    const state = stateSchema.safeParse(note).data;
    // One that has found something meanwhile knows better than its predecessor.
    if (state?.stopped === true && this.#waiting.length === 0) {
      this.#judge = new HoldingJudge(random, nowMs, state, judge);
    }
    this.#resources = resources;
    this.#keeper = new VerdictKeeper({ ...this.#options, resources });
    for (const one of this.#waiting.splice(0)) this.#keeper.keep(one, null);
  }

  /** Keeps the state where it differs from what is kept. Never rejects: the store says itself what is wrong with it. */
  async save(nowMs: number): Promise<void> {
    this.#savedMs = nowMs;
    if (this.#resources === null) return;
    const state = this.#judge.state(nowMs);
    const text = JSON.stringify(state);
    if (text === this.#saved) return;
    try {
      await this.#resources.store.setNote(this.#options.pool, STATE_NOTE, state);
      this.#saved = text;
    } catch {
      // It is tried again at the next tick that saves.
    }
  }

  #keep({ atMs, kind, reason, numbers }: HoldingEvent): void {
    const found = verdict(atMs, kind, null, reason, numbers);
    if (this.#keeper !== null) this.#keeper.keep(found, null);
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(found);
  }
}
