/** Health by majority: hands what the others make of servers to the fleets, which judge by it together with their own views. */
import type { ClusterRider, ClusterRound } from "../../cluster/exchange/round.ts";
import type { Fleets } from "../fleet/fleets.ts";

/** One instance's. */
export class Verdicts implements ClusterRider {
  readonly #fleets: Pick<Fleets, "hearOthers" | "loseOthers">;

  constructor(fleets: Pick<Fleets, "hearOthers" | "loseOthers">) {
    this.#fleets = fleets;
  }

  heard({ numbers }: ClusterRound): void {
    this.#fleets.hearOthers(numbers);
  }

  lost(): void {
    this.#fleets.loseOthers();
  }
}
