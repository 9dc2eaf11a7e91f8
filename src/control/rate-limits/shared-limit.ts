/** One limit that instances share: which keys are in use here, what they were lent, and what Redis is told of them. */
import type { RedisLink } from "../../cluster/redis/link.ts";
import type { WorkerRateLimit } from "../../protocol/rate-limit.ts";
import { aheadOf, type GcraTerms, gcraTerms, unitsAt } from "../../shared/memory/rate-limits/gcra.ts";
import { type LimitMemory, SharingWord } from "../../shared/memory/rate-limits/limit-file.ts";
import { advance, placeOf } from "../../shared/memory/rate-limits/shared-rate-counts.ts";
import { LEASE_SCRIPT } from "./lease-script.ts";

/** Keys that Redis is told of at once. */
const BATCH = 256;
/** What is lent to a key that is not asked for so long is given back. */
const IDLE_MS = 200;
/** Where nothing was lent, nothing passes before Redis was asked again; if rounds stop, this long. */
const DENIED_MS = 250;
const WORDS_TO_TAG = 8;

/** A key that is in use here. */
interface Lease {
  readonly row: number;
  /** As Redis has it. */
  readonly name: string;
  readonly tag: number;
  /** Requests that were lent and have not passed. */
  lent: number;
  /** Passed beyond that: to be told. */
  passed: number;
  /** Of the last round: what it may need in the next one. */
  pace: number;
  usedMs: number;
  /** Nothing can be lent before, milliseconds of the boot clock. */
  deniedUntilMs: number;
}

interface Question {
  readonly passed: number;
  readonly returned: number;
  readonly wanted: number;
}

/** One of them. */
export class SharedLimit {
  readonly limit: WorkerRateLimit;
  readonly #memory: LimitMemory;
  readonly #terms: GcraTerms;
  readonly #costUs: number;
  readonly #burst: number;
  readonly #advancePercent: number;
  readonly #leases = new Map<number, Lease>();

  /** @param limit one that is shared, of requests in a period. */
  constructor(limit: WorkerRateLimit, memory: LimitMemory) {
    const { quota, shared } = limit;
    if (quota.kind !== "rate" || shared === null) throw new Error(`rate limit ${limit.name} cannot be shared`);
    this.limit = limit;
    this.#memory = memory;
    this.#terms = gcraTerms(quota.requests, quota.periodMs, quota.burst);
    this.#costUs = (quota.periodMs * 1000) / quota.requests;
    this.#burst = quota.burst;
    this.#advancePercent = shared.advancePercent;
  }

  /** Redis was heard of, and so many instances share it. */
  heard(bootMs: number, instances: number): void {
    const { words } = this.#memory.sharing;
    words[SharingWord.INSTANCES] = instances;
    words[SharingWord.HEARD_MS] = bootMs;
  }

  /** Redis does not answer: workers go by that at once. */
  lost(): void {
    this.#memory.sharing.words[SharingWord.HEARD_MS] = Number.NEGATIVE_INFINITY;
  }

  /** While it is away, workers have to know of how many they are one. */
  alone(instances: number): void {
    this.#memory.sharing.words[SharingWord.INSTANCES] = instances;
  }

