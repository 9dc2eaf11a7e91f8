import type { Strategy } from "../balancing/strategy.ts";
import type { ServerFarm } from "./server-farm.ts";

/** What the oracle sees. */
export interface OracleSight {
  readonly farm: ServerFarm;
  /** The work in the request that is being placed: service time at speed 1, milliseconds. */
  readonly work: () => number;
}

/**
 * Knows every server's speed, queue, remaining work and faults, and the work in the request itself, and sends it where
 * it will be done first. Greedy: it does not think of requests to come, and does not know how long a disturbance lasts,
 * so it is a yardstick and not a bound.
 */
export class GreedyOracle implements Strategy {
  readonly #sight: OracleSight;
  readonly #random: () => number;

  constructor(sight: OracleSight, random: () => number) {
    this.#sight = sight;
    this.#random = random;
  }

  pick(candidates: Int32Array, count: number, _key: number, nowMs: number): number {
    const { farm } = this.#sight;
    const work = this.#sight.work();
    let best = candidates[0];
    let least = Number.POSITIVE_INFINITY;
    let ties = 1;
    for (let i = 0; i < count; i++) {
      const server = candidates[i];
      if (farm.isDown(server) || farm.errorShare(server) + farm.hangShare(server) > 0) continue;
      const expected = farm.expectedMs(server, work, nowMs);
      if (expected > least) continue;
      if (expected < least) {
        least = expected;
        best = server;
        ties = 1;
      } else if (this.#random() * ++ties < 1) best = server;
    }
    return best;
  }
}
