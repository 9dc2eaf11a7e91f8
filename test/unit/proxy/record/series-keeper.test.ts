/** Series of what is gone: who gives them up when, and that sums of those that stay never jump meanwhile. */
import { describe, expect, test } from "bun:test";
import { SeriesKeeper } from "../../../../src/proxy/record/series-keeper.ts";
import { SERIES_KEPT_MS, SERIES_SHOWN_MS } from "../../../../src/shared/memory/gone-series.ts";
import { SERIES_CAPACITY, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { countRequest, Method, readSeries, seriesInUse } from "../../../../src/shared/memory/series-table.ts";
import { ShownSeries } from "../../../../src/telemetry/metrics/shown-series.ts";

const WORKERS = 2;
const SHOWN_MS = 1_000;
const KEPT_MS = 1_200;
const ROUTES = [16, 17, 18, 19];
const STATUSES = [200, 204, 301, 304, 404, 500, 502, 503];

/** Workers, and a supervisor that shows the sums of what they count, over a clock of its own. */
class World {
  readonly memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  nowMs = 0;
  readonly shown = new ShownSeries(this.memory, () => this.nowMs, SHOWN_MS);
  readonly keepers = Array.from({ length: WORKERS }, (_, index) => this.keeper(index));

  constructor() {
    this.shown.update(ROUTES);
  }

  /** Of a worker that begins, with the block of the one before it. */
  keeper(index: number): SeriesKeeper {
    const keeper = new SeriesKeeper(this.memory.workers[index], this.memory.servers.id, KEPT_MS);
    keeper.setRoutes(ROUTES.map((number) => ({ number })));
    return keeper;
  }

  /** These servers, one after the other in the table. */
  deploy(ids: readonly number[]): void {
    this.memory.servers.id.fill(0);
    this.memory.servers.id.set(ids);
    this.shown.update(ROUTES);
  }

  /** What a scrape says: by server. */
  scrape(): Map<number, number> {
    const { shows } = this.shown;
    const sums = new Map<number, number>();
    for (const block of this.memory.workers.slice(0, WORKERS)) {
      readSeries(block, ({ route, serverId, count }) => {
        if (shows(route, serverId)) sums.set(serverId, (sums.get(serverId) ?? 0) + count);
      });
    }
    return sums;
  }
}

test("a hundred deployments of twenty servers find room, and what is shown only ever grows until it ends", () => {
  const world = new World();
  const truth = new Map<number, number>();
  let shown = new Map<number, number>();
  const ended = new Set<number>();
  const look = () => {
    const now = world.scrape();
    for (const [server, count] of shown) {
      if (!now.has(server)) ended.add(server);
      else expect(now.get(server)).toBeGreaterThanOrEqual(count);
    }
    for (const [server, count] of now) {
      expect(ended.has(server)).toBe(false);
      expect(count).toBe(truth.get(server)!); // exact, also of those that are gone, for as long as they are shown
    }
    shown = now;
  };
  for (let deployment = 0; deployment < 100; deployment++) {
    const ids = Array.from({ length: 20 }, (_, i) => deployment * 20 + i + 1);
    world.deploy(ids);
    for (const server of ids) {
      for (const route of ROUTES) {
        for (const [index, status] of STATUSES.entries()) {
          const worker = (server + index) % WORKERS;
          countRequest(world.memory.workers[worker], route, Method.GET, status, server);
          truth.set(server, (truth.get(server) ?? 0) + 1);
        }
      }
    }
    if (deployment % 9 === 4) world.keepers[deployment % WORKERS] = world.keeper(deployment % WORKERS); // kill -9
    for (let step = 0; step < 5; step++) {
      world.nowMs += 70;
      world.keepers[step % WORKERS].look(world.nowMs); // each in its own time
      world.shown.update(ROUTES);
      look();
    }
  }
  for (const block of world.memory.workers.slice(0, WORKERS)) {
    expect(block.counters[WorkerCounter.SERIES_OVERFLOW]).toBe(0);
    expect(seriesInUse(block)).toBeLessThan(SERIES_CAPACITY / 4);
  }
  expect(ended.size).toBeGreaterThan(1_800);
});

describe("a worker", () => {
  test("keeps series of a server for as long as it has requests under way", () => {
    const world = new World();
    const [keeper] = world.keepers;
    world.deploy([5]);
    countRequest(world.memory.workers[0], 16, Method.GET, 200, 5);
    expect(keeper.look(10_000)).toBe(0);
    expect(keeper.look(1_000_000)).toBe(0);
    world.deploy([]);
    expect(keeper.look(1_000_100)).toBe(0);
    expect(keeper.look(1_000_100 + KEPT_MS - 1)).toBe(0);
    expect(keeper.look(1_000_100 + KEPT_MS)).toBe(1);
  });

  test("gives up what the one before it counted, of servers that it was never told of", () => {
    const world = new World();
    countRequest(world.memory.workers[0], 16, Method.GET, 200, 77);
    const successor = world.keeper(0);
    expect(successor.look(50)).toBe(0);
    expect(successor.look(50 + KEPT_MS)).toBe(1);
  });

  test("gives up those of routes that are gone, but not of one that came back in time", () => {
    const world = new World();
    const [keeper] = world.keepers;
    world.deploy([1]);
    for (const route of [16, 17]) countRequest(world.memory.workers[0], route, Method.GET, 200, 1);
    keeper.setRoutes([]);
    keeper.look(0);
    keeper.setRoutes([{ number: 16 }]);
    expect(keeper.look(KEPT_MS / 2)).toBe(0);
    expect(keeper.look(KEPT_MS)).toBe(1);
    expect(seriesInUse(world.memory.workers[0])).toBe(1);
    keeper.setRoutes([]);
    expect(keeper.look(2 * KEPT_MS)).toBe(0); // its time begins anew
  });

  test("looks from time to time only", () => {
    const world = new World();
    const [keeper] = world.keepers;
    countRequest(world.memory.workers[0], 16, Method.GET, 200, 77);
    for (let now = 0; now < KEPT_MS + 1; now += 50) keeper.tick(now);
    expect(seriesInUse(world.memory.workers[0])).toBe(1);
    keeper.tick(40_000);
    expect(seriesInUse(world.memory.workers[0])).toBe(0);
  });
});

test("workers keep longer what is gone than it is shown", () => {
  expect(SERIES_SHOWN_MS).toBe(600_000);
  expect(SERIES_KEPT_MS).toBeGreaterThan(SERIES_SHOWN_MS + 60_000);
});