  /** One round: tells Redis what has passed, and lends. Rejects when it does not answer; what was to be told is told then later. */
  async settle(link: RedisLink, bootMs: () => number, instances: number): Promise<void> {
    const startMs = bootMs();
    this.#collect(startMs);
    const asking = [...this.#leases.values()].filter((lease) => this.#isToAsk(lease, startMs, instances));
    for (let at = 0; at < asking.length; at += BATCH) {
      const batch = asking.slice(at, at + BATCH);
      const told = batch.map((lease) => this.#question(lease, startMs, instances));
      const said = told.flatMap(({ passed, returned, wanted }) => [passed - returned, wanted]);
      const names = batch.map(({ name }) => name);
      const answer = await link.eval(LEASE_SCRIPT, names, [this.#costUs, this.#burst, ...said].map(String));
      const numbers = checked(answer, 2 * batch.length);
      const nowMs = bootMs();
      for (const [i, lease] of batch.entries()) {
        this.#answered(lease, told[i], numbers[2 * i], numbers[2 * i + 1], nowMs);
      }
      this.heard(nowMs, instances);
    }
    const nowMs = bootMs();
    for (const lease of this.#leases.values()) this.#publish(lease, nowMs);
    this.#forgetIdle(nowMs);
  }

  /** What has passed since the last round. */
  #collect(nowMs: number): void {
    const { table, sharing } = this.#memory;
    const { used, hashes } = sharing;
    for (let row = 0; row < used.length; row++) {
      if (used[row] === 0) continue;
      const count = Atomics.exchange(used, row, 0);
      const tag = table[placeOf(row) - WORDS_TO_TAG];
      let lease = this.#leases.get(row);
      if (lease === undefined || lease.tag !== tag) {
        const name = `neurabalancer:1:limit:${this.limit.name}:${hex(hashes[row])}${hex(tag)}`;
        lease = { row, name, tag, lent: 0, passed: 0, pace: 0, usedMs: nowMs, deniedUntilMs: 0 };
        this.#leases.set(row, lease);
      }
      lease.usedMs = nowMs;
      lease.pace = Math.max(1, count);
      lease.lent -= count;
      if (lease.lent >= 0) continue;
      lease.passed -= lease.lent;
      lease.lent = 0;
    }
  }

  #isToAsk(lease: Lease, nowMs: number, instances: number): boolean {
    if (lease.passed > 0) return true;
    const isIdle = nowMs - lease.usedMs >= IDLE_MS;
    return isIdle ? lease.lent > 0 : lease.lent < this.#wanted(lease, instances) && nowMs >= lease.deniedUntilMs;
  }

  /** What it may need in the next rounds: at most its part of the burst. */
  #wanted({ pace }: Lease, instances: number): number {
    const part = Math.floor(this.#burst / (2 * instances));
    return Math.max(advance(this.#terms, this.#advancePercent, instances), Math.min(4 * pace, part));
  }

  /** What is said of a key: what has passed beyond what was lent, what is given back, and what is wanted. */
  #question(lease: Lease, nowMs: number, instances: number): Question {
    const { lent, passed } = lease;
    if (nowMs - lease.usedMs >= IDLE_MS) return { passed, returned: lent, wanted: 0 };
    return { passed, returned: 0, wanted: Math.max(0, this.#wanted(lease, instances) - lent) };
  }

  #answered(lease: Lease, { passed, returned }: Question, lent: number, waitUs: number, nowMs: number): void {
    lease.passed -= passed;
    lease.lent += lent - returned;
    lease.deniedUntilMs = lease.lent > 0 ? 0 : nowMs + waitUs / 1000;
  }

  /** Tells the workers what they may let pass: what was lent, without what has passed since. */
  #publish(lease: Lease, nowMs: number): void {
    const { table, sharing } = this.#memory;
    const place = placeOf(lease.row);
    if (table[place - WORDS_TO_TAG] !== lease.tag) return;
    const { cost, most, unitsPerMs, horizon } = this.#terms;
    const now = unitsAt(this.#terms, nowMs);
    for (let tries = 0; tries < 4; tries++) {
      const kept = Atomics.load(table, place);
      const left = Math.max(0, lease.lent - Atomics.load(sharing.used, lease.row));
      const denied = Math.max(DENIED_MS, lease.deniedUntilMs - nowMs) * unitsPerMs;
      const wanted = left > 0 ? most - left * cost : most - cost + Math.max(1, denied);
      const ahead = Math.min(horizon, Math.max(1, Math.ceil(wanted)));
      if (Atomics.compareExchange(table, place, kept, (now + ahead) | 0) === kept) return;
    }
  }

  /** Keys that nobody asks for and that nothing is known of: the next request of one is the first again. */
  #forgetIdle(nowMs: number): void {
    const { table } = this.#memory;
    for (const lease of this.#leases.values()) {
      const isOver = nowMs - lease.usedMs >= IDLE_MS && lease.lent === 0 && lease.passed === 0;
      if (!isOver || nowMs < lease.deniedUntilMs) continue;
      this.#leases.delete(lease.row);
      const place = placeOf(lease.row);
      if (table[place - WORDS_TO_TAG] !== lease.tag) continue;
      const kept = Atomics.load(table, place);
      const now = unitsAt(this.#terms, nowMs);
      if (aheadOf(this.#terms, kept, now) > 0) Atomics.compareExchange(table, place, kept, now);
    }
  }

  /** Keys in use here. */
  get size(): number {
    return this.#leases.size;
  }
}

/** What Redis said, if it can be meant. Throws. */
function checked(answer: unknown, length: number): number[] {
  const numbers = Array.isArray(answer) ? answer.map(Number) : [];
  if (numbers.length !== length || !numbers.every((number) => number >= 0 && number < 1e15)) {
    throw new Error("an answer that is none of ours");
  }
  return numbers;
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
