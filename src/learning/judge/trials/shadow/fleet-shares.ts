import { percent } from "../../../../evidence/describe.ts";
import type { ShadowOptions } from "../../options.ts";

/** Who would get how much of the traffic, under the champion and under a candidate. */
export class FleetShares {
  readonly #taken = new Map<number, number>();
  readonly #chosen = new Map<number, number>();
  readonly #stubborn = new Map<number, number>();
  #decisions = 0;

  /** @param stays the candidate would choose the same server even if it were crowded. */
  observe(takenSlot: number, chosenSlot: number, stays: boolean): void {
    this.#decisions++;
    increase(this.#taken, takenSlot);
    increase(this.#chosen, chosenSlot);
    if (stays) increase(this.#stubborn, chosenSlot);
  }

  /**
   * Why the candidate would herd; `undefined` = it would not. Its choices were made on the champion's traffic, where the
   * server that it favours stays empty, so a large share alone proves nothing: it has to hold on to it when crowded.
   */
  herding(options: Pick<ShadowOptions, "herdShare" | "herdFactor" | "herdStubbornness">): string | undefined {
    const { slot, chosen, taken, stubborn } = this.#top();
    if (chosen < options.herdShare || chosen < options.herdFactor * taken) return undefined;
    if (stubborn < options.herdStubbornness) return undefined;
    return (
      `it would send ${percent(chosen)} of requests to the server in slot ${slot}, which gets ${percent(taken)} now, ` +
      `and in ${percent(stubborn)} of these decisions even if four times as much were in flight there`
    );
  }

  /** Shares of the server that the candidate favours. */
  numbers(): Record<string, number> {
    const { chosen, taken, stubborn } = this.#top();
    return { topShare: chosen, topShareNow: taken, topStubbornness: stubborn };
  }

  #top(): { slot: number; chosen: number; taken: number; stubborn: number } {
    let slot = -1;
    let most = 0;
    for (const [candidate, count] of this.#chosen) {
      if (count <= most) continue;
      most = count;
      slot = candidate;
    }
    return {
      slot,
      chosen: most / this.#decisions,
      taken: (this.#taken.get(slot) ?? 0) / this.#decisions,
      stubborn: (this.#stubborn.get(slot) ?? 0) / most,
    };
  }
}

function increase(counts: Map<number, number>, slot: number): void {
  counts.set(slot, (counts.get(slot) ?? 0) + 1);
}
