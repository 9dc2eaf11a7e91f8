/**
 * The places at the admin port, and who gives one up when all are taken. Whoever holds connections open and asks nothing, or
 * holds most of them, must not keep out the operator who comes when it matters.
 */

/** Who was answered nothing for so long waits for nothing that is urgent: an answer takes less, a stream says something each second. */
export const QUIET_MS = 5_000;
/** An address gives way to one that has fewer connections, by so many at least: else two would take turns for ever. */
const MORE = 2;

interface Place {
  readonly address: string;
  /** When it came, or was last answered something. */
  sinceMs: number;
}

/** Of connections of some kind. */
export class Places<Connection> {
  readonly #most: number;
  readonly #nowMs: () => number;
  readonly #taken = new Map<Connection, Place>();

  /** @param nowMs monotonic, milliseconds. */
  constructor(most: number, nowMs: () => number) {
    this.#most = most;
    this.#nowMs = nowMs;
  }

  /** Those that have one. */
  get connections(): Iterable<Connection> {
    return this.#taken.keys();
  }

  has(connection: Connection): boolean {
    return this.#taken.has(connection);
  }

  /** Gives it a place. @returns whether there is one; `instead` has lost its own for it. */
  take(connection: Connection, address: string): { readonly taken: boolean; readonly instead: Connection | null } {
    const instead = this.#taken.size < this.#most ? null : this.#whoGivesWay(address);
    if (instead === undefined) return { taken: false, instead: null };
    if (instead !== null) this.#taken.delete(instead);
    this.#taken.set(connection, { address, sinceMs: this.#nowMs() });
    return { taken: true, instead };
  }

  /** It was answered something. */
  answered(connection: Connection): void {
    const place = this.#taken.get(connection);
    if (place !== undefined) place.sinceMs = this.#nowMs();
  }

  /** It has ended. */
  leave(connection: Connection): void {
    this.#taken.delete(connection);
  }

  #whoGivesWay(address: string): Connection | undefined {
    const counts = new Map<string, number>();
    for (const place of this.#taken.values()) counts.set(place.address, (counts.get(place.address) ?? 0) + 1);
    let greedy: string | null = null;
    let most = (counts.get(address) ?? 0) + MORE;
    for (const [holder, count] of counts) {
      if (count < most) continue;
      greedy = holder;
      most = count;
    }
    const [quietest, sinceMs] = this.#quietest(greedy);
    if (greedy !== null) return quietest;
    return this.#nowMs() - sinceMs >= QUIET_MS ? quietest : undefined;
  }

  /** @param address whose; `null` = of all. */
  #quietest(address: string | null): [Connection | undefined, number] {
    let quietest: Connection | undefined;
    let earliest = Number.POSITIVE_INFINITY;
    for (const [connection, place] of this.#taken) {
      if ((address !== null && place.address !== address) || place.sinceMs >= earliest) continue;
      quietest = connection;
      earliest = place.sinceMs;
    }
    return [quietest, earliest];
  }
}
