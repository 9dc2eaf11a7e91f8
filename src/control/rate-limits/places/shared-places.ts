/** One limit on requests at once that instances share: how many of a key are under way here, and how many places it has been lent. */
import type { WorkerRateLimit } from "../../../protocol/rate-limit.ts";
import { type LimitMemory, placeOf } from "../../../shared/memory/rate-limits/limit-file.ts";
import { advance } from "../../../shared/memory/rate-limits/sharing/terms.ts";
import { type BookedKey, LeaseBook } from "../lease-book.ts";
import {
  ask,
  hashText,
  keyPrefix,
  type Question,
  type Round,
  type SharedLimit,
  tellHeard,
  tellLost,
} from "../shared-limit.ts";
import { PLACES_SCRIPT } from "./places-script.ts";

/** What Redis is told holds for so long: then the places of an instance that is gone are the others'. */
export const PLACES_LIFETIME_MS = 3000;
/** It is told again so often; more often where places are not in use, which others may want. */
const RENEW_MS = 1000;
const RENEW_SPARE_MS = 250;
/** Places of a key without requests are given back after so long. */
const IDLE_MS = 200;
const WORDS_TO_TAG = 8;

/** A key that is in use here. */
interface Lease extends BookedKey {
  readonly name: string;
  /** Places that it has here, in use or not. Fewer than are in use: those end, and are not given again. */
  has: number;
  /** When a request was last let pass or refused, or was under way. */
  askedMs: number;
  /** When Redis was told. */
  toldMs: number;
  /** One was refused since Redis was asked. */
  refused: boolean;
  /** When last. */
  refusedMs: number;
  /** Others have all the rest. */
  scarce: boolean;
}

/** One of them. */
export class SharedPlaces implements SharedLimit {
  readonly file: string;
  readonly #memory: LimitMemory;
  readonly #most: number;
  readonly #advancePercent: number;
  readonly #prefix: string;
  readonly #instance: string;
  readonly #leases = new LeaseBook<Lease>();

  /** @param limit one that is shared, of requests at once. @param cluster who counts together. @param instance which of them this is. */
  constructor(limit: WorkerRateLimit, memory: LimitMemory, cluster: string, instance: string) {
    const { quota, shared } = limit;
    if (quota.kind !== "concurrent" || shared === null)
      throw new Error(`rate limit ${limit.name} is not one of requests at once that are shared`);
    this.file = limit.file;
    this.#memory = memory;
    this.#most = quota.requests;
    this.#advancePercent = shared.advancePercent;
    this.#prefix = `${keyPrefix(cluster, limit.name)}at-once:`;
    this.#instance = instance;
  }

