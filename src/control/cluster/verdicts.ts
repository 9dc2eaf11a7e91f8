/** Health by majority: hands what the others make of servers to the fleets, which judge by it together with their own views. */
import type { ClusterRider, ClusterRound } from "../../cluster/exchange/round.ts";
import type { Fleets } from "../fleet/fleets.ts";

/** One instance's. */
export class Verdicts implements ClusterRider {
  readonly #fleets: Pick<Fleets, "hearOthers">;

  constructor(fleets: Pick<Fleets, "hearOthers">) {
    this.#fleets = fleets;
  }

  heard({ numbers }: ClusterRound): void {
    this.#fleets.hearOthers(numbers);
  }

  /** Fleets stop believing it by themselves. */
  lost(): void {}
}
