import { expect, test } from "bun:test";
import { FEATURE_COUNT } from "../../../src/learning/features/fleet-features.ts";
import { TrainingRows } from "../../../src/training/rows.ts";

function filled(count: number, capacity = count): TrainingRows {
  const rows = new TrainingRows(capacity);
  for (let i = 0; i < count; i++) rows.add(new Float64Array(FEATURE_COUNT).fill(i), i + 1, i + 2);
  return rows;
}

test("rows beyond the capacity are not taken", () => {
  const rows = filled(5, 3);
  expect(rows.full).toBe(true);
  expect(rows).toHaveLength(3);
  expect([...rows.target]).toEqual([1, 2, 3]);
});

test("a row counts once unless told otherwise", () => {
  const rows = new TrainingRows(1);
  rows.add(new Float64Array(FEATURE_COUNT), 1);
  expect(rows.weight[0]).toBe(1);
});

test("others are appended as far as there is room", () => {
  const rows = filled(2, 4);
  rows.append(filled(3));
  expect([...rows.target]).toEqual([1, 2, 1, 2]);
  expect([...rows.weight]).toEqual([2, 3, 2, 3]);
  expect(rows.features[3 * FEATURE_COUNT]).toBe(1);
});

test("a part shares the memory", () => {
  const rows = filled(5);
  const part = rows.part(2, 4);
  expect(part).toHaveLength(2);
  expect([...part.target]).toEqual([3, 4]);
  part.target[0] = 30;
  expect(rows.target[2]).toBe(30);
});

test("columns must be of one length", () => {
  const columns = {
    features: new Float32Array(FEATURE_COUNT),
    target: new Float32Array(2),
    weight: new Float32Array(2),
  };
  expect(() => TrainingRows.of(columns)).toThrow(RangeError);
});
