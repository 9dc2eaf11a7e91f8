/**
 * Which servers of a large pool an instance uses, where many instances stand before it: each would else check all of them and
 * hold connections to all of them.
 *
 * Servers stand on a ring in the order of their hashes, so that neighbours have nothing else in common; instances stand on it evenly,
 * by their rank among all, and each uses the servers from its place on. So every server has as many instances as any other, but
 * for one; a server that comes or goes moves each subset by a server or two at its ends; an instance that comes or goes
 * moves each by a part of what one instance has, the less the more instances use a server. This is Twitter's deterministic
 * aperture, with whole servers; Google's "Reinventing Backend Subsetting" (2022) compares such ways.
 *
 * All instances have to know of the same servers and of each other. While they do not (one has just come, Redis is away), subsets are
 * as good as chosen by chance: servers have more or fewer instances, and nothing else is wrong.
 */
import { hashString, mix32 } from "./hash.ts";

/** Where an instance stands on the ring: at `rank` of `of` equal steps. */
export interface RingPlace {
  readonly rank: number;
  readonly of: number;
}

/** The place of an instance that is the only one. */
export const WHOLE_RING: RingPlace = Object.freeze({ rank: 0, of: 1 });

const WORDS = 2 ** 32;

/** Of a subset at least this part can take requests, or it is made larger. */
export const LEAST_USABLE = 0.75;

/** The place among instances that know of each other. `names`: unique, this one's included, in any order; else by its own name alone. */
export function placeAmong(names: Iterable<string>, own: string): RingPlace {
  let rank = 0;
  let of = 0;
  let isThere = false;
  for (const name of names) {
    of++;
    if (name < own) rank++;
    else if (name === own) isThere = true;
  }
  return isThere ? { rank, of } : placeByName(own);
}

/** The place of an instance that knows of no other. */
export function placeByName(own: string): RingPlace {
  return { rank: hashString(own), of: WORDS };
}

/**
 * The order of a pool's servers on the ring, as indices of `keys`.
 * @param keys what each server is in every instance, unique: its URL and address.
 */
export function ringOrder(keys: readonly string[]): number[] {
  const hashes = keys.map((key) => mix32(hashString(key)));
  return keys
    .map((_, index) => index)
    .sort((a, b) => hashes[a] - hashes[b] || (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : 0));
}

/** How large a subset is. */
export interface SubsetSize {
  /** Servers, ≥ 1. */
  readonly size: number;
  /** So many of them at least can take requests, or all that there are. */
  readonly leastUsable: number;
}

/**
 * The servers that an instance uses: `size` from its place on, and more while fewer than `leastUsable` of them can take requests.
 * @param order what `ringOrder` gave.
 * @param isUsable whether a server can take requests as far as is known, by its index; of one that is not used nothing is known:
 * true.
 * @returns indices, in the order of the ring.
 */
export function subsetOf(
  order: readonly number[],
  { rank, of }: RingPlace,
  { size, leastUsable }: SubsetSize,
  isUsable: (index: number) => boolean,
): number[] {
  const count = order.length;
  // Exact for any number of instances there may be; of a hash of 32 bits the product stays below 2^53 with 2^21 servers.
  const first = Math.floor((rank * count) / of);
  const chosen: number[] = [];
  let usable = 0;
  for (let i = 0; i < count && (i < size || usable < leastUsable); i++) {
    const index = order[(first + i) % count];
    chosen.push(index);
    if (isUsable(index)) usable++;
  }
  return chosen;
}
