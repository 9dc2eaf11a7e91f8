/** What the supervisor does to the learner's part of the shared memory when it has died: the only time it writes there. */
import type { SharedMemory } from "../../../shared/memory/layout.ts";
import {
  LEARNER_GAUGES,
  type LearnedTable,
  LearnerFigure,
  LearnerWord,
  Rung,
} from "../../../shared/memory/layout-learning.ts";

/**
 * Puts the estimator in charge, ends every comparison, and clears the gauges of a learner whose process is known to be gone.
 * Its counters stay, so that no metric runs backwards; so do the numbers of its tables, by which workers tell new from old.
 */
export function reclaimLearner({ learned, learnerCounters }: SharedMemory): void {
  for (const pool of learned) reclaimPool(pool);
  for (const gauge of LEARNER_GAUGES) learnerCounters[gauge] = 0;
}

/** The same for one pool: no learner has it any more. */
export function reclaimPool({ words, figures }: LearnedTable): void {
  words[LearnerWord.RUNG] = Rung.ESTIMATOR;
  words[LearnerWord.CHAMPION_MODEL] = 0;
  words[LearnerWord.CANARY_MODEL] = 0;
  figures[LearnerFigure.CONTROL_SHARE] = 0;
  figures[LearnerFigure.CANARY_SHARE] = 0;
  figures[LearnerFigure.SECOND_SHARE] = 0;
  figures[LearnerFigure.TABLE_MS] = 0;
  figures[LearnerFigure.CHAMPION_COST] = 0;
  figures[LearnerFigure.CONTROL_COST] = 0;
  figures[LearnerFigure.CANARY_COST] = 0;
}
