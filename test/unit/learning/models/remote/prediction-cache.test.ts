import { describe, expect, test } from "bun:test";
import { CONTRACT_FEATURES } from "../../../../../src/learning/features/feature-names.ts";
import { PredictionCache } from "../../../../../src/learning/models/remote/prediction-cache.ts";

const ROW = [30, 50, 4, 0.1, 60, 10];
const TTL_MS = 5000;

function cacheOf(size: number) {
  const clock = { ms: 1000 };
  const cache = new PredictionCache({ featureNames: CONTRACT_FEATURES, size, ttlMs: TTL_MS, nowMs: () => clock.ms });
  return { cache, clock };
}

describe("the key", () => {
  const { cache } = cacheOf(1);
  const key = (row: readonly number[]) => cache.keyOf(row, 0);
  const changed = (at: number, value: number) => key(ROW.with(at, value));

  test.each(CONTRACT_FEATURES.map((name, i) => [name, i] as const))("differs when %s differs much", (_, i) => {
    expect(changed(i, ROW[i] * 1.5 + 1)).not.toBe(key(ROW));
    expect(changed(i, Number.NaN)).not.toBe(key(ROW));
    expect(changed(i, Number.NaN)).not.toBe(changed(i, 0));
  });

  test.each([
    ["cpu_usage", 0, 30.4],
    ["memory_usage", 1, 51],
    ["error_rate", 3, 0.1004],
    ["response_p95", 4, 60.4],
  ])("is the same when %s hardly differs", (_, i, value) => {
    expect(changed(i, value)).toBe(key(ROW));
  });

  test("counts connections and capacity exactly", () => {
    expect(changed(2, 5)).not.toBe(key(ROW));
    expect(changed(5, 11)).not.toBe(key(ROW));
  });

  test("is of the row that begins at the offset", () => {
    expect(cache.keyOf([1, 2, 3, 4, 5, 6, ...ROW], 6)).toBe(key(ROW));
  });
});

describe("the cache", () => {
  test("keeps a score for its time to live, to the millisecond", () => {
    const { cache, clock } = cacheOf(10);
    cache.set("a", 1);
    clock.ms += TTL_MS;
    expect(cache.get("a")).toBe(1);
    clock.ms += 1;
    expect(cache.get("a")).toBeUndefined();
  });

  test("a use does not make a score younger; a new score does", () => {
    const { cache, clock } = cacheOf(10);
    cache.set("a", 1);
    clock.ms += TTL_MS - 1;
    cache.get("a");
    cache.set("b", 2);
    clock.ms += 2;
    expect([cache.get("a"), cache.get("b")]).toEqual([undefined, 2]);
  });

  test("forgets what was used longest ago when it is full", () => {
    const { cache } = cacheOf(2);
    cache.set("a", 1);
    cache.set("b", 2);
    cache.get("a");
    cache.set("c", 3);
    expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual([1, undefined, 3]);
    cache.clear();
    expect(cache.get("a")).toBeUndefined();
  });
});
