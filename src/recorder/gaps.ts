/** Requests that are missing from the counts, as one event for each time that some were lost in a row. */
import type { EventRow } from "../storage/history-store.ts";

/** A loss is over when nothing was lost for so long. */
const OVER_MS = 5_000;
/** One that does not end is said this often. */
const LONGEST_MS = 60_000;

export class Gaps {
  #lost = 0;
  #fromMs = 0;
  #lastMs = 0;

  /** @param nowMs since the epoch. @returns the event of an episode that is over. */
  note(lost: number, nowMs: number): EventRow | null {
    if (lost > 0) {
      if (this.#lost === 0) this.#fromMs = nowMs;
      this.#lost += lost;
      this.#lastMs = nowMs;
    }
    const isOver = nowMs - this.#lastMs >= OVER_MS || nowMs - this.#fromMs >= LONGEST_MS || nowMs < this.#fromMs;
    return this.#lost > 0 && isOver ? this.end() : null;
  }

  /** What was lost and not said yet, if anything. */
  end(): EventRow | null {
    if (this.#lost === 0) return null;
    const requests = this.#lost;
    this.#lost = 0;
    const row: EventRow = {
      atMs: this.#fromMs,
      kind: "gap",
      pool: "",
      server: "",
      address: "",
      actor: "balancer",
      message: `${requests} ${requests === 1 ? "request is" : "requests are"} missing from the counts: the recorder could not read them in time`,
      detail: { requests, until_ms: this.#lastMs },
    };
    return row;
  }
}
