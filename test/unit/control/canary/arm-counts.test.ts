/** What is read of workers' rows of durations. */
import { expect, test } from "bun:test";
import { ArmReader, BUCKET_END_MS, BUCKET_MS, countOf } from "../../../../src/control/canary/arm-counts.ts";
import { apiRequestPair, durationPair } from "../../../../src/protocol/duration-pairs.ts";
import {
  assignDurationRows,
  countDuration,
  countFailed,
  type DurationPair,
  durationKey,
  nativeBucket,
} from "../../../../src/shared/memory/duration-table.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";

const ROUTE = { number: 16, name: "shop" };
const EVERYTHING = { number: 0, name: "/*" };

function makeWorkers(pairs: readonly DurationPair[]) {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 2;
  const give = (worker: number, given = pairs): readonly number[] =>
    assignDurationRows(memory.workers[worker], given.map(durationKey), false);
  const rows = [give(0), give(1)];
  return {
    memory,
    give,
    count: (worker: number, pair: number, ms: number, failed = false) => {
      const { durations } = memory.workers[worker];
      countDuration(durations, rows[worker][pair], ms / 1000);
      if (failed) countFailed(durations, rows[worker][pair], ms / 1000);
    },
  };
}

test("over all workers, from one look to the next, of the pools that are asked for", () => {
  const { memory, count } = makeWorkers([durationPair(ROUTE, "next"), durationPair(ROUTE, "old")]);
  count(0, 0, 20);
  const reader = new ArmReader();
  expect(countOf(reader.read(memory, ROUTE, ["next"]).all)).toBe(0); // what was before is nobody's business
  count(0, 0, 20);
  count(1, 0, 20, true);
  count(1, 0, 700);
  count(1, 1, 20);
  const { all, failed } = reader.read(memory, ROUTE, ["next"]);
  expect([all[nativeBucket(0.02)], all[nativeBucket(0.7)], countOf(all)]).toEqual([2, 1, 3]);
  expect([failed[nativeBucket(0.02)], countOf(failed)]).toEqual([1, 1]);
  expect(countOf(reader.read(memory, ROUTE, ["next"]).all)).toBe(0);
});

test("where one route takes everything, its requests with the prefix count, too", () => {
  const { memory, count } = makeWorkers([durationPair(EVERYTHING, "next"), apiRequestPair("next")]);
  const reader = new ArmReader();
  reader.read(memory, EVERYTHING, ["next"]);
  count(0, 0, 5);
  count(0, 1, 5);
  expect(countOf(reader.read(memory, EVERYTHING, ["next"]).all)).toBe(2);
});

test("a row that was another pair's, or began anew, is not taken for requests", () => {
  const { memory, give, count } = makeWorkers([durationPair(ROUTE, "next")]);
  const reader = new ArmReader();
  reader.read(memory, ROUTE, ["next"]);
  count(0, 0, 5);
  memory.workers[0].durationKeys.fill(0);
  expect(countOf(reader.read(memory, ROUTE, ["next"]).all)).toBe(0);
  give(0);
  count(0, 0, 5);
  expect(countOf(reader.read(memory, ROUTE, ["next"]).all)).toBe(0);
  count(0, 0, 5);
  expect(countOf(reader.read(memory, ROUTE, ["next"]).all)).toBe(1);
});

test("a request counts as the middle of its bucket, which is within 5 % of what it took", () => {
  for (const ms of [1, 3.7, 20, 450, 60_000]) {
    const bucket = nativeBucket(ms / 1000);
    expect(Math.abs(BUCKET_MS[bucket] / ms - 1)).toBeLessThan(0.05);
    expect(BUCKET_END_MS[bucket]).toBeGreaterThanOrEqual(ms);
  }
  expect(BUCKET_END_MS.at(-1)).toBe(Number.POSITIVE_INFINITY);
});
