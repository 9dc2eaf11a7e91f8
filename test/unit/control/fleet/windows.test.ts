import { expect, test } from "bun:test";
import { ServerUsage } from "../../../../src/control/fleet/usage.ts";
import { ServerWindows } from "../../../../src/control/fleet/windows.ts";
import { bucketCount, bucketOf } from "../../../../src/shared/latency-buckets.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";

const SLOT = 3;
const memory = () => viewSharedMemory(new ArrayBuffer(SHARED_BYTES));

test("outcomes since the baseline, over ten seconds and since a restart, summed over workers", () => {
  const [a, b] = memory().workers;
  a.responses[SLOT] = 1000; // the slot's last server
  const windows = new ServerWindows(SLOT, [a, b], 0);
  a.responses[SLOT] += 10;
  b.responses[SLOT] += 10;
  b.failures[SLOT] += 5;
  b.latencySumMs[SLOT] += 200;
  windows.advance([a, b], 1000);
  expect(windows.total()).toEqual({ attempts: 20, failures: 5, meanLatencyMs: 10 });
  windows.restart();
  expect(windows.recent()).toEqual({ attempts: 0, failures: 0, meanLatencyMs: Number.NaN });
  a.responses[SLOT] += 4;
  windows.advance([a, b], 2000);
  expect(windows.recent().attempts).toBe(4);
  expect(windows.lately().attempts).toBe(4);
  windows.advance([a, b], 2900);
  expect(windows.lately().attempts).toBe(4);
  windows.advance([a, b], 3000);
  expect(windows.lately().attempts).toBe(0);
  for (let s = 4; s <= 14; s++) windows.advance([a, b], s * 1000);
  expect(windows.recent().attempts).toBe(0);
  expect(windows.sinceRestart().attempts).toBe(4);
  expect(windows.total().attempts).toBe(24);
});

test("the attempts that shares are made of are those of ten seconds, whatever is forgotten of failures", () => {
  const [worker] = memory().workers;
  const windows = new ServerWindows(SLOT, [worker], 0);
  worker.responses[SLOT] = 6;
  windows.advance([worker], 1000);
  windows.restart();
  worker.unanswered[SLOT] = 4;
  windows.advance([worker], 2000);
  expect(windows.recentAttempts).toBe(10);
  for (let s = 3; s <= 10; s++) windows.advance([worker], s * 1000);
  expect(windows.recentAttempts).toBe(4);
  windows.advance([worker], 11_000);
  expect(windows.recentAttempts).toBe(0);
});

test("an attempt without an answer is an attempt", () => {
  const [worker] = memory().workers;
  const windows = new ServerWindows(SLOT, [worker], 0);
  worker.responses[SLOT] = 6;
  worker.failures[SLOT] = 5; // one of them an answered 5xx
  worker.unanswered[SLOT] = 4;
  windows.advance([worker], 100);
  expect(windows.total()).toMatchObject({ attempts: 10, failures: 5 });
});

test("percentiles of the last minute, not of the slot's history", () => {
  const [worker] = memory().workers;
  const count = (ms: number, n: number) => {
    worker.latencyHistogram[SLOT * bucketCount + bucketOf(ms)] += n;
  };
  count(900, 1000);
  const windows = new ServerWindows(SLOT, [worker], 0);
  expect(windows.percentiles([worker])).toBeNull();
  count(10, 98);
  count(500, 2);
  const seen = windows.percentiles([worker])!;
  expect(seen.p50).toBeWithin(9.5, 10.6);
  expect(seen.p99).toBeWithin(470, 530);
  for (let s = 10; s <= 70; s += 10) windows.advance([worker], s * 1000);
  expect(windows.percentiles([worker])).toBeNull();
});

test("a fresh load report in a response beats the poll, a stale one does not", () => {
  const [worker] = memory().workers;
  const usage = new ServerUsage(SLOT);
  worker.orcaCpuPercent[SLOT] = 77; // the slot's last server
  usage.onPoll({ cpuPercent: 20, memoryPercent: Number.NaN });
  expect(usage.advance([worker], 0)).toEqual({ cpuPercent: 20, memoryPercent: Number.NaN });
  worker.orcaCpuPercent[SLOT] = 30;
  worker.orcaMemoryPercent[SLOT] = 40;
  expect(usage.advance([worker], 100)).toEqual({ cpuPercent: 30, memoryPercent: 40 });
  expect(usage.advance([worker], 60_000)).toEqual({ cpuPercent: 20, memoryPercent: 40 });
});
