/** Examples of traced requests: the last one of each bucket, never half of one. */
import { describe, expect, test } from "bun:test";
import { OTHER_ROW } from "../../../../src/shared/memory/duration-table.ts";
import { ExemplarReader, ExemplarWriter } from "../../../../src/shared/memory/exemplars.ts";
import { DURATION_BUCKETS, DURATION_ROWS, ExemplarWord } from "../../../../src/shared/memory/layout/durations.ts";

const column = () => new Float64Array(DURATION_ROWS * DURATION_BUCKETS * ExemplarWord.LENGTH);
const digits = (id: string) => Buffer.from(`00-${id}-`);
// As a Float64, this one would be no number: bytes must come through as they are.
const ID = "fff8000000000001fff8000000000002";
const OTHER = "0123456789abcdef0123456789abcdef";

test("is the last one of its bucket, with all its digits", () => {
  const exemplars = column();
  const writer = new ExemplarWriter(exemplars);
  const reader = new ExemplarReader(exemplars);
  expect(reader.read(3, 5)).toBeNull();
  writer.write(3, 5, 0.07, 1_790_000_000_123, digits(OTHER), 3);
  writer.write(3, 5, 0.09, 1_790_000_000_456, digits(ID), 3);
  writer.write(3, 6, 0.2, 1_790_000_000_789, digits(OTHER.toUpperCase()), 3);
  expect(reader.read(3, 5)).toEqual({ traceId: ID, value: 0.09, timeMs: 1_790_000_000_456 });
  expect(reader.read(3, 6)?.traceId).toBe(OTHER);
  expect(reader.read(3, 4)).toBeNull();
  expect(reader.read(2, 5)).toBeNull();
});

describe("one that is being written", () => {
  const sequenceOf = (exemplars: Float64Array) => new Int32Array(exemplars.buffer, 0, 1);

  test("is not shown, and one that a worker died over is shown when its successor has written the next", () => {
    const exemplars = column();
    const reader = new ExemplarReader(exemplars);
    new ExemplarWriter(exemplars).write(0, 0, 1, 1, digits(OTHER), 3);
    sequenceOf(exemplars)[0]++;
    expect(reader.read(0, 0)).toBeNull();
    new ExemplarWriter(exemplars).write(0, 0, 2, 2, digits(ID), 3);
    expect(reader.read(0, 0)).toEqual({ traceId: ID, value: 2, timeMs: 2 });
    expect(sequenceOf(exemplars)[0] % 2).toBe(0);
  });
});

test("a worker that begins to write them forgets those of another run of tracing", () => {
  const durationKeys = new Float64Array(DURATION_ROWS);
  durationKeys[4] = 77;
  const exemplars = column();
  const before = new ExemplarWriter(exemplars);
  for (const row of [4, OTHER_ROW]) before.write(row, 1, 1, 1, digits(ID), 3);
  ExemplarWriter.cleared({ durationKeys, durations: new Float64Array(0), exemplars });
  const reader = new ExemplarReader(exemplars);
  for (const row of [4, OTHER_ROW]) expect(reader.read(row, 1)).toBeNull();
});
