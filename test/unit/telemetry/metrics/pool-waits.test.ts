/** Time in queues follows pools, not rows. */
import { expect, test } from "bun:test";
import { countBriefDuration } from "../../../../src/shared/memory/duration-table.ts";
import { BriefDurationWord } from "../../../../src/shared/memory/layout/durations.ts";
import { QueueWord } from "../../../../src/shared/memory/layout/queues.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { PoolWaitsLedger } from "../../../../src/telemetry/metrics/pool-waits.ts";

test("is summed over workers, and a row's next pool begins at nothing", () => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 2;
  const ledger = new PoolWaitsLedger(memory);
  const wait = (worker: number, row: number, seconds: number) =>
    countBriefDuration(memory.workers[worker].waits, row, seconds);
  const sum = (name: string) => ledger.of(name)[BriefDurationWord.SUM_SECONDS];
  wait(0, 0, 1); // before anybody looked
  ledger.update([
    { row: 0, name: "a" },
    { row: 1, name: "b" },
  ]);
  wait(1, 0, 2);
  wait(1, 1, 0.5);
  ledger.update([
    { row: 0, name: "a" },
    { row: 1, name: "b" },
  ]);
  expect([sum("a"), sum("b")]).toEqual([3, 0.5]);
  ledger.update([{ row: 1, name: "b" }]);
  wait(0, 0, 4); // of the last that waited for it
  ledger.update([
    { row: 0, name: "c" },
    { row: 1, name: "b" },
  ]);
  wait(0, 0, 0.25);
  wait(0, 1, 0.25);
  ledger.update([
    { row: 0, name: "c" },
    { row: 1, name: "b" },
  ]);
  expect([sum("c"), sum("b"), sum("a")]).toEqual([0.25, 0.75, 0]);
});

test("what became of those who waited is summed in the same way", () => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 2;
  const ledger = new PoolWaitsLedger(memory);
  countBriefDuration(memory.workers[1].heldWaits, 3, 0.5);
  const shed = (worker: number, row: number) =>
    memory.workers[worker].queues[row * QueueWord.LENGTH + QueueWord.SHED]++;
  shed(0, 3);
  shed(1, 3);
  ledger.update([{ row: 3, name: "shop" }]);
  expect(ledger.countsOf("shop")[QueueWord.SHED]).toBe(2);
  expect(ledger.of("shop", true)[BriefDurationWord.SUM_SECONDS]).toBe(0.5);
  expect(ledger.of("shop")[BriefDurationWord.SUM_SECONDS]).toBe(0);
  ledger.update([]);
  shed(1, 3); // of the last that waited for it
  ledger.update([{ row: 3, name: "other" }]);
  shed(1, 3);
  ledger.update([{ row: 3, name: "other" }]);
  expect(ledger.countsOf("other")[QueueWord.SHED]).toBe(1);
});
