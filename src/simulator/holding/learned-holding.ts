import type { LearnedLimits } from "../../balancing/holding/room.ts";
import { ConcurrencyLimits } from "../../learning/limits/concurrency-limits.ts";
import type { HeldOutcome, Holding } from "./holding.ts";

/** Limits as the product learns them. */
export class LearnedHolding implements Holding {
  readonly limits: LearnedLimits;
  on = true;
  readonly #id: Int32Array;
  readonly #learner: ConcurrencyLimits;

  constructor(id: Int32Array) {
    const slots = id.length;
    this.#id = id;
    this.#learner = new ConcurrencyLimits(slots);
    this.limits = { limit: new Int32Array(slots), limitId: id.slice() };
  }

  get patienceMs(): number {
    return this.#learner.patienceMs;
  }

  tick(candidates: Int32Array, count: number, nowMs: number): void {
    const { limit, limitId } = this.limits;
    for (let i = 0; i < count; i++) this.#claim(candidates[i]);
    this.#learner.tick(candidates, count, nowMs, limit);
    limitId.set(this.#id);
  }

  onOutcome({ server, latencyMs, failed, inFlight, nowMs }: HeldOutcome): void {
    this.#claim(server);
    this.#learner.observe(server, latencyMs, failed, inFlight, nowMs);
  }

  /** Another server in its place begins afresh. */
  #claim(server: number): void {
    if (this.limits.limitId[server] === this.#id[server]) return;
    this.#learner.clear(server);
    this.limits.limit[server] = 0;
    this.limits.limitId[server] = this.#id[server];
  }
}
