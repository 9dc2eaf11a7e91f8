/**
 * Where this instance stands among the others, for pools of which each uses a part: by its rank among their names. Who is away for a
 * moment, and comes back, moves nobody.
 */
import { placeAmong } from "../../balancing/subset.ts";
import type { ClusterMember, ClusterRider, ClusterRound } from "../../cluster/exchange/round.ts";
import type { Fleets } from "../fleet/fleets.ts";

/** So many rounds in a row the same are there before what others use follows: some ten seconds. */
const STEADY_ROUNDS = 100;

/** One instance's. */
export class Places implements ClusterRider {
  readonly #fleets: Pick<Fleets, "takePlace">;
  #names: readonly string[] = [];
  #rounds = 0;
  #members: readonly ClusterMember[] | null = null;
  #isPlaced = false;

  constructor(fleets: Pick<Fleets, "takePlace">) {
    this.#fleets = fleets;
  }

  heard({ members }: ClusterRound): void {
    if (members !== this.#members) this.#look(members);
    if (this.#isPlaced && ++this.#rounds !== STEADY_ROUNDS) return;
    const own = members.find(({ self }) => self);
    if (own === undefined) return;
    this.#isPlaced = true;
    this.#fleets.takePlace(placeAmong(this.#names, nameOf(own)));
  }

  /** It stays where it is: others will still count on it. */
  lost(): void {}

  #look(members: readonly ClusterMember[]): void {
    this.#members = members;
    const names = members.map(nameOf).sort();
    if (names.length === this.#names.length && names.every((name, i) => name === this.#names[i])) return;
    this.#names = names;
    this.#rounds = 0;
  }
}

/** By name first, so that an instance that is started again is where it was. */
function nameOf({ id, description }: ClusterMember): string {
  return `${description.name} ${id}`;
}
