import type { HeldFleet, LearnedLimits } from "../../balancing/holding/room.ts";
import { seededRandom } from "../../balancing/random.ts";
import { HoldingJudge } from "../../learning/judge/holding/holding-judge.ts";
import { ConcurrencyLimits } from "../../learning/limits/concurrency-limits.ts";
import { OwnPart } from "../../learning/limits/own-part.ts";
import type { HeldNow, HeldOutcome, Holding } from "./holding.ts";

/** Limits as the product learns them, and its guardrail. */
export class LearnedHolding implements Holding {
  readonly limits: LearnedLimits;
  readonly #fleet: HeldFleet;
  readonly #part: OwnPart | null;
  readonly #learner: ConcurrencyLimits;
  readonly #judge: HoldingJudge;

  constructor(fleet: HeldFleet, seed: number) {
    const slots = fleet.id.length;
    this.#fleet = fleet;
    this.#part = fleet.peers === undefined ? null : new OwnPart(slots);
    this.#learner = new ConcurrencyLimits(slots);
    this.#judge = new HoldingJudge(seededRandom(seed).next, 0);
    this.limits = { limit: new Int32Array(slots), limitId: fleet.id.slice(), ownLimit: new Int32Array(slots) };
  }

  get on(): boolean {
    return this.#judge.holding;
  }

  get patienceMs(): number {
    return this.#part?.hasOthers === true ? this.#learner.patienceAmongOthersMs : this.#learner.patienceMs;
  }

  tick(candidates: Int32Array, count: number, held: HeldNow, nowMs: number): void {
    const { limit, limitId, ownLimit } = this.limits;
    const { id, peers } = this.#fleet;
    for (let i = 0; i < count; i++) this.#claim(candidates[i]);
    this.#learner.tick(candidates, count, nowMs, limit, held.waitedMs);
    limitId.set(id);
    if (peers !== undefined && this.#part !== null) {
      this.#part.tick(candidates, count, this.#fleet, peers, nowMs);
      for (let i = 0; i < count; i++) {
        const slot = candidates[i];
        ownLimit[slot] = this.#part.ownLimit(slot, this.#learner.settledLimit(slot));
      }
    }
    this.#judge.tick(nowMs, held.length);
  }

  onOutcome({ server, latencyMs, heldMs, failed, inFlight, nowMs }: HeldOutcome): void {
    this.#judge.observe({ arrivedMs: nowMs - heldMs - latencyMs, heldMs, latencyMs, failed });
    this.#claim(server);
    this.#learner.observe(server, latencyMs, failed, inFlight, nowMs);
  }

  /** Another server in its place begins afresh. */
  #claim(server: number): void {
    if (this.limits.limitId[server] === this.#fleet.id[server]) return;
    this.#learner.clear(server);
    this.#part?.clear(server);
    this.limits.limit[server] = 0;
    this.limits.limitId[server] = this.#fleet.id[server];
  }
}
