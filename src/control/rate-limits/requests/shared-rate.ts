/** One limit on requests in a period that instances share: which keys are in use here, what they were lent, and what Redis is told. */
import type { WorkerRateLimit } from "../../../protocol/rate-limit.ts";
import { aheadOf, type GcraTerms, gcraTerms, unitsAt } from "../../../shared/memory/rate-limits/gcra.ts";
import { type LimitMemory, placeOf } from "../../../shared/memory/rate-limits/limit-file.ts";
import { KNOWN_MS } from "../../../shared/memory/rate-limits/sharing/rate-counts.ts";
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
import { LEASE_SCRIPT } from "./lease-script.ts";

/** What is lent to a key that nobody asks about is given back after so long: all but one where little is left, that one later. */
const IDLE_MS = 200;
const LAST_IDLE_MS = 2000;
/** Who waits for its turn and is asked for asks so often whether it may come sooner: others may have given back what they had. */
const HURRY_MS = 50;
/** Workers are told anew that a key is known. */
const RENEW_MS = KNOWN_MS / 4;
const WORDS_TO_TAG = 8;

/** A key that is in use here. */
interface Lease extends BookedKey {
  readonly name: string;
  /** Requests that were lent and have not passed. */
  lent: number;
  /** From when on they may pass; if none is lent, none can be before. Milliseconds of the boot clock. */
  fromMs: number;
  /** Passed beyond what was lent: to be told. */
  passed: number;
  /** In the last round in which any passed. */
  pace: number;
  /** When a request was last let pass or refused. */
  askedMs: number;
  /** When Redis was last asked. */
  saidMs: number;
  /** Half of the burst was left when Redis was asked last. */
  plenty: boolean;
}

/** One of them. */
export class SharedRate implements SharedLimit {
  readonly file: string;
  readonly #memory: LimitMemory;
  readonly #terms: GcraTerms;
  readonly #costUs: number;
  readonly #burst: number;
  readonly #advancePercent: number;
  readonly #prefix: string;
  readonly #leases = new LeaseBook<Lease>();

  /** @param limit one that is shared, of requests in a period. @param cluster who counts together. */
  constructor(limit: WorkerRateLimit, memory: LimitMemory, cluster: string) {
    const { quota, shared } = limit;
    if (quota.kind !== "rate" || shared === null)
      throw new Error(`rate limit ${limit.name} is not one of requests that are shared`);
    this.file = limit.file;
    this.#memory = memory;
    this.#terms = gcraTerms(quota.requests, quota.periodMs, quota.burst);
    this.#costUs = (quota.periodMs * 1000) / quota.requests;
    this.#burst = quota.burst;
    this.#advancePercent = shared.advancePercent;
    this.#prefix = keyPrefix(cluster, limit.name);
  }

