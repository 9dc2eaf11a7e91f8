/**
 * Which servers of a pool have room: less in flight than the hard limit, and, while requests may be held, than the limit that
 * was learned (`balancing/holding/room.ts` has the rule).
 */
import { anyRoom, type HeldFleet, hasRoom, withRoom } from "../../balancing/holding/room.ts";
import { type LearnedTable, LearnerFigure, LearnerWord, STALE_TABLE_MS } from "../../shared/memory/layout/learning.ts";
import type { PeerTable } from "../../shared/memory/layout/peers.ts";
import type { ServerTable, SharedMemory } from "../../shared/memory/layout/shared-memory.ts";

/** What a choice makes of learned limits (`balancing/holding/room.ts` says why). */
export const Heed = {
  /** One that comes: some server must have room, and then all may be chosen. */
  ANY: 0,
  /** One that has waited, or that nobody waits for: only those with room are chosen from. */
  EACH: 1,
  /** It has been held for long enough, or must not be. */
  NONE: 2,
} as const;
export type Heed = (typeof Heed)[keyof typeof Heed];

/** Nobody is held for longer, whatever was published, milliseconds. */
const MOST_PATIENCE_MS = 60_000;

/** Of one pool's servers in one worker. */
export class Room {
  readonly #servers: ServerTable;
  readonly #peers: PeerTable;
  readonly #fleet: HeldFleet;
  readonly #learned: LearnedTable;
  readonly #bootOffsetMs: () => number;
  #learns = false;
  #offsetMs = 0;

  /** @param bootOffsetMs see `PoolParts`; asked for where limits are learned. */
  constructor(
    { servers, peers }: Pick<SharedMemory, "servers" | "peers">,
    learned: LearnedTable,
    bootOffsetMs: () => number,
  ) {
    this.#servers = servers;
    this.#peers = peers;
    const { inFlight, transferring, id } = servers;
    this.#fleet = { inFlight, transferring, id, peers };
    this.#learned = learned;
    this.#bootOffsetMs = bootOffsetMs;
  }

  /** Whether learned limits are looked at at all. */
  setLearning(learns: boolean): void {
    if (learns && !this.#learns) this.#offsetMs = this.#bootOffsetMs();
    this.#learns = learns;
  }

  /** May requests be held at `nowMs`? Not where nobody has published limits for a second: the learner is dead, stuck or starved. */
  holds(nowMs: number): boolean {
    if (!this.#learns) return false;
    const { words, figures } = this.#learned;
    if (words[LearnerWord.HOLDING] !== 1) return false;
    return Math.abs(nowMs + this.#offsetMs - figures[LearnerFigure.LIMITS_MS]) < STALE_TABLE_MS;
  }

  /** How long a request is held at most, milliseconds; 0 = it is not. */
  get patienceMs(): number {
    const patienceMs = this.#learned.figures[LearnerFigure.PATIENCE_MS];
    return patienceMs > 0 ? Math.min(patienceMs, MOST_PATIENCE_MS) : 0;
  }

  /** By its hard limit, which each instance keeps for itself. */
  hasHardRoom(slot: number): boolean {
    const { inFlight, hardLimit } = this.#servers;
    return hardLimit[slot] === 0 || inFlight[slot] - this.#peers.inFlight[slot] < hardLimit[slot];
  }

  /** By the limit that was learned. */
  hasLearnedRoom(slot: number): boolean {
    return hasRoom(this.#learned, this.#fleet, slot);
  }

  /** Has one of `candidates[0 … count)` room by what was learned? */
  hasAnyLearned(candidates: Int32Array, count: number): boolean {
    return anyRoom(this.#learned, this.#fleet, candidates, count);
  }

  /** Puts those of `candidates[0 … count)` into `into` that have room by what was learned; returns how many they are. */
  withLearnedRoom(candidates: Int32Array, count: number, into: Int32Array): number {
    return withRoom(this.#learned, this.#fleet, candidates, count, into);
  }
}
