/** A frame stays small, also of very many servers. */
import { expect, test } from "bun:test";
import { FrameMaker } from "../../../../src/control/live/frames.ts";
import { LiveLearningReader } from "../../../../src/control/live/learning.ts";
import { readCounts, readHistograms } from "../../../../src/control/live/reading.ts";
import { trafficBetween } from "../../../../src/control/live/traffic.ts";
import type { LiveView } from "../../../../src/control/live/view.ts";
import { QueueWord } from "../../../../src/shared/memory/layout/queues.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";

const SERVERS = 300;

test("three hundred servers have less than 200 KB a second", () => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 1;
  memory.workers[0].queues[QueueWord.WAITING] = 4;
  memory.workers[0].queues[QueueWord.HELD_NOW] = 3;
  const statuses = Array.from({ length: SERVERS }, (_, i) => {
    memory.servers.id[i] = i + 1;
    memory.workers[0].responses[i] = 1_000 + i;
    return {
      id: i + 1,
      pool: "checkout-production",
      url: `https://backend-${i}.eu-central.internal.example.com:8443`,
      address: `10.20.30.${i % 250}`,
      zone: "eu-central-1a",
      state: i % 10 === 0 ? "down" : "up",
      reason: "health check failed: status 503, expected 200 to 399",
      since: "2026-11-30T04:00:00.000Z",
      traffic_share: 0.003_333,
      weight: 1.5,
      effective_weight: 0.777_777,
      concurrency_limit: 12,
      hard_limit: 100,
      capacity: 100,
      active_connections: 17,
      cpu_usage: 53.777_7,
      memory_usage: 41.333_3,
      response_ms: { p50: 12.345, p99: 123.456 },
    };
  });
  const pools = [{ name: "checkout-production", row: 0, total: SERVERS, healthy: 270, usable: 270, panic: false }];
  const view = {
    memory,
    durationPairs: () => [],
    poolOf: () => "checkout-production",
    fleets: { statuses: () => statuses, pools: () => pools, endpoints: () => [] },
    learner: { pools: [], limited: [{ name: "checkout-production", state: "holding" }], classed: [] },
    routes: () => [],
    strategyOf: () => "adaptive",
    poolsInUse: () => new Set(["checkout-production"]),
    listeners: () => [],
    certificates: () => [],
    degradedModes: () => ({ panic: true }),
    isReady: () => true,
    workersReady: () => 1,
    workersWanted: () => 1,
    historyKept: () => true,
    uptimeMs: () => 1,
    wallMs: () => 1_796_000_000_000,
    nowMs: () => 1,
  } as unknown as LiveView;
  const look = (atMs: number) => ({ reading: readCounts(view, atMs), histograms: readHistograms(view) });
  const before = look(0);
  for (let i = 0; i < SERVERS; i++) memory.workers[0].responses[i] += 77;
  const now = look(5_000);
  const traffic = trafficBetween(before, now, ["checkout-production"], view.poolOf);
  const maker = new FrameMaker(view, new LiveLearningReader(view));
  const { frame, topology } = maker.make(traffic, now);
  expect(frame.servers).toHaveLength(SERVERS);
  expect(frame.servers[1].rps).toBe(15.4);
  expect(JSON.stringify(frame).length).toBeLessThan(200_000);
  expect(JSON.stringify(topology).length).toBeLessThan(200_000);
  expect(frame.servers[1]).toMatchObject({ concurrency_limit: 12, hard_limit: 100 });
  expect(frame.pools[0]).toMatchObject({ queued: 4, held: 3, holding: "holding" });
  expect(frame.instance.degraded).toEqual(["panic"]);
  expect(maker.topology().topology).toBe(topology.topology);
  statuses.pop();
  expect(maker.topology().topology).toBe(topology.topology + 1);
});
