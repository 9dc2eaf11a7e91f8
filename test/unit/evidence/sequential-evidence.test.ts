import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../src/balancing/random.ts";
import type { ArmBucket } from "../../../src/evidence/arm-bucket.ts";
import { ArmComparison } from "../../../src/evidence/arm-comparison.ts";
import { type EvidenceOptions, SequentialEvidence } from "../../../src/evidence/sequential-evidence.ts";
import { JUDGE_DEFAULTS } from "../../../src/learning/judge/options.ts";
import { lognormal } from "../learning/judge/traffic.ts";

const FROM_THE_START = { claim: "worse", bets: [0.06, 0.25, 1], startWeight: 1, bucketWeight: 0 } as const;

function bucketOf(subject: readonly number[], reference: readonly number[]): ArmBucket {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const squares = (values: readonly number[]) => sum(values.map((value) => value * value));
  return {
    subjectCount: subject.length,
    subjectSum: sum(subject),
    subjectSquares: squares(subject),
    subjectLeast: Math.min(...subject),
    subjectMost: Math.max(...subject),
    referenceCount: reference.length,
    referenceSum: sum(reference),
    referenceSquares: squares(reference),
    referenceLeast: Math.min(...reference),
    referenceMost: Math.max(...reference),
  };
}

/** Every way to draw `count` of the values, as [drawn, rest]. */
function* splits(values: readonly number[], count: number): Generator<[number[], number[]]> {
  for (let mask = 0; mask < 1 << values.length; mask++) {
    const drawn = values.filter((_, i) => mask & (1 << i));
    if (drawn.length === count) yield [drawn, values.filter((_, i) => !(mask & (1 << i)))];
  }
}

describe("if the arms do not differ, a bucket is a bet that cannot be won on average", () => {
  const costs = [0.1, 0.3, 0.4, 0.5, 0.7, 1, 1.1, 2.5, 8, 8];
  for (const claim of ["worse", "better"] as const) {
    for (const drawn of [1, 2, 4, 6, 9]) {
      test(`${claim}, ${drawn} of ${costs.length} costs are the subject's`, () => {
        let total = 0;
        let ways = 0;
        for (const [subject, reference] of splits(costs, drawn)) {
          const evidence = new SequentialEvidence({ ...FROM_THE_START, claim, bets: [0.5] });
          evidence.update(bucketOf(subject, reference));
          total += evidence.value;
          ways++;
        }
        expect(total / ways).toBeLessThanOrEqual(1);
        expect(total / ways).toBeGreaterThan(0.7); // and it is no bet thrown away either
      });
    }
  }
});

test("buckets without both arms or without variation say nothing", () => {
  const evidence = new SequentialEvidence(FROM_THE_START);
  evidence.update(bucketOf([5, 6], []));
  evidence.update(bucketOf([], [1, 2]));
  evidence.update(bucketOf([1, 1, 1], [1]));
  expect(evidence.value).toBe(1);
});

/** First look at which evidence reaches the threshold, of looks every second; Infinity = never. */
function firstLook(
  seed: number,
  options: EvidenceOptions,
  shape: { perSecond: number; subjectShare: number; seconds: number; threshold: number },
  costs: (subject: boolean, second: number, x: number) => number,
): number {
  const random = seededRandom(seed);
  const evidence = new SequentialEvidence(options);
  const comparison = new ArmComparison(JUDGE_DEFAULTS.comparison, [evidence]);
  comparison.advance(0);
  for (let second = 1; second <= shape.seconds; second++) {
    const requests = Math.round(shape.perSecond * (0.5 + random.next()));
    for (let i = 0; i < requests; i++) {
      const subject = random.next() < shape.subjectShare;
      const cost = Math.min(costs(subject, second, lognormal(random)), 8);
      if (subject) comparison.observeSubject(cost);
      else comparison.observeReference(cost);
    }
    comparison.advance(second * 1000);
    if (evidence.value >= shape.threshold) return second;
  }
  return Number.POSITIVE_INFINITY;
}

describe("looks every second for ten minutes do not inflate false alarms (≤ 5 %)", () => {
  // Drift of minutes, and an outage of twenty seconds that makes three of four attempts cost the cap.
  const common = (_: boolean, second: number, x: number) => {
    const outage = second > 300 && second <= 320;
    return outage && x > 0.3 ? 8 : x * (1 + 0.7 * Math.sin(second / 40));
  };
  for (const claim of ["worse", "better"] as const) {
    for (const subjectShare of [0.2, 0.95]) {
      for (const ownVariance of [false, true]) {
        test(`${claim}, share ${subjectShare}, own variance ${ownVariance}`, () => {
          const shape = { perSecond: 50, subjectShare, seconds: 600, threshold: 20 };
          const seeds = 120;
          let alarms = 0;
          for (let seed = 1; seed <= seeds; seed++) {
            const options = { ...FROM_THE_START, claim, ownVariance };
            if (firstLook(seed, options, shape, common) < Number.POSITIVE_INFINITY) alarms++;
          }
          expect(alarms / seeds).toBeLessThanOrEqual(0.05);
        });
      }
    }
  }
});

test("equal means with a more erratic subject are no advantage", () => {
  const shape = { perSecond: 200, subjectShare: 0.2, seconds: 600, threshold: 20 };
  // The subject's costs are 0 or twice the other's: same mean, much larger variance.
  const erratic = (subject: boolean, _: number, x: number) =>
    subject ? ((x * 1000) % 1 < 0.5 ? 0 : 1) : 0.25 + ((x * 1000) % 1) / 2;
  let alarms = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const options = { ...FROM_THE_START, claim: "better" as const, ownVariance: true };
    if (firstLook(seed, options, shape, erratic) < Number.POSITIVE_INFINITY) alarms++;
  }
  expect(alarms).toBeLessThanOrEqual(4);
});

test("a true difference is found, sooner the larger it is, whichever arm is the smaller", () => {
  for (const subjectShare of [0.2, 0.8]) {
    const shape = { perSecond: 200, subjectShare, seconds: 600, threshold: 20 };
    const found = [1.1, 1.3, 2].map((factor) => {
      const looks = Array.from({ length: 15 }, (_, i) =>
        firstLook(i + 1, FROM_THE_START, shape, (subject, _second, x) => (subject ? x * factor : x)),
      );
      return looks.sort((a, b) => a - b)[7];
    });
    expect(found[0]).toBeLessThan(200);
    expect(found[1]).toBeLessThan(30);
    expect(found[2]).toBeLessThan(8);
    expect(found[1]).toBeLessThan(found[0]);
    expect(found[2]).toBeLessThan(found[1]);
  }
});

test("evidence that begins anew notices a change after a long good time as soon as one at the start", () => {
  const options = { ...FROM_THE_START, startWeight: 0, bucketWeight: 1 };
  const shape = { perSecond: 200, subjectShare: 0.8, seconds: 1500, threshold: 86_400 };
  const delay = (from: number) =>
    firstLook(3, options, shape, (subject, second, x) => (subject ? x * (second > from ? 1.5 : 0.8) : x)) - from;
  expect(delay(1200)).toBeGreaterThan(0);
  expect(Math.abs(delay(1200) - delay(0))).toBeLessThan(15);
});

test("restart forgets", () => {
  const evidence = new SequentialEvidence(FROM_THE_START);
  evidence.update(bucketOf([5, 6, 7, 8], [1, 2]));
  expect(evidence.value).toBeGreaterThan(1);
  evidence.restart();
  expect(evidence.value).toBe(1);
});
