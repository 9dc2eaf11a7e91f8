/**
 * Of which servers and routes request series are given up, because they are gone. Two keep account of it in the same way: the
 * supervisor, which shows no series of them after `SERIES_SHOWN_MS`, and each worker, which frees the places of its table
 * (series-table.ts) some time later. So no sum is shown of which one worker has given up its part already.
 */

/** How long series of servers and routes that are gone are shown, milliseconds. */
export const SERIES_SHOWN_MS = 600_000;
/**
 * How long their places are kept. A worker hears later than the supervisor who is gone, except of a server that went with
 * requests under way: of its end the supervisor takes note within a minute.
 */
export const SERIES_KEPT_MS = SERIES_SHOWN_MS + 120_000;

/** What there is of one kind: servers by id, or routes by number. */
export class GoneSince {
  readonly #graceMs: number;
  #present: ReadonlySet<number> = new Set();
  /** When it was noticed first that it is not there any more. */
  readonly #since = new Map<number, number>();
  #updatedMs = Number.NEGATIVE_INFINITY;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** These are there now. @param nowMs monotonic. */
  update(present: ReadonlySet<number>, nowMs: number): void {
    for (const one of this.#present) if (!present.has(one)) this.#since.set(one, nowMs);
    this.#present = present;
    for (const [one, sinceMs] of this.#since) {
      // Whoever asked after the last call has been told that its time is over.
      if (present.has(one) || this.#updatedMs - sinceMs > this.#graceMs) this.#since.delete(one);
    }
    this.#updatedMs = nowMs;
  }

  /** It is there, or was until lately. Who never was there is not. */
  isKept(one: number, nowMs: number): boolean {
    if (this.#present.has(one)) return true;
    const sinceMs = this.#since.get(one);
    return sinceMs !== undefined && nowMs - sinceMs < this.#graceMs;
  }

  /** As `isKept`; who is met for the first time counts as gone since now. */
  isKeptSinceMet(one: number, nowMs: number): boolean {
    if (!this.#present.has(one) && !this.#since.has(one)) this.#since.set(one, nowMs);
    return this.isKept(one, nowMs);
  }
}
