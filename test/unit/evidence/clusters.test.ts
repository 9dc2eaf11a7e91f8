/** Outcomes that hang together count as one. */
import { expect, test } from "bun:test";
import { ArmComparison } from "../../../src/evidence/arm-comparison.ts";
import { SequentialEvidence } from "../../../src/evidence/sequential-evidence.ts";

const TIME = { bucketMs: 1000, bucketOutcomes: 2, longestBucketMs: 30_000 };
const CLAIM = { claim: "worse", bets: [0.25], startWeight: 1, bucketWeight: 0 } as const;

test("what is won is raised to the power of one by their number, and several of one cost are observed at once", () => {
  const alone = new SequentialEvidence(CLAIM);
  const clustered = new SequentialEvidence({ ...CLAIM, clusterSize: 10 });
  const comparison = new ArmComparison(TIME, [alone, clustered]);
  comparison.advance(0);
  for (let second = 1; second <= 5; second++) {
    comparison.observeSubject(1.5, 4);
    comparison.observeReference(1, 50);
    comparison.observeReference(1.2, 50);
    comparison.advance(second * 1000);
  }
  expect(alone.value).toBeGreaterThan(2);
  expect(clustered.value).toBeCloseTo(alone.value ** 0.1, 6);
  expect(comparison.summary(5000, 10_000)).toMatchObject({ subjectCount: 20, referenceCount: 500, subjectMean: 1.5 });
});
