/** Which of a pool's servers this instance uses: all of them, or a part that depends on where it stands among the instances. */
import { LEAST_USABLE, type RingPlace, ringOrder, subsetOf } from "../../../balancing/subset.ts";
import { type DiscoveredServer, zoneOf } from "../../discovery/discovered-server.ts";
import { identityOf } from "../membership.ts";
import type { FleetOptions } from "../options.ts";
import type { FleetServer } from "../server.ts";

/** Servers that were taken because others were down are given back when they have not been needed for so long. */
const KEEP_MS = 60_000;

/** What has to be known of a server that is used. */
export type UsedServer = Pick<FleetServer, "server" | "ownVerdict" | "withdrawal">;

/** Servers between which there is a choice. */
interface Ring {
  readonly servers: readonly DiscoveredServer[];
  readonly order: readonly number[];
}

/** One fleet's. */
export class FleetSubset {
  readonly #place: () => RingPlace;
  #wanted: readonly DiscoveredServer[] = [];
  #rings: readonly Ring[] = [];
  #used: ReadonlySet<string> = new Set();
  /** Since when fewer would do; `null` = they would not. */
  #moreSinceMs: number | null = null;

  /** @param place where the instance stands now. */
  constructor(place: () => RingPlace) {
    this.#place = place;
  }

  /** Servers that are there and not used. */
  get unused(): number {
    return this.#rings.reduce((sum, { servers }) => sum + servers.length, 0) - this.#used.size;
  }

  /** Of `wanted`, those that are used; from now on, until it is asked again. */
  choose(
    wanted: readonly DiscoveredServer[],
    options: Pick<FleetOptions, "subsetSize" | "preferZone">,
    present: readonly UsedServer[],
    nowMs: number,
  ): readonly DiscoveredServer[] {
    const { subsetSize = 0 } = options;
    if (subsetSize === 0) {
      this.#wanted = [];
      this.#rings = [];
      this.#used = new Set();
      return wanted;
    }
    if (wanted !== this.#wanted) {
      this.#wanted = wanted;
      this.#rings = ringsOf(wanted, options.preferZone === true);
    }
    const chosen = this.#choose(subsetSize, present, nowMs);
    this.#used = new Set(chosen.map(identityOf));
    return chosen;
  }

  /** Whether `choose` would say something else now. */
  isDue(subsetSize: number | undefined, present: readonly UsedServer[], nowMs: number): boolean {
    if (subsetSize === undefined || subsetSize === 0) return false;
    const chosen = this.#choose(subsetSize, present, nowMs);
    return chosen.length !== this.#used.size || chosen.some((server) => !this.#used.has(identityOf(server)));
  }

  #choose(size: number, present: readonly UsedServer[], nowMs: number): DiscoveredServer[] {
    const unusable = new Set(
      present
        .filter(({ ownVerdict, withdrawal }) => ownVerdict !== "up" || withdrawal !== null)
        .map(({ server }) => identityOf(server)),
    );
    const fewest = this.#pick(size, unusable);
    const isSame = fewest.length === this.#used.size && fewest.every((server) => this.#used.has(identityOf(server)));
    const isPart = fewest.length < this.#used.size && fewest.every((server) => this.#used.has(identityOf(server)));
    if (isSame || !isPart) {
      this.#moreSinceMs = null;
      return fewest;
    }
    this.#moreSinceMs ??= nowMs;
    if (nowMs - this.#moreSinceMs >= KEEP_MS) return fewest;
    return this.#rings.flatMap(({ servers }) => servers.filter((server) => this.#used.has(identityOf(server))));
  }

  #pick(size: number, unusable: ReadonlySet<string>): DiscoveredServer[] {
    const place = this.#place();
    const subset = { size, leastUsable: Math.ceil(size * LEAST_USABLE) };
    return this.#rings.flatMap(({ servers, order }) =>
      subsetOf(order, place, subset, (index) => !unusable.has(identityOf(servers[index]))).map(
        (index) => servers[index],
      ),
    );
  }
}

/** Backups are chosen apart from those whose backups they are, and where zones matter, each zone's apart from the others'. */
function ringsOf(wanted: readonly DiscoveredServer[], preferZone: boolean): Ring[] {
  const groups = new Map<string, Map<string, DiscoveredServer>>();
  for (const server of wanted) {
    const group = `${server.spec.backup}|${preferZone ? (zoneOf(server) ?? "") : ""}`;
    const members = groups.get(group) ?? new Map<string, DiscoveredServer>();
    members.set(identityOf(server), server);
    groups.set(group, members);
  }
  return [...groups.values()].map((members) => ({
    servers: [...members.values()],
    order: ringOrder([...members.keys()]),
  }));
}
