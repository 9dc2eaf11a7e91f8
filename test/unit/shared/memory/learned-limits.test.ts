import { expect, test } from "bun:test";
import { HoldState, LearnerFigure, LearnerWord } from "../../../../src/shared/memory/layout/learning.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { holdStateOf, limitInForce } from "../../../../src/shared/memory/learned-limits.ts";

const published = () => {
  const [learned] = viewSharedMemory(new ArrayBuffer(SHARED_BYTES)).learned;
  learned.limit[2] = 12; // for a moment
  learned.settledLimit[2] = 6;
  learned.limitId[2] = 77;
  learned.words[LearnerWord.HOLD_STATE] = HoldState.HOLDING;
  learned.figures[LearnerFigure.LIMITS_MS] = 10_000;
  return learned;
};

test("a limit is shown of the server that it was learned of, and while it is renewed", () => {
  const learned = published();
  expect(limitInForce(learned, 2, 77, 10_900)).toBe(6);
  expect(limitInForce(learned, 2, 78, 10_900)).toBeNull();
  expect(limitInForce(learned, 2, 77, 11_001)).toBeNull();
  learned.settledLimit[2] = 0;
  expect(limitInForce(learned, 2, 77, 10_900)).toBeNull();
});

test("nothing is held once the learner is silent, or before it has said anything", () => {
  const learned = published();
  expect(holdStateOf(learned, 10_900)).toBe("holding");
  expect(holdStateOf(learned, 11_001)).toBe("stale");
  learned.words[LearnerWord.HOLD_STATE] = HoldState.STOPPED;
  expect(holdStateOf(learned, 10_900)).toBe("stopped");
  learned.words[LearnerWord.HOLD_STATE] = 99;
  expect(holdStateOf(learned, 10_900)).toBe("stale");
  learned.figures[LearnerFigure.LIMITS_MS] = 0;
  expect(holdStateOf(learned, 0)).toBe("stale");
});
