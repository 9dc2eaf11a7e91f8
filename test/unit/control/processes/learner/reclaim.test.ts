import { expect, test } from "bun:test";
import { reclaimLearner } from "../../../../../src/control/processes/learner/reclaim.ts";
import { ClassWord } from "../../../../../src/shared/memory/layout/classes.ts";
import {
  HoldState,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  Rung,
} from "../../../../../src/shared/memory/layout/learning.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../../src/shared/memory/layout/shared-memory.ts";

test("a dead learner's orders end; its counters and the numbers of its tables stay", () => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const { learnerCounters } = memory;
  const learned = memory.learned[7];
  learned.words.fill(0);
  learned.words[LearnerWord.RUNG] = Rung.FLOOR;
  learned.words[LearnerWord.CHAMPION_TABLE] = 33;
  learned.words[LearnerWord.CHAMPION_MODEL] = 2;
  learned.words[LearnerWord.HOLDING] = 1;
  learned.words[LearnerWord.HOLD_STATE] = HoldState.HOLDING;
  learned.figures[LearnerFigure.LIMITS_MS] = 1234;
  learned.figures[LearnerFigure.CONTROL_SHARE] = 0.1;
  learned.figures[LearnerFigure.CANARY_SHARE] = 0.2;
  learned.figures[LearnerFigure.SECOND_SHARE] = 0.3;
  learned.figures[LearnerFigure.TABLE_MS] = 1234;
  learnerCounters[LearnerCounter.SAMPLES] = 99;
  learnerCounters[LearnerCounter.RSS_BYTES] = 1e8;
  learnerCounters[LearnerCounter.HEARTBEAT] = 5;
  memory.classes.pools[7].words[ClassWord.TABLE] = 5;
  memory.servers.pool.set([7, 7, 6]);
  memory.classes.costs.costId.set([11, 12, 13]);
  reclaimLearner(memory, [{ row: 7, name: "a", classes: true }]);
  expect(learned.words[LearnerWord.RUNG]).toBe(Rung.ESTIMATOR);
  expect(learned.words[LearnerWord.CHAMPION_TABLE]).toBe(33);
  expect(learned.words[LearnerWord.CHAMPION_MODEL]).toBe(0);
  expect(learned.words[LearnerWord.HOLDING]).toBe(0);
  expect(learned.words[LearnerWord.HOLD_STATE]).toBe(HoldState.OFF);
  expect([...learned.figures].every((figure) => figure === 0)).toBe(true);
  expect(memory.classes.pools[7].words[ClassWord.TABLE]).toBe(0);
  expect([...memory.classes.costs.costId.slice(0, 3)]).toEqual([0, 0, 13]);
  expect(learnerCounters[LearnerCounter.SAMPLES]).toBe(99);
  expect(learnerCounters[LearnerCounter.RSS_BYTES]).toBe(0);
  expect(learnerCounters[LearnerCounter.HEARTBEAT]).toBe(0);
});