  async settle(round: Round): Promise<void> {
    const { bootMs, instances } = round;
    const startMs = bootMs();
    this.#memory.sharing.dirty.take((row) => this.#collect(row, startMs));
    const questions: Question[] = [];
    for (const lease of this.#leases.due(startMs)) {
      const question = this.#question(lease, startMs, instances);
      if (question !== null) questions.push(question);
    }
    await ask(round, PLACES_SCRIPT, [this.#instance, this.#most, PLACES_LIFETIME_MS], questions);
    tellHeard(this.#memory, bootMs(), instances);
  }

  lost(_bootMs: number, instances: number): void {
    // What Redis was told may not hold when it is back: it is told all anew before workers go by it again.
    for (const lease of this.#leases) {
      lease.toldMs = Number.NEGATIVE_INFINITY;
      lease.dueMs = 0;
    }
    tellLost(this.#memory, instances);
  }

  get size(): number {
    return this.#leases.size;
  }

  #collect(row: number, nowMs: number): void {
    const { table, sharing } = this.#memory;
    const refused = Atomics.exchange(sharing.used, row, 0) !== 0;
    const tag = table[placeOf(row) - WORDS_TO_TAG];
    const hi = sharing.hashes[row];
    // What Redis was told of another key that was here ends by itself: that key may have another row by now.
    let lease = this.#leases.find(row, tag, hi, (left) => this.#leases.remove(left));
    if (lease === undefined) {
      if (!refused && this.#underWay(row) === 0) return;
      const name = this.#prefix + hashText(hi, tag);
      lease = {
        row,
        tag,
        hi,
        name,
        has: 0,
        askedMs: nowMs,
        toldMs: Number.NEGATIVE_INFINITY,
        refused,
        refusedMs: refused ? nowMs : Number.NEGATIVE_INFINITY,
        scarce: false,
        dueMs: nowMs,
        at: 0,
      };
      this.#leases.add(lease);
    }
    if (refused) {
      lease.refused = true;
      lease.refusedMs = nowMs;
    }
    lease.askedMs = nowMs;
    lease.dueMs = nowMs;
  }

  /** What is said of a key: how many are under way, and how many places are wanted. `null` = nothing, for the time being. */
  #question(lease: Lease, nowMs: number, instances: number): Question | null {
    const { row, tag, hi, name } = lease;
    const { table, sharing } = this.#memory;
    if (table[placeOf(row) - WORDS_TO_TAG] !== tag || sharing.hashes[row] !== hi) {
      this.#leases.remove(lease);
      return null;
    }
    let used = this.#underWay(row);
    if (used > 0) lease.askedMs = nowMs;
    const isOver = used === 0 && nowMs - lease.askedMs >= IDLE_MS;
    const spare = this.#spare(lease, used, nowMs, instances);
    const wanted = isOver ? 0 : Math.min(this.#most, used + spare);
    lease.dueMs = nowMs + IDLE_MS;
    const isOld = nowMs - lease.toldMs >= (lease.has > used ? RENEW_SPARE_MS : RENEW_MS);
    const isEnough = lease.has > used ? !lease.refused : lease.has === used && lease.scarce && !lease.refused;
    const isTooMuch = lease.has - used > (lease.scarce ? spare : 2 * spare);
    if (isEnough && !isTooMuch && !isOver && !isOld) return null;
    if (wanted < lease.has) {
      // Workers go by it before Redis lends it to others.
      Atomics.store(sharing.lent, row, wanted + 1);
      used = this.#underWay(row);
    }
    const { refused } = lease;
    lease.dueMs = 0; // unless there is an answer
    return {
      name,
      first: used,
      second: wanted,
      answered: (has, scarce, answeredMs) => {
        lease.has = has;
        lease.scarce = scarce === 1;
        if (refused) lease.refused = false;
        lease.toldMs = answeredMs;
        lease.dueMs = has > used && lease.scarce ? answeredMs : answeredMs + IDLE_MS;
        this.#tell(lease, isOver);
      },
    };
  }

  /** How many places it should have besides those in use. */
  #spare({ refused, refusedMs, scarce }: Lease, used: number, nowMs: number, instances: number): number {
    // What it was given because one was refused it keeps for a while: the next request may be on its way.
    if (scarce) return nowMs - refusedMs < IDLE_MS ? 1 : 0;
    const first = advance(this.#most, this.#advancePercent, instances);
    return Math.max(1, first, refused ? used : Math.ceil(used / 4));
  }

  /** Tells workers how many may be under way; or forgets it, and the next request is the first again. */
  #tell(lease: Lease, isOver: boolean): void {
    const { row, tag, hi, has } = lease;
    const { table, sharing } = this.#memory;
    const isGone = table[placeOf(row) - WORDS_TO_TAG] !== tag || sharing.hashes[row] !== hi;
    const isForgotten = isOver && has === 0 && this.#underWay(row) === 0;
    if (isGone || isForgotten) this.#leases.remove(lease);
    if (!isGone) Atomics.store(sharing.lent, row, isForgotten ? 0 : has + 1);
  }

  #underWay(row: number): number {
    return Math.max(0, Atomics.load(this.#memory.table, placeOf(row)));
  }
}