  async settle(round: Round): Promise<void> {
    const { bootMs, instances } = round;
    const startMs = bootMs();
    this.#memory.sharing.dirty.take((row) => this.#collect(row, startMs));
    const questions: Question[] = [];
    for (const lease of this.#leases.due(startMs)) {
      const question = this.#question(lease, startMs, instances);
      if (question !== null) questions.push(question);
      else this.#go(lease, startMs);
    }
    await ask(round, LEASE_SCRIPT, [this.#costUs, this.#burst, instances], questions);
    tellHeard(this.#memory, bootMs(), instances);
  }

  lost(bootMs: number, instances: number): void {
    // Who had nothing left has nothing left alone either.
    for (const { row, tag, lent } of this.#leases) {
      if (row >= 0) this.#keep(row, tag, bootMs, lent > 0 ? 0 : this.#terms.most);
    }
    tellLost(this.#memory, instances);
  }

  get size(): number {
    return this.#leases.size;
  }

  /** What has passed there since the last round. */
  #collect(row: number, nowMs: number): void {
    const { table, sharing } = this.#memory;
    const count = Atomics.exchange(sharing.used, row, 0);
    const tag = table[placeOf(row) - WORDS_TO_TAG];
    const hi = sharing.hashes[row];
    let lease = this.#leases.find(row, tag, hi, (left) => {
      left.askedMs = Number.NEGATIVE_INFINITY; // gives back what it has
      left.dueMs = nowMs;
    });
    if (lease === undefined) {
      const name = this.#prefix + hashText(hi, tag);
      lease = {
        row,
        tag,
        hi,
        name,
        lent: 0,
        fromMs: 0,
        passed: 0,
        pace: 1,
        askedMs: 0,
        saidMs: 0,
        plenty: false,
        dueMs: 0,
        at: 0,
      };
      this.#leases.add(lease);
    }
    lease.askedMs = nowMs;
    lease.dueMs = nowMs;
    if (count === 0) return;
    lease.pace = Math.max(1, count);
    lease.lent -= count;
    if (lease.lent >= 0) return;
    lease.passed -= lease.lent;
    lease.lent = 0;
  }

  /** What is said of a key: what has passed beyond what was lent, without what is given back, and what is wanted. `null` = nothing. */
  #question(lease: Lease, nowMs: number, instances: number): Question | null {
    const { lent, passed, askedMs, plenty, name } = lease;
    const idleMs = nowMs - askedMs;
    const isIdle = idleMs >= IDLE_MS;
    const isOver = idleMs >= (plenty ? IDLE_MS : LAST_IDLE_MS);
    const isLent = lent > 0 && lease.fromMs <= nowMs;
    const returned = isOver ? lent : isIdle && isLent ? lent - 1 : 0;
    const mayBorrow = !isIdle && (lent === 0 || isLent);
    const wanted = mayBorrow ? Math.max(0, this.#wanted(lease, instances) - lent) : 0;
    const isHurried = !isIdle && lent > 0 && !isLent && nowMs - lease.saidMs >= HURRY_MS;
    if (passed === 0 && returned === 0 && wanted === 0 && !isHurried) return null;
    return {
      name,
      first: passed - returned,
      second: lent > 0 ? -wanted : wanted,
      answered: (more, fromUs, answeredMs) => {
        lease.passed -= passed;
        lease.lent += more - returned;
        lease.plenty = fromUs < 0;
        lease.saidMs = answeredMs;
        if (lease.lent > more) lease.fromMs = sooner(lease.fromMs, fromUs - this.#costUs, answeredMs);
        else lease.fromMs = fromUs <= 0 ? 0 : answeredMs + fromUs / 1000;
        this.#go(lease, answeredMs);
      },
    };
  }

  /** What it may need in the next rounds. */
  #wanted({ pace }: Lease, instances: number): number {
    const first = advance(this.#burst, this.#advancePercent, instances);
    return Math.max(1, first, Math.min(4 * pace, this.#burst));
  }

  /** Nothing is to be said of it: tells workers what may pass, or forgets it. */
  #go(lease: Lease, nowMs: number): void {
    const { row, lent, passed, fromMs, askedMs, plenty } = lease;
    const overMs = askedMs + (plenty ? IDLE_MS : LAST_IDLE_MS);
    if (lent <= 0 && passed === 0 && (row < 0 || nowMs >= overMs)) {
      this.#forget(lease, nowMs);
      return;
    }
    if (row < 0) return;
    const { sharing } = this.#memory;
    const isLent = lent > 0 && fromMs <= nowMs;
    // What has passed meanwhile is taken off: it will be told in the next round.
    const left = isLent ? Math.max(0, lent - Atomics.load(sharing.used, row)) : 0;
    const isKept = this.#keep(row, lease.tag, nowMs, (left > 0 ? 1 : 2) * KNOWN_MS * this.#terms.unitsPerMs);
    if (isKept) {
      Atomics.store(sharing.waits, row, (isLent ? nowMs + this.#costUs / 1000 : Math.max(fromMs, nowMs)) | 0);
      Atomics.store(sharing.lent, row, left);
    }
    const nextMs = nowMs - askedMs < IDLE_MS ? askedMs + IDLE_MS : overMs;
    lease.dueMs = Math.min(
      nowMs + RENEW_MS,
      nextMs > nowMs ? nextMs : overMs,
      fromMs > nowMs ? fromMs : Number.POSITIVE_INFINITY,
    );
  }

  /** Nobody asks about it: what is known of when the next may pass stays in the table; else the next request is the first again. */
  #forget(lease: Lease, nowMs: number): void {
    const { row, tag, fromMs } = lease;
    this.#leases.remove(lease);
    if (row < 0) return;
    const { lent, waits } = this.#memory.sharing;
    if (!this.#isHere(row, tag)) return;
    Atomics.store(waits, row, fromMs | 0);
    Atomics.store(lent, row, 0);
    this.#keep(row, tag, nowMs, Math.max(0, fromMs - nowMs) * this.#terms.unitsPerMs);
  }

  /** The key is known for so many units from now on. @returns whether the row is still its own. */
  #keep(row: number, tag: number, nowMs: number, units: number): boolean {
    if (!this.#isHere(row, tag)) return false;
    const { table } = this.#memory;
    const place = placeOf(row);
    const terms = this.#terms;
    const now = unitsAt(terms, nowMs);
    const ahead = Math.min(terms.horizon, Math.ceil(units));
    const kept = Atomics.load(table, place);
    // Whoever was faster has the last word: it is looked at again in the next round.
    if (aheadOf(terms, kept, now) !== ahead) Atomics.compareExchange(table, place, kept, (now + ahead) | 0);
    return true;
  }

  #isHere(row: number, tag: number): boolean {
    return this.#memory.table[placeOf(row) - WORDS_TO_TAG] === tag;
  }
}

/**
 * From when on that may pass which was lent before. When the last that was lent to anybody may pass, it may, too.
 * @param fromMs what was said then. @param lastUs microseconds from now until the last one may.
 */
function sooner(fromMs: number, lastUs: number, nowMs: number): number {
  return lastUs <= 0 ? 0 : Math.min(fromMs, nowMs + lastUs / 1000);
}
