/**
 * Wakes exchanges whose server is slow to answer, so that they may ask a second one ("The Tail at Scale", Dean and
 * Barroso, 2013). All wait equally long, so a queue and one timer do, with finer steps than the timing wheel's.
 */
export interface Hedgeable {
  /** Its time has come; `generation` says for which request it was set. */
  onHedgeDue(generation: number, nowMs: number): void;
}

interface Entry {
  readonly who: Hedgeable;
  readonly generation: number;
  readonly dueMs: number;
}

export class HedgeTimer {
  readonly #now: () => number;
  readonly #onError: (error: unknown) => void;
  #entries: Entry[] = [];
  #head = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param onError told what an exchange threw when its time came: the others are woken all the same. */
  constructor(now: () => number, onError: (error: unknown) => void) {
    this.#now = now;
    this.#onError = onError;
  }

  /** Somebody waits. */
  get pending(): boolean {
    return this.#timer !== null;
  }

  schedule(who: Hedgeable, generation: number, dueMs: number): void {
    this.#entries.push({ who, generation, dueMs });
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== null || this.#head >= this.#entries.length) return;
    const waitMs = Math.max(1, this.#entries[this.#head].dueMs - this.#now());
    this.#timer = setTimeout(() => this.#run(), waitMs);
  }

  #run(): void {
    this.#timer = null;
    const nowMs = this.#now();
    while (this.#head < this.#entries.length && this.#entries[this.#head].dueMs <= nowMs) {
      const { who, generation } = this.#entries[this.#head++];
      try {
        who.onHedgeDue(generation, nowMs);
      } catch (error) {
        this.#onError(error);
      }
    }
    if (this.#head > 1024 || this.#head === this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    this.#arm();
  }
}
