/**
 * When a server is asked for its usage. Most servers do not offer it: they are left alone. Pure; the clock is passed in.
 */

/** A server that does not offer its usage is asked again after so long. */
const LEFT_ALONE_MS = 60 * 60 * 1000;

/** What came of a poll: `offered`, `none` (another response) or `failed` (no response, or 5xx: it says nothing). */
export type PollOutcome = "offered" | "none" | "failed";

/** Of one server, as long as it is the same: begin anew after a restart. */
export class UsagePolls {
  #dueMs = Number.NEGATIVE_INFINITY;
  /** Polls in a row that brought nothing. */
  #vain = 0;
  /** It has told its usage before: another response is a fault that passes. */
  #offers = false;

  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  /** @param intervalMs between polls that bring something; those that do not come ever more seldom. */
  onOutcome(outcome: PollOutcome, nowMs: number, intervalMs: number): void {
    if (outcome === "offered") {
      this.#offers = true;
      this.#vain = 0;
      this.#dueMs = Number.NEGATIVE_INFINITY;
      return;
    }
    const pauseMs = outcome === "none" && !this.#offers ? LEFT_ALONE_MS : intervalMs * 2 ** Math.min(this.#vain, 30);
    this.#vain++;
    this.#dueMs = nowMs + Math.min(pauseMs, LEFT_ALONE_MS);
  }
}
