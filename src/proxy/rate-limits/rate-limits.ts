/** All limits of one worker. What a limit has counted is kept for as long as its file is the same. */
import type { WorkerRateLimit } from "../../protocol/rate-limit.ts";
import { ConcurrencyCounts } from "../../shared/memory/rate-limits/concurrency-counts.ts";
import { gcraTerms } from "../../shared/memory/rate-limits/gcra.ts";
import type { LimitCounts } from "../../shared/memory/rate-limits/limit-counts.ts";
import type { LimitMemory } from "../../shared/memory/rate-limits/limit-file.ts";
import { RateCounts } from "../../shared/memory/rate-limits/rate-counts.ts";
import { RefusedKeys } from "../../shared/memory/rate-limits/refused-keys.ts";
import { SharedConcurrencyCounts } from "../../shared/memory/rate-limits/sharing/concurrency-counts.ts";
import { SharedRateCounts } from "../../shared/memory/rate-limits/sharing/rate-counts.ts";
import { AppliedLimits } from "./applied-limits.ts";
import { type KeptLimit, RateLimit } from "./rate-limit.ts";

/** Maps the memory of a limit. Throws when there is none. */
export type OpenLimit = (limit: WorkerRateLimit) => LimitMemory;

/** One worker's. */
export class RateLimits {
  readonly #open: OpenLimit;
  readonly #worker: number;
  readonly #bootOffsetMs: () => number;
  #kept: ReadonlyMap<string, KeptLimit> = new Map();
  #limits: readonly RateLimit[] = [];

  /**
   * @param worker which one it is.
   * @param bootOffsetMs what, added to the worker's clock, gives the boot clock; only asked for where something is limited.
   */
  constructor(open: OpenLimit, worker: number, bootOffsetMs: () => number) {
    this.#open = open;
    this.#worker = worker;
    this.#bootOffsetMs = bootOffsetMs;
  }

  /** These are in force. Throws when the memory of one cannot be mapped. */
  configure(limits: readonly WorkerRateLimit[]): void {
    const kept = new Map(limits.map((limit) => [limit.file, this.#kept.get(limit.file) ?? this.#make(limit)]));
    this.#kept = kept;
    this.#limits = limits.map((limit) => new RateLimit(limit, kept.get(limit.file)!));
  }

  /** Those that requests of this route to this pool fall under; `null` = none. @param pool empty = they go to none. */
  appliedTo(route: string, pool: string): AppliedLimits | null {
    if (this.#limits.length === 0) return null;
    return AppliedLimits.of(this.#limits, route, pool, this.#bootOffsetMs());
  }

  #make(limit: WorkerRateLimit): KeptLimit {
    const memory = this.#open(limit);
    const part = memory.workers[this.#worker];
    return { memory, part, counts: countsOf(limit, memory, this.#worker), refused: new RefusedKeys(part) };
  }
}

function countsOf({ quota, shared }: WorkerRateLimit, memory: LimitMemory, worker: number): LimitCounts {
  if (quota.kind === "concurrent") {
    const { held } = memory.workers[worker];
    return shared === null
      ? new ConcurrencyCounts(memory, held, quota.requests)
      : new SharedConcurrencyCounts(memory, held, quota.requests, shared);
  }
  const terms = gcraTerms(quota.requests, quota.periodMs, quota.burst);
  return shared === null ? new RateCounts(memory, terms) : new SharedRateCounts(memory, terms, shared);
}
