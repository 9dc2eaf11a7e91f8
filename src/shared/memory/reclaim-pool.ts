/** What is left in the shared memory of a pool that nobody learns of any more. */
import { type LearnedTable, LearnerFigure, LearnerWord, Rung } from "./layout/learning.ts";

/**
 * Puts the estimator in charge, ends every comparison of one pool, and holds no request of it any more. The numbers of its tables stay, by which workers tell new
 * from old. Called by the learner for a pool that is gone, by the supervisor when the learner is.
 */
export function reclaimPool({ words, figures }: LearnedTable): void {
  words[LearnerWord.RUNG] = Rung.ESTIMATOR;
  words[LearnerWord.CHAMPION_MODEL] = 0;
  words[LearnerWord.CANARY_MODEL] = 0;
  words[LearnerWord.HOLDING] = 0;
  figures[LearnerFigure.CONTROL_SHARE] = 0;
  figures[LearnerFigure.CANARY_SHARE] = 0;
  figures[LearnerFigure.SECOND_SHARE] = 0;
  figures[LearnerFigure.TABLE_MS] = 0;
  figures[LearnerFigure.CHAMPION_COST] = 0;
  figures[LearnerFigure.CONTROL_COST] = 0;
  figures[LearnerFigure.CANARY_COST] = 0;
  figures[LearnerFigure.ADVANTAGE] = 0;
  figures[LearnerFigure.ADVANTAGE_ERROR] = 0;
  figures[LearnerFigure.LIMITS_MS] = 0;
}
