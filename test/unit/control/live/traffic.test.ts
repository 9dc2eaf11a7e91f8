/** Rates and quantiles are what two readings of the workers' counts differ by. */
import { describe, expect, test } from "bun:test";
import { LivePoints } from "../../../../src/control/live/points.ts";
import { isQuietSince, readCounts, readHistograms } from "../../../../src/control/live/reading.ts";
import { trafficBetween } from "../../../../src/control/live/traffic.ts";
import { bucketCount, bucketOf } from "../../../../src/shared/latency-buckets.ts";
import {
  assignDurationRows,
  countDuration,
  type DurationPair,
  durationKey,
} from "../../../../src/shared/memory/duration-table.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { countRequest, Method } from "../../../../src/shared/memory/series-table.ts";

const PAIRS: readonly DurationPair[] = [
  { route: 16, name: "shop", pool: "shop" },
  { route: 17, name: "api", pool: "api" },
];
const POOL_OF: Readonly<Record<number, string>> = { 1: "shop", 2: "api" };

function make() {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 2;
  memory.servers.id.set([1, 2]);
  const rows = memory.workers.slice(0, 2).map((block) => assignDurationRows(block, PAIRS.map(durationKey), false));
  const source = { memory, durationPairs: () => PAIRS, poolOf: (id: number) => POOL_OF[id] };
  const request = (worker: number, pair: number, ms: number, status = 200) => {
    const block = memory.workers[worker];
    countDuration(block.durations, rows[worker][pair], ms / 1_000);
    countRequest(block, PAIRS[pair].route, Method.GET, status, pair + 1);
    block.counters[WorkerCounter.REQUESTS]++;
    block.responses[pair]++;
    block.latencyHistogram[pair * bucketCount + bucketOf(ms)]++;
    if (status >= 500) block.failures[pair]++;
  };
  const look = (atMs: number) => ({ reading: readCounts(source, atMs), histograms: readHistograms(source) });
  const between = (before: ReturnType<typeof look>, now: ReturnType<typeof look>) =>
    trafficBetween(before, now, ["shop", "api"], source.poolOf);
  return { memory, source, request, look, between };
}

describe("live traffic", () => {
  test("is told apart by pool, route and server, over all workers", () => {
    const { memory, request, look, between } = make();
    request(0, 0, 10); // before
    const before = look(0);
    for (let i = 0; i < 40; i++) request(i % 2, 0, 20);
    for (let i = 0; i < 10; i++) request(0, 1, 200, i < 5 ? 503 : 404);
    memory.servers.inFlight.set([3, 1]);
    const { totals, pools, routes, servers, flows, rate } = between(before, look(5_000));
    expect(totals).toMatchObject({ rps: 10, s5xx: 1, s4xx: 1, failures: 1, inFlight: 4 });
    expect(totals.p50).toBeCloseTo(20, -1);
    expect(pools.get("shop")).toMatchObject({ rps: 8, s5xx: 0, failures: 0, inFlight: 3 });
    expect(pools.get("api")).toMatchObject({ rps: 2, s5xx: 1, s4xx: 1, failures: 1, inFlight: 1 });
    expect(pools.get("api")?.p99).toBeGreaterThan(180);
    expect(routes.get(17)).toEqual({ rps: 2, s5xx: 1 });
    expect(servers.get(1)).toMatchObject({ rps: 8, errors: 0, inFlight: 3 });
    expect(servers.get(1)?.p50).toBeCloseTo(20, -0.5);
    expect(servers.get(2)).toMatchObject({ rps: 2, errors: 0.5 });
    expect(flows.map(({ pool, rps }) => [pool, rps])).toEqual([
      ["shop", 8],
      ["api", 2],
    ]);
    expect(rate(WorkerCounter.REQUESTS)).toBe(10);
  });

  test("without traffic there is nothing to tell, and nothing to read", () => {
    const { memory, source, request, look, between } = make();
    request(0, 0, 10);
    const before = look(0);
    expect(isQuietSince(source, before.reading)).toBe(true);
    const { totals } = between(before, look(5_000));
    expect(totals).toMatchObject({ rps: 0, p50: null, p99: null });
    request(1, 0, 10);
    expect(isQuietSince(source, before.reading)).toBe(false);
    memory.servers.inFlight[0] = 1;
    expect(isQuietSince(source, look(1).reading)).toBe(false);
  });

  test("a server that came since, and a slot that was given away, make no leaps", () => {
    const { memory, request, look, between } = make();
    for (let i = 0; i < 100; i++) request(0, 0, 10);
    const before = look(0);
    memory.servers.id[0] = 9;
    const { servers } = between(before, look(1_000));
    expect(servers.get(9)).toMatchObject({ rps: 0, p50: null });
    expect(servers.has(1)).toBe(false);
  });

  test("points are a ring of an hour; servers that are gone are forgotten", () => {
    const { memory, request, look, between } = make();
    const points = new LivePoints();
    let before = look(0);
    for (let step = 1; step <= 725; step++) {
      if (step > 720) request(0, 0, 10);
      if (step === 725) memory.servers.id[1] = 0;
      const now = look(step * 5_000);
      points.add(step * 5_000, between(before, now), 0, () => Number.NaN);
      before = now;
    }
    const made = points.recent(null);
    let next = made.next();
    while (!next.done) next = made.next();
    const { at, totals, servers, pools } = next.value;
    expect(at).toHaveLength(720);
    expect([at[0], at[719]]).toEqual([6 * 5_000, 725 * 5_000]);
    expect(totals.rps.slice(-6)).toEqual([0, 0.2, 0.2, 0.2, 0.2, 0.2]);
    expect(totals.p50[0]).toBeNull();
    expect(Object.keys(servers)).toEqual(["1"]);
    expect(servers["1"].cpu[719]).toBeNull();
    expect(Object.keys(pools)).toEqual(["shop", "api"]);
  });
});
