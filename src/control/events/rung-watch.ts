/** Says to history when another rung of learned balancing comes into force in a pool: a model, the estimator, round robin. */
import { RUNG_NAMES } from "../../shared/memory/layout/learning.ts";
import type { Events } from "./events.ts";

/** A pool that is balanced by what is learned, as it is now. */
export interface WatchedPool {
  readonly name: string;
  /** A `Rung`. */
  readonly rung: number;
}

/** One instance's. Verdicts and failures have reasons of their own; this says what came of them. */
export class RungWatch {
  readonly #events: Events;
  #rungs: ReadonlyMap<string, number> = new Map();

  constructor(events: Events) {
    this.#events = events;
  }

  /** Looks at the pools as they are now; call it about once a second. */
  tick(pools: readonly WatchedPool[]): void {
    if (pools.length === 0 && this.#rungs.size === 0) return;
    for (const { name: pool, rung } of pools) {
      const before = this.#rungs.get(pool);
      if (before === undefined || before === rung) continue;
      const [from, to] = [RUNG_NAMES[before], RUNG_NAMES[rung]];
      const message = `requests are balanced by ${WORDS[to] ?? to}; before it was ${WORDS[from] ?? from}`;
      this.#events.note({ kind: "verdict", pool, message, detail: { rung: { from, to } } });
    }
    this.#rungs = new Map(pools.map(({ name, rung }) => [name, rung]));
  }
}

const WORDS: Readonly<Record<string, string>> = {
  model: "a model",
  estimator: "the estimator",
  weighted_round_robin: "weighted round robin",
};
