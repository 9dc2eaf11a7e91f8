/** What is left in the shared memory of a pool that nobody learns of any more. */
import { type ClassMemory, ClassWord } from "./layout/classes.ts";
import { HoldState, type LearnedTable, LearnerFigure, LearnerWord, Rung } from "./layout/learning.ts";
import type { ServerTable } from "./layout/shared-memory.ts";

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
  figures[LearnerFigure.RELAXATION] = 0;
}

/** Tells no classes apart in the pool any more: every request costs 1. Only of a pool that has some: others' pages may not be real. */
export function reclaimClasses(
  { servers, classes }: { readonly servers: Pick<ServerTable, "pool">; readonly classes: ClassMemory },
  row: number,
): void {
  const { words } = classes.pools[row];
  words[ClassWord.TABLE] = 0;
  const { costId } = classes.costs;
  for (let slot = 0; slot < costId.length; slot++) if (servers.pool[slot] === row) costId[slot] = 0;
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
