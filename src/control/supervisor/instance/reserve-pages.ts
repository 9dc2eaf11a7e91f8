/** Which pages of the shared memory a configuration needs beside those of workers and servers. */
import { durationPairs } from "../../../protocol/duration-pairs.ts";
import type { ProxySettings } from "../../../protocol/worker.ts";
import { durationRows } from "../../../shared/memory/duration-table.ts";
import type { MemoryPages } from "../../../shared/memory/pages.ts";
import { isAnyBalanced, learnedPools } from "../../processes/learner/learned-pools.ts";

/** Makes them real before anybody is told of the configuration. Throws a `NoSharedMemoryError`. */
export function reservePages(pages: MemoryPages, settings: ProxySettings): void {
  const pools = learnedPools(settings);
  if (isAnyBalanced(pools)) pages.reserveRings();
  else if (pools.length > 0) pages.reserveOutcomes();
  pages.reserveClasses(pools.flatMap(({ row, classes }) => (classes === true ? [row] : [])));
  if (settings.history) pages.reserveHistory();
  if (settings.tracing !== null) pages.reserveTraces();
  pages.reserveDurations(durationRows(durationPairs(settings.routes).length), settings.tracing !== null);
}
