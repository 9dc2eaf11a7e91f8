/** Request series: counting, giving up, and what a reader sees meanwhile. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import {
  SERIES_CAPACITY,
  SHARED_BYTES,
  viewSharedMemory,
  type WorkerBlock,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import {
  countRequest,
  freeSeries,
  Method,
  readSeries,
  seriesInUse,
} from "../../../../src/shared/memory/series-table.ts";

const newBlock = (): WorkerBlock => viewSharedMemory(new ArrayBuffer(SHARED_BYTES)).workers[0];

function countsOf(block: WorkerBlock): Map<string, number> {
  const counts = new Map<string, number>();
  readSeries(block, ({ route, method, status, serverId, count }) => {
    const key = `${route} ${method} ${status} ${serverId}`;
    if (counts.has(key)) throw new Error(`twice: ${key}`);
    counts.set(key, count);
  });
  return counts;
}

describe("giving up series", () => {
  test("of servers leaves those of others as they are, and their places are used again", () => {
    const block = newBlock();
    const truth = new Map<string, number>();
    const random = seededRandom(11).next;
    const add = (route: number, status: number, server: number) => {
      countRequest(block, route, Method.GET, status, server);
      const key = `${route} GET ${status} ${server}`;
      truth.set(key, (truth.get(key) ?? 0) + 1);
    };
    for (let generation = 0; generation < 60; generation++) {
      for (let i = 0; i < 4_000; i++) {
        const server = generation * 20 + 1 + Math.floor(random() * 40); // half of them are there in the next one, too
        add(16 + Math.floor(random() * 5), 200 + Math.floor(random() * 20), server);
      }
      const gone = generation * 20 + 20;
      freeSeries(block, (_, server) => server <= gone);
      for (const key of truth.keys()) if (Number(key.split(" ")[3]) <= gone) truth.delete(key);
      expect(countsOf(block)).toEqual(truth);
    }
    expect(block.counters[WorkerCounter.SERIES_OVERFLOW]).toBe(0);
    expect(seriesInUse(block)).toBe(truth.size);
  });

  test("of everything leaves an empty table, without a mark", () => {
    const block = newBlock();
    for (let i = 0; i < SERIES_CAPACITY / 2; i++) countRequest(block, 0, Method.GET, 200, i);
    expect(freeSeries(block, () => true)).toBe(SERIES_CAPACITY / 2);
    expect(block.seriesKeys.every((key) => key === 0)).toBe(true);
  });

  test("of a route spares requests that no server was chosen for, unless they are the route's", () => {
    const block = newBlock();
    countRequest(block, 16, Method.GET, 404, 0);
    countRequest(block, 17, Method.POST, 404, 0);
    countRequest(block, 17, Method.POST, 200, 1 << 20);
    freeSeries(block, (route) => route === 17);
    expect([...countsOf(block)]).toEqual([["16 GET 404 0", 1]]);
  });
});

test("a reader that finds another series in the place when it has the count looks again", () => {
  const block = newBlock();
  countRequest(block, 16, Method.GET, 200, 1);
  const at = block.seriesKeys.findIndex((key) => key !== 0);
  block.seriesCounts[at] = 500;
  // Between its two looks at the key, the worker gives the place to another series.
  let looks = 0;
  const seriesCounts = new Proxy(block.seriesCounts, {
    get: (counts, index) => {
      if (index === String(at) && ++looks === 1) {
        freeSeries(block, () => true);
        block.seriesKeys[at] = 0;
        countRequest(block, 16, Method.GET, 200, 1);
        block.seriesKeys[at] += 1; // another status in the very same place
      }
      return Reflect.get(counts, index);
    },
  });
  const seen: number[] = [];
  readSeries({ seriesKeys: block.seriesKeys, seriesCounts }, ({ status, count }) => seen.push(status, count));
  expect(seen).toEqual([201, 1]);
  expect(looks).toBe(2);
});

test("what finds no place is counted as that", () => {
  const block = newBlock();
  for (let i = 0; i < SERIES_CAPACITY + 100; i++) countRequest(block, 16 + (i % 50), Method.GET, 200, i);
  const overflow = block.counters[WorkerCounter.SERIES_OVERFLOW];
  expect(overflow).toBeGreaterThan(0);
  expect(seriesInUse(block) + overflow).toBe(SERIES_CAPACITY + 100);
});
