/**
 * Whether a request goes on now or has to wait: the rule of learned limits, for workers and simulated balancers alike.
 *
 * - A server has room while it works on less than its learned limit: on what is in flight there, has come whole, and
 *   has got no response yet. What is in transfer (a slow upload, an event stream, a WebSocket) keeps nobody else waiting, however
 *   long it takes. One without a limit always has room; what is
 *   configured is a hard limit above it, and whose business that is has left out the full ones before it asks here.
 * - A newcomer is held only while none of the servers that may get it has room, or others wait already. Else the strategy
 *   chooses among all of them, full ones too: it knows what a request costs there. To narrow its choice to those with room
 *   would send requests to slow servers only because they are free (docs/learning.md has the figures).
 * - A freed place is for who has waited longest: then the strategy chooses among those with room.
 * - Where other instances send requests to the same servers, what they have there is part of what a server works on, but as it was
 *   a moment ago, and they have queues of their own. A full server then has room all the same while this instance has less there
 *   than its own part of the limit, and the patience is short: several queues that each wait for the same place would leave it empty,
 *   or fill it twice (docs/holding.md has the figures).
 * - A request that has been held for as long as the patience is sent anyway, by the strategy's choice: a limit is an opinion.
 */

/** No limit: nothing is known of the server, or it takes hundreds of requests at once. */
export const NO_LIMIT = 0;

/** Learned limits: columns by slot. The arrays are live and only read. */
export interface LearnedLimits {
  /** Requests at once at the server, ≥ 1; `NO_LIMIT`. */
  readonly limit: Int32Array;
  /** Id of the server whose limit it is. A slot may have changed hands since: then there is none. */
  readonly limitId: Int32Array;
  /** This instance's part of the limit, ≥ 1, where others send requests there, too; 0 = nobody else does. */
  readonly ownLimit: Int32Array;
}

/** Requests of other instances: columns by slot. */
export interface PeerRequests {
  readonly inFlight: Int32Array;
  readonly transferring: Int32Array;
}

/** What has to be known of the servers: columns by slot. */
export interface HeldFleet {
  readonly inFlight: Int32Array;
  /** Requests in flight whose body still comes, or whose response has begun. */
  readonly transferring: Int32Array;
  readonly id: Int32Array;
  /** What other instances have there, as they told a moment ago: a part of the columns above. Left out where nobody tells. */
  readonly peers?: PeerRequests | undefined;
}

/** The limit of the server in `slot`, or `NO_LIMIT`. */
export function limitOf({ limit, limitId }: LearnedLimits, id: Int32Array, slot: number): number {
  return limitId[slot] === id[slot] ? limit[slot] : NO_LIMIT;
}

/** Requests that the server in `slot` works on. */
export function atWork({ inFlight, transferring }: PeerRequests, slot: number): number {
  return inFlight[slot] - transferring[slot];
}

/** Whether a server that works on `requests` may have one more by the `limit` that it has. */
function hasPlace(
  { ownLimit }: LearnedLimits,
  { peers }: HeldFleet,
  slot: number,
  limit: number,
  requests: number,
): boolean {
  if (requests < limit) return true;
  return peers !== undefined && requests - atWork(peers, slot) < ownLimit[slot];
}

/** Whether one request more may go to the server in `slot` now. */
export function hasRoom(limits: LearnedLimits, fleet: HeldFleet, slot: number): boolean {
  const limit = limitOf(limits, fleet.id, slot);
  return limit <= NO_LIMIT || hasPlace(limits, fleet, slot, limit, atWork(fleet, slot));
}

/** Whether any of `candidates[0 … count)` has room: if not, a newcomer is held. */
export function anyRoom(limits: LearnedLimits, fleet: HeldFleet, candidates: Int32Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (hasRoom(limits, fleet, candidates[i])) return true;
  return false;
}

/**
 * Puts those of `candidates[0 … count)` that have room into `into`, in their order: among them a freed place is given away. Where
 * one of them has no limit all candidates are in it: what is held would else be sent to that one alone, however much it is.
 * @returns how many they are: with 0 who waits goes on waiting.
 */
export function withRoom(
  limits: LearnedLimits,
  fleet: HeldFleet,
  candidates: Int32Array,
  count: number,
  into: Int32Array,
): number {
  let found = 0;
  for (let i = 0; i < count; i++) {
    const slot = candidates[i];
    const limit = limitOf(limits, fleet.id, slot);
    if (limit <= NO_LIMIT) {
      for (let all = 0; all < count; all++) into[all] = candidates[all];
      return count;
    }
    if (hasPlace(limits, fleet, slot, limit, atWork(fleet, slot))) into[found++] = slot;
  }
  return found;
}

/**
 * Whether a held request has waited long enough and is sent anyway.
 * @param heldMs for how long it has been held, milliseconds.
 * @param patienceMs as published with the limits; 0 = nothing is known, so that nothing is held for long.
 */
export function isOverdue(heldMs: number, patienceMs: number): boolean {
  return !(heldMs < patienceMs);
}
