import { describe, expect, test } from "bun:test";
import { FEATURE_COUNT, FleetFeatures } from "../../../../src/learning/features/fleet-features.ts";
import { TableFeatures } from "../../../../src/learning/features/table-features.ts";
import { ASLEEP_LOOK_MS, FeatureMoments } from "../../../../src/learning/observing/feature-moments.ts";
import { columnsFor } from "../../../../src/learning/serving/score-table.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";

const SLOTS = Int32Array.of(1, 4, 6);

function setUp({ workMs = 0, mostBytes = 1e9, random = (): number => 0.999 } = {}) {
  const { servers } = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  for (const slot of SLOTS) {
    servers.id[slot] = 100 + slot;
    servers.inFlight[slot] = 2;
  }
  const features = new FleetFeatures(servers);
  let stopwatchMs = 0;
  const moments = new FeatureMoments({
    fleet: servers,
    features,
    mostBytes: () => mostBytes,
    stopwatch: () => {
      stopwatchMs += workMs;
      return stopwatchMs;
    },
    random,
  });
  const observe = (slot: number, latencyMs: number, atMs: number) => {
    features.observe(slot, latencyMs, false, atMs, 1);
    moments.onOutcome(atMs);
  };
  /** Ticks every 50 ms with an outcome before each, as traffic does. */
  const run = (fromMs: number, toMs: number) => {
    for (let ms = fromMs; ms < toMs; ms += 50) {
      observe(SLOTS[(ms / 50) % 3], 10 + (ms % 7), ms - 1);
      moments.tick(SLOTS, ms);
    }
  };
  return { servers, features, moments, observe, run };
}

describe("what was known", () => {
  test("when an attempt was placed is that of the last moment before it, as a table of `ml` would have it", () => {
    const { servers, features, moments, run, observe } = setUp();
    run(1000, 2000);
    const columns = columnsFor(servers.inFlight, SLOTS, SLOTS.length);
    observe(4, 33, 1999);
    moments.tick(SLOTS, 2000);
    const table = new TableFeatures(features, SLOTS, servers.id, columns, 2000, true);
    observe(4, 500, 2040); // comes later, and must not show
    moments.tick(SLOTS, 2050);
    const known = moments.at(2030)!;
    expect(known.meanMs).toBe(table.meanMs);
    const [seen, wanted] = [new Float64Array(FEATURE_COUNT), new Float64Array(FEATURE_COUNT)];
    for (let place = 0; place < SLOTS.length; place++) {
      for (const inFlight of [0, 1, 5, 40]) {
        known.fillRow(place, inFlight, seen, 0);
        table.fillRow(place, inFlight, wanted, 0);
        expect([...seen]).toEqual([...wanted]);
      }
    }
    expect(moments.at(2050)).not.toBe(known);
  });

  test("is not made up: before the first moment, long after the last, and beyond ten seconds there is nothing", () => {
    const { moments, run } = setUp();
    expect(moments.at(1000)).toBeUndefined();
    run(1000, 13_000);
    expect(moments.at(999)).toBeUndefined();
    expect(moments.at(2000)).toBeUndefined();
    expect(moments.at(4000)).toBeDefined();
    expect(moments.at(13_040)).toBeDefined();
    expect(moments.at(13_200)).toBeUndefined();
  });

  test("is nothing where there is no server", () => {
    const { moments } = setUp();
    moments.tick(new Int32Array(0), 1000);
    expect(moments.length).toBe(0);
  });
});

describe("what it costs", () => {
  test("while nothing happens the last moment stands for those that follow, and it sleeps", () => {
    const { moments, run } = setUp();
    run(1000, 2000);
    expect(moments.isAsleep).toBe(false);
    for (let ms = 2000; ms < 20_000; ms += 50) moments.tick(SLOTS, ms);
    expect(moments.isAsleep).toBe(true);
    const before = moments.addedBytes;
    for (let ms = 20_000; ms < 30_000; ms += ASLEEP_LOOK_MS) moments.tick(SLOTS, ms);
    const one = moments.at(29_999)!.bytes;
    expect((moments.addedBytes - before) / one).toBeLessThan(15); // one a second
    expect(moments.at(29_900 + ASLEEP_LOOK_MS - 51)).toBeDefined(); // until the next look
  });

  test("what takes long is done more seldom, at moments that chance draws", () => {
    let drawn = 0;
    const { moments, run } = setUp({ workMs: 2, random: () => (drawn++ % 100) / 100 });
    run(1000, 11_000);
    // 2 ms each may take one hundredth of the time: five a second.
    expect(moments.length).toBeGreaterThan(35);
    expect(moments.length).toBeLessThan(70);
  });

  test("is bounded in bytes", () => {
    const { moments, run } = setUp({ mostBytes: 20_000 });
    run(1000, 9000);
    expect(moments.length * moments.at(8960)!.bytes).toBeLessThanOrEqual(20_000);
    expect(moments.length).toBeGreaterThan(1);
  });
});
