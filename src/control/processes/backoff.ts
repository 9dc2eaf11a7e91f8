/**
 * How long to wait before a dead process is started again: not at all at first, so that a single crash costs nothing, then
 * exponentially longer while it keeps dying young.
 */

/** A run shorter than this is a sign of a crash loop. */
const SHORT_RUN_MS = 10_000;
/** Deaths in a row, each after a short run, from which on the restart waits. */
const FREE_RESTARTS = 2;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/** The restart delay of one process. */
export class CrashBackoff {
  #shortRuns = 0;

  /** Records a death after a run of `ranMs` and returns the delay before the next start, milliseconds. */
  nextDelayMs(ranMs: number): number {
    this.#shortRuns = ranMs < SHORT_RUN_MS ? this.#shortRuns + 1 : 1;
    const waits = this.#shortRuns - FREE_RESTARTS;
    return waits <= 0 ? 0 : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (waits - 1));
  }
}
