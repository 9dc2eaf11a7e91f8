/**
 * What one server did lately, read from the cumulative columns that workers write. Nobody but a worker writes those, so
 * a slot's next server starts from a remembered baseline instead of from cleared memory. Pure; the clock is passed in.
 */

/** The columns that are read, indexed by slot; a worker's block has them. See `WorkerBlock` for their meaning. */
export interface OutcomeColumns {
  readonly responses: Float64Array;
  readonly failures: Float64Array;
  readonly unanswered: Float64Array;
  readonly latencySumMs: Float64Array;
}

/** Sums over some span of time. */
export interface Outcomes {
  /** Attempts that ended, good or bad. */
  readonly attempts: number;
  readonly failures: number;
  /** Mean response time, milliseconds; NaN = no response. */
  readonly meanLatencyMs: number;
}

/** Outcomes are judged over this many seconds, in steps of one. */
const OUTCOME_SECONDS = 10;

/** Cumulative sums at one moment. */
interface Totals {
  readonly atMs: number;
  readonly responses: number;
  readonly failures: number;
  readonly unanswered: number;
  readonly latencySumMs: number;
}

export class OutcomeWindows {
  readonly #slot: number;
  readonly #baseline: Totals;
  #now: Totals;
  #restarted: Totals;
  /** Totals at the end of each of the last seconds, oldest first. */
  readonly #seconds: Totals[] = [];

  /** Begins at zero now, whatever `workers` counted in this slot before. */
  constructor(slot: number, workers: readonly OutcomeColumns[], nowMs: number) {
    this.#slot = slot;
    this.#baseline = this.#read(workers, nowMs);
    this.#now = this.#baseline;
    this.#restarted = this.#baseline;
    this.#seconds.push(this.#baseline);
  }

  /** True when `advance` would begin another second, whether anything has been counted or not. */
  isStepDue(nowMs: number): boolean {
    return nowMs - this.#seconds[this.#seconds.length - 1].atMs >= 1000;
  }

  /** Nothing was counted in the time that `recent` is about. */
  get quiet(): boolean {
    const then = this.#seconds[0];
    const { responses, failures, unanswered } = this.#now;
    return responses === then.responses && failures === then.failures && unanswered === then.unanswered;
  }

  /** Reads the counters; call it every tick, or whenever something has been counted and when a step is due. */
  advance(workers: readonly OutcomeColumns[], nowMs: number): void {
    this.#now = this.#read(workers, nowMs);
    if (this.isStepDue(nowMs)) {
      this.#seconds.push(this.#now);
      if (this.#seconds.length > OUTCOME_SECONDS) this.#seconds.shift();
    }
  }

  /** Since the server came. */
  total(): Outcomes {
    return difference(this.#now, this.#baseline);
  }

  /** Over the last ten seconds, or since `restart` if that is later. */
  recent(): Outcomes {
    return difference(this.#now, this.#seconds[0]);
  }

  /** Over the last one to two seconds, or since `restart` if that is later. */
  lately(): Outcomes {
    return difference(this.#now, this.#seconds[Math.max(0, this.#seconds.length - 2)]);
  }

  /** Since the last `restart`. */
  sinceRestart(): Outcomes {
    return difference(this.#now, this.#restarted);
  }

  /** Forgets the recent outcomes: what comes next is judged by itself. Totals stay. */
  restart(): void {
    this.#restarted = this.#now;
    this.#seconds.length = 0;
    this.#seconds.push(this.#now);
  }

  #read(workers: readonly OutcomeColumns[], atMs: number): Totals {
    let responses = 0;
    let failures = 0;
    let unanswered = 0;
    let latencySumMs = 0;
    for (const worker of workers) {
      responses += worker.responses[this.#slot];
      failures += worker.failures[this.#slot];
      unanswered += worker.unanswered[this.#slot];
      latencySumMs += worker.latencySumMs[this.#slot];
    }
    return { atMs, responses, failures, unanswered, latencySumMs };
  }
}

function difference(now: Totals, then: Totals): Outcomes {
  const responses = Math.max(0, now.responses - then.responses);
  const failures = Math.max(0, now.failures - then.failures);
  return {
    // The columns are read one after the other while workers write: never fewer attempts than failures.
    attempts: Math.max(responses + Math.max(0, now.unanswered - then.unanswered), failures),
    failures,
    meanLatencyMs: responses > 0 ? (now.latencySumMs - then.latencySumMs) / responses : Number.NaN,
  };
}
