/** Time that passes when a test says so. */
import type { Later } from "../../src/storage/buffered/later.ts";
import { turn } from "./turn.ts";

interface Due {
  readonly atMs: number;
  readonly work: () => void;
}

export class ManualTime {
  #nowMs: number;
  readonly #due = new Set<Due>();
  readonly #settled: () => Promise<void>;

  /** @param settled waits until what runs in real time (a server's answers) has ended, or waits for this time itself. */
  constructor(nowMs: number, settled = turn) {
    this.#nowMs = nowMs;
    this.#settled = settled;
  }

  readonly nowMs = (): number => this.#nowMs;

  readonly later: Later = (delayMs, work) => {
    const due = { atMs: this.#nowMs + delayMs, work };
    this.#due.add(due);
    return () => void this.#due.delete(due);
  };

  /** Resolves after `delayMs`. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.later(delayMs, resolve));
  }

  /** How many wait for a time that has not come. */
  get waiting(): number {
    return this.#due.size;
  }

  /** Lets so much pass: what comes due is done in its order, and what follows from it in between. */
  async pass(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    for (await this.#settled(); ; await this.#settled()) {
      const next = [...this.#due].filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#due.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.work();
    }
    this.#nowMs = end;
  }
}
