import type { LearnedLimits } from "../../balancing/holding/room.ts";
import type { OracleSight } from "../greedy-oracle.ts";
import type { Scenario } from "../scenario.ts";
import type { Holding } from "./holding.ts";

/**
 * Limits that are known to be right: as many as a server has workers, and those that are on the way meanwhile. A yardstick:
 * with it there is one queue for the fleet, and nothing that serves traffic can know it.
 */
export class TrueLimits implements Holding {
  readonly limits: LearnedLimits;
  readonly on = true;
  readonly patienceMs = Number.POSITIVE_INFINITY;
  readonly #sight: OracleSight;
  readonly #scenario: Scenario;

  constructor(sight: OracleSight, scenario: Scenario, id: Int32Array) {
    this.#sight = sight;
    this.#scenario = scenario;
    this.limits = { limit: new Int32Array(id.length), limitId: id, ownLimit: new Int32Array(id.length) };
  }

  tick(): void {
    const { servers, networkMs = 0, meanMs } = this.#scenario;
    for (const [server, { speed }] of servers.entries()) {
      const onTheWay = (2 * networkMs * speed) / meanMs;
      this.limits.limit[server] = Math.ceil(this.#sight.farm.workers(server) * (1 + onTheWay));
    }
  }

  onOutcome(): void {
    // There is nothing to learn.
  }
}
