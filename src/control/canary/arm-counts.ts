/**
 * What workers have counted of the requests of a route, by pool: how long they took, and which of them failed. Reader of the
 * rows of durations (`duration-table.ts`); it writes nothing there.
 */
import { apiRequestPair, durationPair } from "../../protocol/duration-pairs.ts";
import type { RouteSpec } from "../../protocol/route.ts";
import { durationKey, NATIVE_BOUNDS } from "../../shared/memory/duration-table.ts";
import { DurationWord, NATIVE_BUCKETS } from "../../shared/memory/layout/durations.ts";
import { Header, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { Route } from "../../shared/memory/series-table.ts";

/** Requests that ended within some time, by how long they took (native buckets). */
export interface ArmCounts {
  readonly all: Float64Array;
  /** Those of them that failed. */
  readonly failed: Float64Array;
}

const BOTH = 2 * NATIVE_BUCKETS;

/** The middle of each native bucket, milliseconds: what a request in it counts as. */
export const BUCKET_MS = NATIVE_BOUNDS.map((bound) => bound * 2 ** (-1 / 16) * 1000);
/** The upper bounds of them, milliseconds; the last has none. */
export const BUCKET_END_MS = NATIVE_BOUNDS.map((bound, i) =>
  i === NATIVE_BUCKETS - 1 ? Number.POSITIVE_INFINITY : bound * 1000,
);

/** The requests of one route that went to some of its pools, from one look to the next. */
export class ArmReader {
  /** By worker and key of the row. */
  readonly #before = new Map<string, Float64Array>();

  /** What has ended since the last look; nothing at the first, and nothing of rows that are new or another's. */
  read(memory: SharedMemory, route: Pick<RouteSpec, "number" | "name">, pools: readonly string[]): ArmCounts {
    const keys = pools.flatMap((pool) => {
      const own = durationKey(durationPair(route, pool));
      return route.number === Route.PROXY ? [own, durationKey(apiRequestPair(pool))] : [own];
    });
    const sum = new Float64Array(BOTH);
    const seen = new Set<string>();
    for (let worker = 0; worker < memory.header[Header.WORKER_BLOCKS]; worker++) {
      const { durationKeys, durations } = memory.workers[worker];
      for (const key of keys) {
        const row = durationKeys.indexOf(key);
        if (row < 0) continue;
        const from = row * DurationWord.LENGTH + DurationWord.NATIVE;
        const now = durations.slice(from, from + BOTH);
        if (durationKeys[row] !== key) continue; // given to another meanwhile
        const name = `${worker} ${key}`;
        seen.add(name);
        const before = this.#before.get(name);
        this.#before.set(name, now);
        if (before === undefined || now.some((count, i) => count < before[i])) continue;
        for (let i = 0; i < BOTH; i++) sum[i] += now[i] - before[i];
      }
    }
    for (const name of this.#before.keys()) if (!seen.has(name)) this.#before.delete(name);
    return { all: sum.subarray(0, NATIVE_BUCKETS), failed: sum.subarray(NATIVE_BUCKETS) };
  }
}

/** How many requests there are. */
export function countOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
