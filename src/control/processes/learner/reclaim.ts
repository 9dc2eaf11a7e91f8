/** What the supervisor does to the learner's part of the shared memory when it has died: the only time it writes there. */

import type { LearnerPool } from "../../../protocol/learner.ts";
import { LEARNER_GAUGES } from "../../../shared/memory/layout/learning.ts";
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import { reclaimClasses, reclaimPool } from "../../../shared/memory/reclaim-pool.ts";

/**
 * Puts the estimator in charge, ends every comparison, and clears the gauges of a learner whose process is known to be gone.
 * Its counters stay, so that no metric runs backwards; so do the numbers of its tables, by which workers tell new from old.
 * @param pools that it was to learn of.
 */
export function reclaimLearner(memory: SharedMemory, pools: readonly LearnerPool[]): void {
  const { learned, learnerCounters } = memory;
  for (const pool of learned) reclaimPool(pool);
  for (const { row, classes } of pools) if (classes === true) reclaimClasses(memory, row);
  for (const gauge of LEARNER_GAUGES) learnerCounters[gauge] = 0;
}
