/** What follows from a configuration for the parts of an instance. */
import { availableParallelism } from "node:os";
import type { Config } from "../../../config/config.ts";
import { durationPairs } from "../../../protocol/duration-pairs.ts";
import type { Endpoint, NamedAddress } from "../../../protocol/endpoint.ts";
import type { ProxySettings } from "../../../protocol/worker.ts";
import { durationRows } from "../../../shared/memory/duration-table.ts";
import { MAX_WORKERS } from "../../../shared/memory/layout/shared-memory.ts";
import type { MemoryPages } from "../../../shared/memory/pages.ts";
import { isAnyBalanced, learnedPools } from "../../processes/learner/learned-pools.ts";

/** Is any pool learned of? */
export function learns(settings: ProxySettings): boolean {
  return learnedPools(settings).length > 0;
}

/** The numbers of routes, by name. */
export function numbersOf({ routes }: ProxySettings): ReadonlyMap<string, number> {
  return new Map(routes.map(({ name, number }) => [name, number]));
}

/** Servers as processes that learn and record know them. */
export function named(endpoints: readonly Endpoint[]): NamedAddress[] {
  return endpoints.map(({ id, url, address }) => ({ id, url, address }));
}

/** Makes room in the shared memory for what these need. Throws a `NoSharedMemoryError`. */
export function reserveMemory(pages: MemoryPages, settings: ProxySettings): void {
  const pools = learnedPools(settings);
  if (isAnyBalanced(pools)) pages.reserveRings();
  else if (pools.length > 0) pages.reserveOutcomes();
  if (settings.history) pages.reserveHistory();
  if (settings.tracing !== null) pages.reserveTraces();
  pages.reserveDurations(durationRows(durationPairs(settings.routes).length), settings.tracing !== null);
}

/** How many workers there are to be. */
export function workerCount({ app }: Config): number {
  if (app.workers > 0) return app.workers;
  // Elsewhere the kernel does not spread connections over sockets that share a port.
  return process.platform === "linux" ? Math.min(availableParallelism(), MAX_WORKERS) : 1;
}
