/** What is left in the shared memory of a pool that nobody learns of any more. */
import { HoldState, type LearnedTable, LearnerFigure, LearnerWord, Rung } from "./layout/learning.ts";

/** Of a pool whose learner is gone: called by the supervisor. */
export function reclaimPool(learned: LearnedTable): void {
  reclaimTables(learned);
  reclaimLimits(learned);
}

/** Holds no request of the pool any more. The limits stay: they name the servers that they are of, and are too old to be believed. */
export function reclaimLimits({ words, figures }: LearnedTable): void {
  words[LearnerWord.HOLDING] = 0;
  words[LearnerWord.HOLD_STATE] = HoldState.OFF;
  figures[LearnerFigure.LIMITS_MS] = 0;
  figures[LearnerFigure.PATIENCE_MS] = 0;
}

/**
 * Puts the estimator in charge and ends every comparison of one pool. The numbers of its tables stay, by which workers tell new
 * from old.
 */
export function reclaimTables({ words, figures }: LearnedTable): void {
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
  figures[LearnerFigure.ADVANTAGE] = 0;
  figures[LearnerFigure.ADVANTAGE_ERROR] = 0;
}
