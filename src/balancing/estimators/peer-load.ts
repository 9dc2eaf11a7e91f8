/**
 * What to make of what other instances told of their requests in flight. A number that is older than the requests it counts says
 * little of who is there now: all who follow it send to the same server, which is how herds form. So of what was told
 *
 * - the whole counts, spread as the weights say: no server looks busier by it than another;
 * - what a server has more or less than its part counts the less, the older it is beside the time that a request takes;
 * - what it has more or less for seconds counts, whatever requests take: it is slower or smaller than it should be, or it
 *   stands still.
 *
 * Numbers are whole, so parts of one are made up by chance, and anew each time: instances that know the same do not all go
 * to the same server. Found with the simulator (docs/cluster.md has the figures).
 */
import type { PeerRequests } from "../strategy.ts";

/** How much of what a server has more or less than its part counts, of new numbers and of what lasts. */
const GAIN = 0.5;
/** What is told later counts e times as much as what was told so much before it, milliseconds. */
const LASTING_MS = 2_000;

/** What the others told, added up; columns by slot. */
export interface ToldRequests {
  readonly inFlight: Int32Array;
  /** Of these, those whose body still comes, or whose response has begun: they last, and count as they are. */
  readonly transferring: Int32Array;
}

/** The servers that it is about: those of one pool that may get requests. */
export interface ToldServers {
  readonly slots: Int32Array;
  readonly count: number;
  /** Columns by slot: `ServerTable.id` and `effectiveWeight`. */
  readonly id: Int32Array;
  readonly effectiveWeight: Float64Array;
}

/** How old numbers are, and beside what. */
export interface ToldAge {
  /** Of what was told, on average, milliseconds. */
  readonly ageMs: number;
  /** What a request of the pool takes, on average, milliseconds; NaN = not known. */
  readonly responseMs: number;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: number;
}

/** Works out what others' requests count as; one for all pools. */
export class PeerLoad {
  readonly #random: () => number;
  readonly #lasting: Float64Array;
  readonly #atMs: Float64Array;
  /** Whose figures they are: a slot may have changed hands since. */
  readonly #owner: Int32Array;

  /** @param random uniform in [0, 1), and another in each instance. */
  constructor(slots: number, random: () => number) {
    this.#random = random;
    this.#lasting = new Float64Array(slots);
    this.#atMs = new Float64Array(slots);
    this.#owner = new Int32Array(slots);
  }

  /** Writes what counts as others' requests at the servers of a pool into `into`, whose other slots are left alone. */
  settle(told: ToldRequests, servers: ToldServers, { ageMs, responseMs, nowMs }: ToldAge, into: PeerRequests): void {
    const { slots, count, id, effectiveWeight } = servers;
    let total = 0;
    let weights = 0;
    for (let i = 0; i < count; i++) {
      total += atWork(told, slots[i]);
      weights += effectiveWeight[slots[i]];
    }
    const fresh = responseMs > 0 ? Math.exp(-ageMs / responseMs) : 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i];
      const part = (total * effectiveWeight[slot]) / weights;
      const more = atWork(told, slot) - part;
      const lasting = total === 0 ? this.#forget(slot) : this.#remember(slot, id[slot], more, nowMs);
      const counted = Math.round(part) + GAIN * (fresh * more + lasting);
      into.transferring[slot] = told.transferring[slot];
      into.inFlight[slot] = told.transferring[slot] + Math.max(0, Math.floor(counted + this.#random()));
    }
  }

  #remember(slot: number, id: number, more: number, nowMs: number): number {
    if (this.#owner[slot] !== id) {
      this.#owner[slot] = id;
      this.#forget(slot);
    }
    const seen = this.#atMs[slot] > 0 ? 1 - Math.exp(-(nowMs - this.#atMs[slot]) / LASTING_MS) : 0;
    this.#atMs[slot] = nowMs;
    this.#lasting[slot] += seen * (more - this.#lasting[slot]);
    return this.#lasting[slot];
  }

  #forget(slot: number): number {
    this.#atMs[slot] = 0;
    this.#lasting[slot] = 0;
    return 0;
  }
}

function atWork({ inFlight, transferring }: ToldRequests, slot: number): number {
  return Math.max(0, inFlight[slot] - transferring[slot]);
}
