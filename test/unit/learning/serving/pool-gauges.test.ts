import { expect, test } from "bun:test";
import { SharedGauges } from "../../../../src/learning/serving/pool-gauges.ts";
import { LearnerCounter } from "../../../../src/shared/memory/layout/learning.ts";

test("a gauge is on while it is in any pool", () => {
  const counters = new Float64Array(LearnerCounter.LENGTH);
  const shared = new SharedGauges(counters);
  const [a, b] = [shared.add(), shared.add()];
  const training = () => counters[LearnerCounter.TRAINING];
  a.set(LearnerCounter.TRAINING, false);
  expect(training()).toBe(0);
  a.set(LearnerCounter.TRAINING, true);
  b.set(LearnerCounter.TRAINING, true);
  a.set(LearnerCounter.TRAINING, false);
  expect(training()).toBe(1);
  expect(counters[LearnerCounter.MODEL_UNUSABLE]).toBe(0);
  b.clear();
  expect(training()).toBe(0);
  b.set(LearnerCounter.TRAINING, true); // what ends late says nothing any more
  expect(training()).toBe(0);
});
