import type { LearnedLimits } from "../../balancing/holding/room.ts";
import { seededRandom } from "../../balancing/random.ts";
import { HoldingJudge } from "../../learning/judge/holding/holding-judge.ts";
import { ConcurrencyLimits } from "../../learning/limits/concurrency-limits.ts";
import type { HeldNow, HeldOutcome, Holding } from "./holding.ts";

/** Limits as the product learns them, and its guardrail. */
export class LearnedHolding implements Holding {
  readonly limits: LearnedLimits;
  readonly #id: Int32Array;
  readonly #learner: ConcurrencyLimits;
  readonly #judge: HoldingJudge;

  constructor(id: Int32Array, seed: number) {
    const slots = id.length;
    this.#id = id;
    this.#learner = new ConcurrencyLimits(slots);
    this.#judge = new HoldingJudge(seededRandom(seed).next, 0);
    this.limits = { limit: new Int32Array(slots), limitId: id.slice() };
  }

  get on(): boolean {
    return this.#judge.holding;
  }

  get patienceMs(): number {
    return this.#learner.patienceMs;
  }

  tick(candidates: Int32Array, count: number, held: HeldNow, nowMs: number): void {
    const { limit, limitId } = this.limits;
    for (let i = 0; i < count; i++) this.#claim(candidates[i]);
    this.#learner.tick(candidates, count, nowMs, limit, held.waitedMs);
    limitId.set(this.#id);
    this.#judge.tick(nowMs, held.length);
  }

  onOutcome({ server, latencyMs, heldMs, failed, inFlight, nowMs }: HeldOutcome): void {
    this.#judge.observe({ arrivedMs: nowMs - heldMs - latencyMs, heldMs, latencyMs, failed });
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
