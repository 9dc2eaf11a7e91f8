/** By how much limits are relaxed while a queue stands that they are the cause of. */
import { decayFactor } from "../../balancing/estimators/decay.ts";

/** A queue is good while its first request has waited for no more than so many of the fleet's mean latencies … */
const GOOD_LATENCIES = 10;
/** … and no less than so many milliseconds, which a busy machine takes now and then, or half of the patience, if that is shorter. */
const LEAST_GOOD_MS = 4;
const GOOD_PATIENCE = 0.5;
/** It stands when it has been bad for so long without a break, mean latencies and milliseconds, whichever is longer: a window. */
const WINDOW_LATENCIES = 20;
const WINDOW_MS = 250;
/** It has so many responses at least: throughput is not known from a few. */
const LEAST_RESPONSES = 150;
/** A queue whose longest wait is this share of the patience is as long as it can be. */
const LONGEST_PATIENCE = 0.8;
/** The first part of a window is for the step to take effect, and counts for nothing. */
const SETTLING = 0.25;
/** Then limits are so many times what they were, for a window at least. */
const STEP = 2;
/** It stays so unless that leaves less than this of throughput / latency. Full servers take twice as long and do no more: a half. */
const LEAST_POWER = 0.75;
/** When it does not it is tried again after so many windows. */
const REST_WINDOWS = 10;
/** Limits become no larger than so many times what was learned. */
const MOST_FACTOR = 64;
/** Without a bad queue what is above 1 halves in so long, milliseconds; in twice as long each time when that has been too soon. */
const HALF_LIFE_MS = 20_000;
const MOST_HALF_LIFE_MS = 600_000;
/** Less than this is nothing. */
const LEAST_FACTOR = 1.01;

/**
 * The safety net under learned limits, which does not ask how they were learned: **a standing queue relaxes them**. Limits that are
 * too small let a fleet do less than it is asked for, and then everybody waits for as long as the patience, for good. With limits
 * that are right and a fleet that can do what it is asked for the queue is short again and again, however long it is in between:
 * that tells a good queue from a bad one (CoDel: Nichols & Jacobson 2012; RFC 8289). So where the longest wait has not been short
 * for a window all limits are doubled. In overload the queue stands as well, and nobody's limit is wrong: servers then get slower
 * by as much as they get more, and the step is taken back. What tells is the power, throughput / latency (Kleinrock 1979): it
 * doubles where workers stood idle, stays where all was sent anyway, and is halved where servers were full.
 *
 * What was relaxed is forgotten slowly: what limits were wrong about is learned from the requests that servers get meanwhile.
 * Pure: the clock is passed in.
 */
export class Relaxation {
  #factor = 1;
  /** When the window began in which the queue has been bad without a break; infinity = it is good. */
  #windowMs = Number.POSITIVE_INFINITY;
  /** Responses since it settled, and the sum of their latencies. */
  #count = 0;
  #sumMs = 0;
  #settledMs = Number.POSITIVE_INFINITY;
  /** The longest wait when it began. */
  #waitedMs = 0;
  /** Throughput / latency before the step that is tried out now; 0 = none is. */
  #powerBefore = 0;
  #restUntilMs = Number.NEGATIVE_INFINITY;
  #halfLifeMs = HALF_LIFE_MS;
  /** It was forgotten a little since the last step. */
  #isForgetting = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** What limits are multiplied by, ≥ 1. */
  get factor(): number {
    return this.#factor;
  }

  /** A response came. @param latencyMs from when it was sent to the server. */
  observe(latencyMs: number, nowMs: number): void {
    if (nowMs < this.#settledMs) return;
    this.#count++;
    this.#sumMs += latencyMs;
  }

  /**
   * Looks at the queue; call it as often as limits are worked out.
   * @param waitedMs how long the request has been held that has waited longest, milliseconds; 0 = none is held.
   * @param meanMs the fleet's mean latency.
   * @param patienceMs how long a request is held at most.
   */
  tick(waitedMs: number, meanMs: number, patienceMs: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#toldMs;
    this.#toldMs = nowMs;
    const goodMs = Math.min(Math.max(GOOD_LATENCIES * meanMs, LEAST_GOOD_MS), GOOD_PATIENCE * patienceMs);
    const windowMs = Math.max(WINDOW_MS, WINDOW_LATENCIES * meanMs);
    const isBad = waitedMs > goodMs;
    if (!isBad && this.#factor > 1) this.#forget(elapsedMs);
    // One that gets shorter needs no help. Who has waited for as long as the patience is sent, so that it gets no longer, either.
    const isFalling = waitedMs < Math.min(this.#waitedMs, LONGEST_PATIENCE * patienceMs);
    // A step is tried out to the end: without limits nobody is held, whatever the cause was.
    if (!isBad && this.#powerBefore === 0) this.#windowMs = this.#settledMs = Number.POSITIVE_INFINITY;
    else if (this.#windowMs === Number.POSITIVE_INFINITY) this.#begin(waitedMs, nowMs, windowMs);
    else if (this.#count >= LEAST_RESPONSES && nowMs - this.#windowMs >= windowMs) {
      this.#end(isBad && !isFalling, nowMs, windowMs);
      this.#begin(waitedMs, nowMs, windowMs);
    }
  }

  /** What becomes of a learned limit. `NO_LIMIT` stays none. */
  relaxed(limit: number): number {
    return this.#factor === 1 ? limit : Math.ceil(this.#factor * limit);
  }

  #forget(elapsedMs: number): void {
    this.#isForgetting = true;
    this.#factor = 1 + (this.#factor - 1) * decayFactor(elapsedMs, this.#halfLifeMs / Math.LN2);
    if (this.#factor >= LEAST_FACTOR) return;
    this.#factor = 1;
    this.#isForgetting = false;
    this.#halfLifeMs = HALF_LIFE_MS;
  }

  #begin(waitedMs: number, nowMs: number, windowMs: number): void {
    this.#windowMs = nowMs;
    this.#settledMs = nowMs + SETTLING * windowMs;
    this.#count = 0;
    this.#sumMs = 0;
    this.#waitedMs = waitedMs;
  }

  /** The queue has been bad for a whole window, or a step was tried out for one. */
  #end(isStanding: boolean, nowMs: number, windowMs: number): void {
    const power = this.#count === 0 ? 0 : this.#count ** 2 / (this.#sumMs * (nowMs - this.#settledMs));
    if (power < LEAST_POWER * this.#powerBefore) {
      this.#factor = Math.max(1, this.#factor / STEP);
      this.#powerBefore = 0;
      this.#restUntilMs = nowMs + REST_WINDOWS * windowMs;
    } else if (isStanding && nowMs >= this.#restUntilMs && this.#factor < MOST_FACTOR) {
      if (this.#isForgetting) this.#halfLifeMs = Math.min(2 * this.#halfLifeMs, MOST_HALF_LIFE_MS);
      this.#isForgetting = false;
      this.#factor = Math.min(this.#factor * STEP, MOST_FACTOR);
      this.#powerBefore = power;
    } else this.#powerBefore = 0;
  }
}
