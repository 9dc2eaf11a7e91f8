import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, openSync, readSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ATTEMPT_CAUSES } from "../../../../src/shared/attempt-causes.ts";
import { bucketCount } from "../../../../src/shared/latency-buckets.ts";
import {
  createRuntimeDirectory,
  createSharedMemory,
  removeRuntimeDirectory,
} from "../../../../src/shared/memory/file.ts";
import {
  BriefDurationWord,
  DURATION_BUCKETS,
  DURATION_ROWS,
  DurationWord,
  ExemplarWord,
} from "../../../../src/shared/memory/layout/durations.ts";
import { SCORE_COLUMNS } from "../../../../src/shared/memory/layout/learning.ts";
import { MAX_SERVERS, type SharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { MemoryPages } from "../../../../src/shared/memory/pages.ts";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) removeRuntimeDirectory(directory);
});

function make(): { path: string; memory: SharedMemory; pages: MemoryPages } {
  const directory = createRuntimeDirectory();
  directories.push(directory);
  const path = join(directory, "memory");
  const memory = createSharedMemory(path);
  return { path, memory, pages: new MemoryPages(path, memory) };
}

const kilobytes = (path: string) => (statSync(path).blocks * 512) / 1024;

/** Writes to all that two workers and `slots` servers use; what is not real yet becomes real. */
function useEverything(memory: SharedMemory, slots: number): void {
  for (const column of Object.values(memory.servers)) column.fill(1);
  for (const block of memory.workers.slice(0, 2)) {
    const rowsBySlot = new Map<object, number>([
      [block.latencyHistogram, bucketCount],
      [block.durationHistogram, bucketCount],
      [block.connects, BriefDurationWord.LENGTH],
      [block.handshakes, BriefDurationWord.LENGTH],
      [block.failureCauses, ATTEMPT_CAUSES.length],
      [block.retryCauses, ATTEMPT_CAUSES.length],
    ]);
    for (const column of Object.values(block)) {
      if (column === block.durations || column === block.exemplars) continue; // see `reserveDurations`
      const row = rowsBySlot.get(column);
      column.fill(1, 0, row === undefined ? column.length : slots * row);
    }
  }
  for (const column of [
    memory.learned[0].words,
    memory.learned[0].figures,
    memory.learned[0].rowId,
    memory.learnerCounters,
    memory.learnerPositions,
  ]) {
    column.fill(1);
  }
  const { cost } = memory.learned[0];
  const table = MAX_SERVERS * SCORE_COLUMNS;
  for (let from = 0; from < cost.length; from += table) cost.fill(1, from, from + slots * SCORE_COLUMNS);
  // Sums over all workers read a gauge of each.
  for (const { counters } of memory.workers) counters[WorkerCounter.CONNECTIONS_OPEN] += 0;
}

