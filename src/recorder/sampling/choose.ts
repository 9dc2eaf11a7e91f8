/**
 * Which requests of a second are kept, and for how many each stands. Failed and slow ones come first, but each kind has a
 * part that the others cannot take, or the rows would be no sample of the traffic. The weights of a kind add up to the
 * number of its requests, which is known exactly.
 */
import { DetailReason } from "../../shared/memory/layout/history.ts";
import type { Detail } from "./reservoir.ts";

/** A kind's requests within a second: a stratum. */
export interface Stratum {
  /** How many there were. */
  readonly count: number;
  /** Those that may be kept. */
  readonly details: readonly Detail[];
}

/** A request that is kept. */
export interface Kept {
  readonly detail: Detail;
  /** How many requests it stands for, at least 1. */
  readonly weight: number;
}

/** Kinds, in the order in which they get room. */
const ORDER: readonly DetailReason[] = [DetailReason.FAILED, DetailReason.SLOW, DetailReason.SAMPLE];
/** The part of all rows that no other kind can take, as long as it has so many. */
const OWN_PART = 1 / 4;
/** Requests of a kind of which no details came are represented by later ones, if those come within so many seconds. */
const OWED_SECONDS = 10;

/** Chooses second by second. */
export class Chooser {
  readonly #maxRows: number;
  /** By kind: requests that are not represented yet, and for how many seconds. */
  readonly #owed = [0, 0, 0];
  readonly #owedSeconds = [0, 0, 0];

  /** @param maxRows the most that are kept of a second. */
  constructor(maxRows: number) {
    this.#maxRows = maxRows;
  }

  /** @param strata by `DetailReason`. */
  choose(strata: readonly Stratum[]): Kept[] {
    if (this.#maxRows === 0) return [];
    const groups = groupsOf(strata, this.#maxRows);
    const rooms = shareOut(
      groups.map((group) => detailsOf(group, strata).length),
      this.#maxRows,
    );
    const kept = groups.flatMap((group, i) => {
      const count = group.reduce<number>((sum, kind) => sum + strata[kind].count + this.#owed[kind], 0);
      for (const kind of group) this.#owed[kind] = 0;
      return keep(detailsOf(group, strata), rooms[i], count);
    });
    for (const kind of ORDER) this.#owe(kind, strata[kind]);
    return kept;
  }

  #owe(kind: DetailReason, { count, details }: Stratum): void {
    if (details.length > 0) this.#owedSeconds[kind] = 0;
    else if (count > 0 || this.#owed[kind] > 0) {
      this.#owed[kind] += count;
      if (++this.#owedSeconds[kind] <= OWED_SECONDS) return;
      this.#owed[kind] = 0;
      this.#owedSeconds[kind] = 0;
    }
  }
}

/** Kinds of which there is something to keep; those that have no row of their own stand together. */
function groupsOf(strata: readonly Stratum[], maxRows: number): DetailReason[][] {
  const groups: DetailReason[][] = ORDER.filter((kind) => strata[kind].details.length > 0).map((kind) => [kind]);
  while (groups.length > maxRows) groups.splice(0, 2, [...groups[0], ...groups[1]]);
  return groups;
}

function detailsOf(group: readonly DetailReason[], strata: readonly Stratum[]): Detail[] {
  return group.flatMap((kind) => strata[kind].details);
}

/**
 * Rows for each of a few groups, of which there are at most so many each.
 * @param found how many each could have, in the order in which they get room; none is 0, and they are at most `maxRows`.
 */
export function shareOut(found: readonly number[], maxRows: number): number[] {
  const own = Math.max(1, Math.floor(maxRows * OWN_PART));
  const rooms = found.map((some) => Math.min(some, own));
  let left = maxRows - rooms.reduce((sum, room) => sum + room, 0);
  return rooms.map((room, i) => {
    const more = Math.min(found[i] - room, left);
    left -= more;
    return room + more;
  });
}

/** Keeps `room` of the details, which stand for `count` requests. */
export function keep(details: readonly Detail[], room: number, count: number): Kept[] {
  const sorted = details.toSorted((a, b) => a.rank - b.rank);
  const threshold = sorted.length > room ? 1 / sorted[room].rank : 0;
  const kept = sorted.slice(0, room).map((detail) => ({ detail, weight: Math.max(1, detail.weight, threshold) }));
  return matched(kept, count);
}

/** Makes weights add up to `count`, none below 1: what is beyond 1 is scaled. */
function matched(kept: readonly Kept[], count: number): Kept[] {
  const wanted = Math.max(0, count - kept.length);
  const beyond = kept.reduce((sum, { weight }) => sum + weight - 1, 0);
  return kept.map(({ detail, weight }) => ({
    detail,
    weight: 1 + (beyond > 0 ? ((weight - 1) / beyond) * wanted : wanted / kept.length),
  }));
}
