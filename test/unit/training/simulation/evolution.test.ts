import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { Evolution, normal } from "../../../../src/training/simulation/evolution.ts";

/** Minimises `loss` from 1 in every coordinate. @returns the mean after so many generations. */
function search(loss: (x: Float64Array) => number, dimensions: number, generations: number, seed = 1): Float64Array {
  const start = new Float64Array(dimensions).fill(1);
  const evolution = new Evolution(start, new Float64Array(dimensions).fill(0.3), 12, seededRandom(seed).next);
  for (let i = 0; i < generations; i++) evolution.tell(evolution.ask().map(loss));
  return evolution.mean;
}

const sphere = (x: Float64Array) => x.reduce((sum, value) => sum + value * value, 0);
/** Axes a thousand times as steep as others. */
const ellipsoid = (x: Float64Array) =>
  x.reduce((sum, value, i) => sum + 1e3 ** (i / (x.length - 1)) * value * value, 0);

describe.each([1, 2, 3])("with seed %d", (seed) => {
  test("finds the bottom of a sphere in 1200 evaluations", () => {
    expect(sphere(search(sphere, 10, 100, seed))).toBeLessThan(1e-3);
  });

  test("finds the bottom of an ellipsoid in 3600 evaluations", () => {
    expect(ellipsoid(search(ellipsoid, 10, 300, seed))).toBeLessThan(1e-2);
  });

  test("comes close where every evaluation is noisy", () => {
    const { next } = seededRandom(seed + 100);
    const mean = search((x) => sphere(x) + 0.5 * normal(next), 10, 150, seed);
    expect(sphere(mean)).toBeLessThan(0.1 * sphere(new Float64Array(10).fill(1)));
  });
});

test("is the same for the same seed", () => {
  expect(search(sphere, 6, 20, 7)).toEqual(search(sphere, 6, 20, 7));
  expect(search(sphere, 6, 20, 8)).not.toEqual(search(sphere, 6, 20, 7));
});

test("trials come in mirrored pairs around the mean", () => {
  const evolution = new Evolution(Float64Array.of(1, -2), Float64Array.of(0.1, 3), 6, seededRandom(3).next);
  const trials = evolution.ask();
  expect(trials).toHaveLength(6);
  for (let i = 0; i < 6; i += 2) {
    for (const [d, mean] of [1, -2].entries()) expect((trials[i][d] + trials[i + 1][d]) / 2).toBeCloseTo(mean, 12);
  }
});

test("steps shrink when there is nothing left to find", () => {
  const evolution = new Evolution(new Float64Array(4), new Float64Array(4).fill(1), 8, seededRandom(3).next);
  for (let i = 0; i < 60; i++) evolution.tell(evolution.ask().map(sphere));
  expect(evolution.sigma).toBeLessThan(0.1);
});