// Only where files can have holes does this say anything.
describe.skipIf(process.platform !== "linux")("pages of the shared memory", () => {
  test("nothing that workers and servers use has to be made real on first use", () => {
    const { path, memory, pages } = make();
    pages.reserveSlots(16);
    pages.reserveWorkers(2);
    const reserved = kilobytes(path);
    useEverything(memory, 16);
    expect(kilobytes(path)).toBe(reserved);
    expect(reserved).toBeLessThan(2048);
  });

  test("rings have room when they are wanted, for workers of before and after, and keep what is in them", () => {
    const { path, memory, pages } = make();
    const useRings = (workers: number) => {
      for (const { decisions, outcomes } of memory.rings.slice(0, workers)) {
        for (const { head, words } of [decisions, outcomes]) {
          head[0] = 1;
          words.fill(1);
        }
      }
    };
    pages.reserveWorkers(1);
    const without = kilobytes(path);
    pages.reserveRings();
    const one = kilobytes(path) - without;
    expect(one).toBeGreaterThan(1024);
    expect(one).toBeLessThan(2048);
    useRings(1);
    pages.reserveWorkers(2);
    pages.reserveRings();
    const reserved = kilobytes(path);
    useRings(2);
    expect(kilobytes(path)).toBe(reserved);
    pages.reserveWorkers(2);
    pages.reserveRings();
    expect(memory.rings[0].decisions.words.every((word) => word === 1)).toBe(true);
    expect(memory.rings[1].outcomes.head[0]).toBe(1);
  });

  test("rings of history have room while history is kept, for workers of before and after", () => {
    const { path, memory, pages } = make();
    const use = (workers: number) => {
      for (const { requests, details } of memory.history.slice(0, workers)) {
        for (const { head, words } of [requests, details]) {
          head[0] = 1;
          words.fill(1);
        }
      }
    };
    pages.reserveWorkers(1);
    const without = kilobytes(path);
    pages.reserveHistory();
    const one = kilobytes(path) - without;
    expect(one).toBeGreaterThan(3000);
    expect(one).toBeLessThan(3500);
    use(1);
    pages.reserveWorkers(2);
    const reserved = kilobytes(path);
    use(2);
    pages.reserveHistory();
    expect(kilobytes(path)).toBe(reserved);
    expect(memory.history[0].requests.words.every((word) => word === 1)).toBe(true);
  });

  test("what found no room is not wanted of workers to come", () => {
    const { path, memory } = make();
    const link = `${path}-link`;
    const leadTo = (target: string) => {
      rmSync(link, { force: true });
      symlinkSync(target, link);
    };
    leadTo(path);
    const pages = new MemoryPages(link, memory);
    pages.reserveWorkers(1);
    const one = kilobytes(path);
    leadTo("/dev/full");
    expect(() => pages.reserveTraces()).toThrow("the file system is full");
    expect(() => pages.reserveHistory()).toThrow("the file system is full");
    leadTo(path);
    pages.reserveWorkers(2);
    expect(kilobytes(path) - one).toBeLessThan(3_000);
  });

  test("rings of outcomes have room without those of decisions, which may come later without harm", () => {
    const { path, memory, pages } = make();
    pages.reserveWorkers(1);
    const without = kilobytes(path);
    pages.reserveOutcomes();
    expect(kilobytes(path) - without).toBeLessThan(400); // decisions would be 1.2 megabytes more
    const { outcomes, decisions } = memory.rings[0];
    const before = kilobytes(path);
    outcomes.head[0] = 1;
    outcomes.words.fill(1);
    expect(kilobytes(path)).toBe(before);
    pages.reserveRings();
    expect(outcomes.head[0]).toBe(1);
    expect(outcomes.words.every((word) => word === 1)).toBe(true);
    const both = kilobytes(path);
    decisions.head[0] = 1;
    decisions.words.fill(1);
    pages.reserveOutcomes();
    expect(decisions.words.every((word) => word === 1)).toBe(true);
    expect(kilobytes(path)).toBe(both);
  });

  test("rings of work have room where classes of requests are told apart, with those of outcomes, and only there", () => {
    const { path, memory, pages } = make();
    const workers = memory.rings.slice(0, 2);
    const use = (rings: typeof workers) => {
      for (const { work } of rings) {
        work.head[0] = 1;
        work.words.fill(1);
      }
    };
    pages.reserveWorkers(1);
    pages.reserveOutcomes();
    const without = kilobytes(path);
    pages.reserveClasses([]);
    expect(kilobytes(path)).toBe(without);
    pages.reserveClasses([0, 3]);
    const reserved = kilobytes(path);
    expect(reserved - without).toBeGreaterThan(200);
    use(workers.slice(0, 1));
    expect(kilobytes(path)).toBe(reserved);
    pages.reserveWorkers(2);
    const both = kilobytes(path);
    use(workers);
    pages.reserveClasses([0, 1, 3]);
    expect(kilobytes(path) - both).toBeLessThan(40);
    expect(memory.rings[0].work.words.every((word) => word === 1)).toBe(true);
  });

  test("rows of durations have room when they are wanted, and the last one, for workers of before and after", () => {
    const { path, memory, pages } = make();
    const use = (workers: number, rows: number, exemplars: boolean) => {
      for (const { durations, exemplars: examples } of memory.workers.slice(0, workers)) {
        durations.fill(1, 0, rows * DurationWord.LENGTH);
        durations.fill(1, (DURATION_ROWS - 1) * DurationWord.LENGTH);
        if (exemplars) examples.fill(1, 0, rows * DURATION_BUCKETS * ExemplarWord.LENGTH);
      }
    };
    pages.reserveWorkers(1);
    const without = kilobytes(path);
    pages.reserveDurations(4, false);
    expect(kilobytes(path) - without).toBeLessThan(32);
    const few = kilobytes(path);
    use(1, 4, false);
    expect(kilobytes(path)).toBe(few);
    pages.reserveDurations(50, true);
    pages.reserveWorkers(2);
    expect(memory.workers[0].durations[3]).toBe(1);
    const reserved = kilobytes(path);
    use(2, 50, true);
    pages.reserveDurations(2, true);
    expect(kilobytes(path)).toBe(reserved);
    expect(memory.workers[0].durations[49 * DurationWord.LENGTH]).toBe(1);
  });

  test("more servers and workers get room without harm to the numbers that are there", () => {
    const { path, memory, pages } = make();
    pages.reserveSlots(3);
    pages.reserveWorkers(1);
    useEverything(memory, 3);
    const block = memory.workers[0];
    const sum = () =>
      Object.values(block).reduce((total, column) => total + column.reduce((a: number, b: number) => a + b, 0), 0);
    const before = sum();
    pages.reserveSlots(40);
    pages.reserveWorkers(2);
    pages.reserveSlots(16);
    pages.reserveWorkers(2);
    expect(sum()).toBe(before);
    const reserved = kilobytes(path);
    useEverything(memory, 40);
    expect(kilobytes(path)).toBe(reserved);
    const fd = openSync(path, "r");
    const word = Buffer.alloc(8);
    readSync(fd, word, 0, 8, memory.workers[1].failures.byteOffset);
    closeSync(fd);
    expect(word.readDoubleLE()).toBe(1); // the file and the mapping are the same memory
  });
});
