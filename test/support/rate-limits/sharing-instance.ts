/** An instance that shares one limit: its worker, the part of its supervisor, and a connection to a real Redis. */
import { openRedis } from "../../../src/cluster/redis/link.ts";
import { LimitSharing } from "../../../src/control/rate-limits/sharing.ts";
import { limitShape, type RateLimitQuota, type WorkerRateLimit } from "../../../src/protocol/rate-limit.ts";
import type { RedisPlace } from "../../../src/protocol/redis-place.ts";
import { gcraTerms } from "../../../src/shared/memory/rate-limits/gcra.ts";
import { halfSipHash, KeyHash } from "../../../src/shared/memory/rate-limits/half-sip-hash.ts";
import { Verdict } from "../../../src/shared/memory/rate-limits/limit-counts.ts";
import { limitMemory, SharingWord } from "../../../src/shared/memory/rate-limits/limit-file.ts";
import { SharedConcurrencyCounts } from "../../../src/shared/memory/rate-limits/sharing/concurrency-counts.ts";
import { SharedRateCounts } from "../../../src/shared/memory/rate-limits/sharing/rate-counts.ts";
import { AWAY_MS, type SharedTerms } from "../../../src/shared/memory/rate-limits/sharing/terms.ts";
import { until } from "../until.ts";

/** The same in all instances of a test. */
const SECRET = { k0: 11, k1: 22 };

/** A limit that instances share. */
export function sharedLimit(name: string, quota: RateLimitQuota, shared: Partial<SharedTerms> = {}): WorkerRateLimit {
  return {
    name,
    file: name,
    mode: "enforce",
    quota,
    key: [],
    routes: [],
    pools: [],
    clients: [],
    exempt: [],
    ipv4Prefix: 32,
    ipv6Prefix: 64,
    maxKeys: 1024,
    whenFull: "forget",
    fields: true,
    shared: { whenAway: "local", advancePercent: 10, ...shared },
  };
}

/** As a key is counted. */
export function hashOf(key: string): KeyHash {
  const hash = new KeyHash();
  halfSipHash(SECRET, Buffer.from(key), 0, Buffer.byteLength(key), hash);
  return hash;
}

/** One of them. */
export class SharingInstance {
  readonly sharing: LimitSharing;
  readonly #memory;
  readonly #counts;
  readonly #link;
  /** What it has logged. */
  readonly lines: string[] = [];

  constructor(limit: WorkerRateLimit, id: string, place: RedisPlace) {
    this.#memory = limitMemory(limitShape(limit), SECRET);
    const log = {
      warn: (_: object, text: string) => this.lines.push(text),
      info: (_: object, text: string) => this.lines.push(text),
    };
    this.#link = openRedis(place);
    this.sharing = new LimitSharing({
      link: this.#link,
      cluster: "test",
      id,
      bootMs: () => this.bootMs(),
      alone: () => false,
      log,
    });
    const { quota, shared } = limit;
    if (shared === null) throw new Error(`${limit.name} is not shared`);
    this.#counts =
      quota.kind === "rate"
        ? new SharedRateCounts(this.#memory, gcraTerms(quota.requests, quota.periodMs, quota.burst), shared)
        : new SharedConcurrencyCounts(this.#memory, this.#memory.workers[0].held, quota.requests, shared);
    this.sharing.set([{ limit, memory: this.#memory }]);
  }

  bootMs(): number {
    return performance.now() + 1e7;
  }

  /** Asks its limit about a request. */
  passes(key: string | KeyHash): boolean {
    const hash = typeof key === "string" ? hashOf(key) : key;
    return this.#counts.take(hash, this.bootMs(), true) === Verdict.ALLOWED;
  }

  /** The same of a request that is under way from now on; `null` = it may not pass. @returns what ends it. */
  begins(key: string): (() => void) | null {
    if (!this.passes(key)) return null;
    const { place } = this.#counts;
    return () => this.#counts.giveBack(place);
  }

  /** How many more may pass, as it was told at last. */
  get remaining(): number {
    return this.#counts.remaining;
  }

  get waitMs(): number {
    return this.#counts.waitMs;
  }

  get isAway(): boolean {
    return this.bootMs() - this.#memory.sharing.words[SharingWord.HEARD_MS] >= AWAY_MS;
  }

  /** How many instances it has heard of. */
  get instances(): number {
    return this.isAway ? 0 : this.#memory.sharing.words[SharingWord.INSTANCES];
  }

  stop(): void {
    this.sharing.stop();
    this.#link.close();
  }
}

/** So many of them, that know of each other. @param ends what ends them is put there. */
export async function sharingInstances(
  limit: WorkerRateLimit,
  count: number,
  place: RedisPlace,
  ends: (() => void)[],
): Promise<SharingInstance[]> {
  const all = Array.from({ length: count }, (_, i) => new SharingInstance(limit, `${limit.name}-${i}`, place));
  ends.push(...all.map((one) => () => one.stop()));
  await until(() => all.every(({ instances }) => instances >= count));
  return all;
}
