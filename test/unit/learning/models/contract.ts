/** What every `ScoreModel` keeps to, wherever it computes. */
import { afterAll, describe, expect, test } from "bun:test";
import type { ScoreModel } from "../../../../src/learning/models/score-model.ts";
import { seeded } from "../../../support/networks.ts";

const ROWS = 40;

/** Registers the suite. @param make a model with weights of its own; the suite releases it. */
export function scoreModelContract(name: string, make: () => Promise<ScoreModel>): void {
  describe(`${name} keeps to the contract of score models`, () => {
    const made: ScoreModel[] = [];
    const model = async () => {
      const one = await make();
      made.push(one);
      return one;
    };
    afterAll(async () => {
      await Promise.all(made.map((one) => one.release()));
    });

    /** Inputs of all sizes; one in ten is unknown. */
    const rowsFor = ({ featureNames }: ScoreModel, seed = 1, count = ROWS) => {
      const random = seeded(seed);
      return Float64Array.from({ length: count * featureNames.length }, () =>
        random() < 0.1 ? Number.NaN : random() * 60,
      );
    };

    test("it says what it wants and what its scores mean", async () => {
      const { featureNames, outputKind } = await model();
      expect(featureNames.length).toBeGreaterThan(0);
      expect(new Set(featureNames).size).toBe(featureNames.length);
      expect(["log_relative_cost", "score"]).toContain(outputKind);
    });

    test("a finite score for each row, whatever rows are beside it, in their order", async () => {
      const one = await model();
      const n = one.featureNames.length;
      const rows = rowsFor(one);
      const scores = await one.predict(rows, ROWS);
      expect(scores).toHaveLength(ROWS);
      expect(scores.every(Number.isFinite)).toBe(true);
      expect(new Set(scores).size).toBeGreaterThan(1);
      for (const row of [0, 7, ROWS - 1]) {
        const [alone] = await one.predict(rows.slice(row * n, (row + 1) * n), 1);
        expect(alone).toBeCloseTo(scores[row], 4);
      }
    });

    test("inputs may be unknown, all of them, or beyond measure", async () => {
      const one = await model();
      const n = one.featureNames.length;
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, -1e300]) {
        const [score] = await one.predict(new Float64Array(n).fill(value), 1);
        expect(score).toBeFinite();
      }
    });

    test("rows may be 32-bit numbers", async () => {
      const one = await model();
      const rows = Float32Array.from(rowsFor(one));
      expect(await one.predict(rows, ROWS)).toEqual(await one.predict(Float64Array.from(rows), ROWS));
    });

    test("rows are read before the call returns, and scores are the caller's", async () => {
      const one = await model();
      const rows = rowsFor(one);
      const expected = (await one.predict(rows, ROWS)).slice();
      const asked = one.predict(rows, ROWS);
      rows.fill(1);
      const scores = await asked;
      await one.predict(rows, ROWS);
      expect(scores).toEqual(expected);
    });

    test("calls at the same time get a response each", async () => {
      const one = await model();
      const batches = [1, 2, 3, 4, 5].map((seed) => rowsFor(one, seed, 10 * seed));
      const expected: Float32Array[] = [];
      for (const [i, rows] of batches.entries()) expected.push((await one.predict(rows, 10 * (i + 1))).slice());
      expect(await Promise.all(batches.map((rows, i) => one.predict(rows, 10 * (i + 1))))).toEqual(expected);
    });

    test.each([[0], [-1], [1.5], [ROWS - 1], [ROWS + 1], [Number.NaN]])(
      "%d rows of so many that there are not are refused by a rejection",
      async (count) => {
        const one = await model();
        const refused = one.predict(rowsFor(one), count);
        expect(refused).toBeInstanceOf(Promise);
        expect(await refused.catch((error) => error)).toBeInstanceOf(RangeError);
      },
    );

    test("what it is being asked when it is released ends, with scores or without, and it may be released again", async () => {
      const one = await model();
      const asked = Promise.allSettled([1, 2, 3].map((seed) => one.predict(rowsFor(one, seed), ROWS)));
      await one.release();
      await one.release();
      expect(await asked).toHaveLength(3);
      await Promise.allSettled([one.predict(rowsFor(one), ROWS)]);
    });
  });
}
