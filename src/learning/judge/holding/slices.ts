/** Time cut into slices with and without holding, in an order that chance decides: what they cost can be compared. */
import { ArmComparison } from "../../../evidence/arm-comparison.ts";
import type { ArmSummary } from "../../../evidence/bucket-sums.ts";
import { costOf } from "../../../evidence/cost.ts";
import type { SequentialEvidence } from "../../../evidence/sequential-evidence.ts";
import type { HoldingJudgeOptions } from "./options.ts";

/** One stretch of time in which requests were held, or were not. */
interface Slice {
  readonly held: boolean;
  readonly fromMs: number;
  readonly toMs: number;
  sum: number;
  count: number;
}

/** The longest wait grows up to twice as long so many times. */
const MOST_DOUBLINGS = 5;

/** What a request cost whoever sent it, and when. */
export interface WholeOutcome {
  /** When it arrived, milliseconds. */
  readonly arrivedMs: number;
  /** For how long it was held, milliseconds. */
  readonly heldMs: number;
  /** From when it was sent to the head of its response, or to its failure, milliseconds. */
  readonly latencyMs: number;
  readonly failed: boolean;
}

/**
 * A switchback experiment (Bojinov, Simchi-Levi & Zhao 2023): all requests share one queue, so that not each of them but
 * a slice of time is assigned by chance, and a slice counts as one outcome: the mean cost of the requests that arrived in
 * it. The first part of it is left out, in which what was before still works off.
 *
 * A slice of either kind begins when nobody is held, so that both begin alike, and so that no queue is emptied into the servers
 * for the experiment's sake. But it does not wait for that for ever: limits that are too small would keep it from ever being
 * seen. Then what is held is sent, and a block begins in which half of the time is without holding.
 */
export class Slices {
  readonly #options: HoldingJudgeOptions;
  readonly #random: () => number;
  readonly #comparison: ArmComparison;
  /** Those of the present block that are still to come. */
  #left = 0;
  #withoutLeft = 0;
  #current: Slice | undefined;
  /** Those of which responses are still to come, oldest first. */
  readonly #past: Slice[] = [];
  #blockEndsMs = Number.NaN;
  #waitsSinceMs: number;
  /** What is held is to be sent, so that a slice can begin. */
  #clearing = false;
  /** The present block is one of doubt: half of it is without holding, and its slices follow each other soon. */
  #doubt = false;
  /** So many blocks in a row began because somebody was always held. */
  #forced = 0;

  /** @param evidence hears of every block. */
  constructor(
    options: HoldingJudgeOptions,
    random: () => number,
    nowMs: number,
    evidence: readonly SequentialEvidence[],
  ) {
    this.#options = options;
    this.#random = random;
    this.#waitsSinceMs = nowMs;
    this.#comparison = new ArmComparison({ bucketMs: 0, bucketOutcomes: 1, longestBucketMs: 0 }, evidence);
  }

  /** Whether requests may be held now; `undefined` = no slice says. */
  get held(): boolean | undefined {
    return this.#clearing ? false : this.#current?.held;
  }

  /** @param meanMs the pool's mean of what is compared: wait and latency together. */
  observe({ arrivedMs, heldMs, latencyMs, failed }: WholeOutcome, meanMs: number): void {
    const slice = this.#sliceAt(arrivedMs);
    if (slice === undefined) return;
    slice.sum += costOf(heldMs + latencyMs, failed, meanMs);
    slice.count++;
  }

  /**
   * Moves time on.
   * @param waiting requests that are held now.
   * @param meanMs the mean latency of the pool's servers.
   * @param doubt half of the slices are without holding, and they follow each other sooner.
   * @returns true when a block was completed: the evidence has heard of it.
   */
  tick(nowMs: number, waiting: number, meanMs: number, doubt: boolean): boolean {
    const { sliceMs, sliceLatencies, longestSliceMs } = this.#options;
    const lengthMs = Math.min(Math.max(sliceMs, sliceLatencies * meanMs), longestSliceMs);
    if (this.#current !== undefined && nowMs >= this.#current.toMs) {
      this.#past.push(this.#current);
      this.#current = undefined;
      this.#waitsSinceMs = nowMs;
      if (this.#left === 0)
        this.#blockEndsMs = nowMs + Math.min(this.#options.settleLatencies * meanMs, longestSliceMs);
    }
    if (nowMs >= this.#blockEndsMs) return this.#close(nowMs);
    if (this.#current !== undefined || !Number.isNaN(this.#blockEndsMs)) return false;
    if (this.#left === 0) this.#begin(doubt);
    if (waiting > 0) {
      if (nowMs - this.#waitsSinceMs >= this.#longestWaitMs) this.#clear();
      return false;
    }
    this.#clearing = false;
    // Each order of the block is as likely as any other.
    const held = this.#random() * this.#left >= this.#withoutLeft;
    this.#left--;
    if (!held) this.#withoutLeft--;
    this.#current = {
      held,
      fromMs: nowMs + lengthMs * this.#options.settleShare,
      toMs: nowMs + lengthMs,
      sum: 0,
      count: 0,
    };
    return false;
  }

  /** Slices of the last minutes, each as one outcome. */
  summary(nowMs: number): ArmSummary {
    return this.#comparison.summary(nowMs, this.#options.windowMs);
  }

  #begin(doubt: boolean): void {
    const { slicesPerBlock, without } = this.#options;
    this.#doubt = doubt;
    this.#left = slicesPerBlock;
    this.#withoutLeft = doubt ? slicesPerBlock / 2 : without;
  }

  /** With a doubt it is not waited at all. */
  get #longestWaitMs(): number {
    return this.#doubt ? 0 : this.#options.longestWaitMs * 2 ** Math.min(this.#forced, MOST_DOUBLINGS);
  }

  #clear(): void {
    this.#clearing = true;
    if (this.#doubt) return;
    this.#forced++;
    this.#past.length = 0;
    this.#begin(true);
  }

  #close(nowMs: number): boolean {
    for (const { held, sum, count } of this.#past) {
      if (count === 0) continue;
      if (held) this.#comparison.observeSubject(sum / count);
      else this.#comparison.observeReference(sum / count);
    }
    this.#past.length = 0;
    if (!this.#doubt) this.#forced = 0;
    this.#blockEndsMs = Number.NaN;
    this.#waitsSinceMs = nowMs;
    this.#comparison.advance(nowMs);
    return true;
  }

  #sliceAt(arrivedMs: number): Slice | undefined {
    const { length } = this.#past;
    for (let i = length; i >= 0; i--) {
      const slice = i === length ? this.#current : this.#past[i];
      if (slice !== undefined && arrivedMs >= slice.fromMs && arrivedMs < slice.toMs) return slice;
    }
    return undefined;
  }
}
