/** The hedge timers of one worker: one for each time that requests wait, for routes may have times of their own. */
import { type Hedgeable, HedgeTimer } from "./hedge-timer.ts";

export class HedgeTimers {
  readonly #now: () => number;
  readonly #onError: (error: unknown) => void;
  readonly #byWait = new Map<number, HedgeTimer>();
  /** The same. */
  #timers: readonly HedgeTimer[] = [];

  /** @param onError told what an exchange threw when its time came: the others are woken all the same. */
  constructor(now: () => number, onError: (error: unknown) => void) {
    this.#now = now;
    this.#onError = onError;
  }

  /** Somebody waits. Asked before each wait of the event loop. */
  get pending(): boolean {
    const timers = this.#timers;
    for (let i = 0; i < timers.length; i++) if (timers[i].pending) return true;
    return false;
  }

  /** Wakes `who` after `waitMs`; see `Hedgeable`. */
  schedule(who: Hedgeable, generation: number, waitMs: number, nowMs: number): void {
    let timer = this.#byWait.get(waitMs);
    if (timer === undefined) {
      this.#dropUnused();
      timer = new HedgeTimer(this.#now, this.#onError);
      this.#byWait.set(waitMs, timer);
      this.#timers = [...this.#byWait.values()];
    }
    timer.schedule(who, generation, nowMs + waitMs);
  }

  /** Times that reloads have left behind: nobody waits for them. */
  #dropUnused(): void {
    for (const [waitMs, timer] of this.#byWait) if (!timer.pending) this.#byWait.delete(waitMs);
  }
}
