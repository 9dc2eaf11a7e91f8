import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import type { LearningStore } from "../../../src/storage/learning-store.ts";
import { openStoreReader } from "../../../src/storage/open-store.ts";
import { at, FEATURES, openStore, plain, read, sample, samples, scratch } from "./store-fixture.ts";

let directory: ReturnType<typeof scratch>;
let store: LearningStore;

beforeEach(async () => {
  directory = scratch();
  store = await openStore(directory.path);
});

afterEach(async () => {
  await store.close();
  directory.remove();
});

describe("samples", () => {
  test("come back as they were given, unknown features as NaN", async () => {
    const given = samples(0, 7);
    store.appendSamples(given);
    expect(await store.flush()).toBe(true);
    expect((await read(store)).rows).toEqual(plain(given));
    expect(store.status()).toEqual({
      durable: true,
      problem: null,
      bufferedRows: 0,
      rowsWritten: 7,
      rowsDropped: 0,
      flushErrors: 0,
    });
  });

  test("are copied when they are handed over: the caller may use its array again", async () => {
    const features = Float32Array.of(1, 2, 3);
    store.appendSamples([sample(1, { features }), sample(2, { features: features.subarray(0, 3) })]);
    features.fill(9);
    await store.flush();
    expect((await read(store)).rows.map((row) => [...row.features])).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  test("wait in memory until they are flushed, by themselves within about a second", async () => {
    store.appendSamples(samples(0, 3));
    expect(store.status().bufferedRows).toBe(3);
    expect(await store.countSamples()).toBe(0);
    while (store.status().bufferedRows > 0) await Bun.sleep(20);
    expect(await store.countSamples()).toBe(3);
  });

  test("are written in batches of 1,000 without a wait when they are many", async () => {
    store.appendSamples(samples(0, 3_500));
    while (store.status().bufferedRows === 3_500) await Bun.sleep(1);
    expect(store.status().bufferedRows % 1_000).toBe(500);
    await store.flush();
    expect(await store.countSamples()).toBe(3_500);
  });

  test("beyond 10,000 that wait push out the oldest, which are counted", async () => {
    store.appendSamples(samples(0, 10_300));
    expect(store.status()).toMatchObject({ bufferedRows: 10_000, rowsDropped: 300 });
    await store.flush();
    const { rows } = await read(store);
    expect(rows.length).toBe(10_000);
    expect(rows[0]).toEqual(plain([sample(300)])[0]);
  });

  test.each([
    ["too few features", { features: Float32Array.of(1, 2) }],
    ["no propensity", { propensity: 0 }],
    ["a propensity above 1", { propensity: 1.01 }],
    ["a latency that is no number", { latencyMs: Number.NaN }],
    ["an endless mean", { meanMs: Number.POSITIVE_INFINITY }],
    ["a fraction of a version", { modelVersion: 1.5 }],
    ["a negative time", { atMs: -1 }],
  ])("with %s are dropped, and take no others with them", async (_, changed) => {
    store.appendSamples([sample(1), sample(2, changed), sample(3)]);
    await store.flush();
    expect((await read(store)).rows).toEqual(plain([sample(1), sample(3)]));
    expect(store.status()).toMatchObject({ rowsWritten: 2, rowsDropped: 1, problem: null });
  });

  test("after the end are dropped and counted", async () => {
    await store.close();
    store.appendSamples(samples(0, 3));
    expect(store.status().rowsDropped).toBe(3);
    await expect(store.countSamples()).rejects.toThrow("closed");
  });
});

describe("reading", () => {
  beforeEach(async () => {
    store.appendSamples(samples(0, 5_000));
    await store.flush();
  });

  test("goes in pages, oldest first or newest first", async () => {
    const forward = await read(store);
    expect(forward.pages).toEqual([2_000, 2_000, 1_000]);
    expect(forward.rows).toEqual(plain(samples(0, 5_000)));
    const backward = await read(store, { limit: 1_000_000, newestFirst: true });
    expect(backward.pages).toEqual([2_000, 2_000, 1_000]);
    expect(backward.rows).toEqual(plain(samples(0, 5_000)).reverse());
  });

  test("a limit takes the newest, in either order", async () => {
    expect((await read(store, { limit: 2_500 })).rows).toEqual(plain(samples(2_500, 5_000)));
    expect((await read(store, { limit: 2_500, newestFirst: true })).rows).toEqual(
      plain(samples(2_500, 5_000)).reverse(),
    );
    expect((await read(store, { limit: 0 })).rows).toEqual([]);
  });

  test("sinceMs leaves out what is older, also where the clock was set back in between", async () => {
    store.appendSamples([sample(10, { atMs: 1_000 }), sample(11, { atMs: 1_004_999 })]);
    await store.flush();
    const { rows } = await read(store, { sinceMs: 1_004_998, limit: 100 });
    expect(rows.map(({ atMs }) => atMs)).toEqual([1_004_998, 1_004_999, 1_004_999]);
    expect((await read(store, { sinceMs: 9e12, limit: 100 })).rows).toEqual([]);
  });

  test("holds nobody up: what is deleted between two pages is missing, what comes is not begun with", async () => {
    const scan = await store.readSamples({ limit: 3_000 });
    const seen: number[] = [];
    for await (const page of scan.pages) {
      seen.push(...page.map(({ atMs }) => atMs));
      store.appendSamples(samples(5_000 + seen.length, 5_010 + seen.length));
      expect(await store.flush()).toBe(true);
    }
    expect(seen.length).toBe(3_000);
    expect(seen[0]).toBe(1_002_000);
  });

  test("skips and counts those with other features, and finds them again with theirs", async () => {
    await store.close();
    const other = await openStore(directory.path, { features: ["first", "second"] });
    expect(await other.countSamples()).toBe(0);
    expect((await read(other)).rows).toEqual([]);
    const mine = samples(0, 10, { features: Float32Array.of(1, 2) });
    other.appendSamples(mine);
    await other.flush();
    expect(await read(other)).toMatchObject({ skipped: 5_000, rows: plain(mine) });
    expect(await read(other, { limit: 5, sinceMs: 1_004_000 })).toMatchObject({ skipped: 1_000, rows: [] });
    expect(await other.countSamples()).toBe(10);
    await other.close();
    store = await openStore(directory.path);
    expect(await store.countSamples()).toBe(5_000);
    expect((await read(store)).skipped).toBe(10);
  });
});

describe("bounds", () => {
  const size = () => statSync(`${directory.path}/learning.db`).size;
  const walSize = () => statSync(`${directory.path}/learning.db-wal`).size;

  test("the oldest go beyond maxSamples, with the servers that only they name", async () => {
    await store.close();
    store = await openStore(directory.path, { limits: { maxSamples: 4_000 } });
    store.appendSamples(samples(0, 1_000, { serverId: "http://gone:80 10.0.0.9" }));
    await store.flush();
    for (let n = 1_000; n < 12_000; n += 1_000) {
      store.appendSamples(samples(n, n + 1_000));
      await store.flush();
      expect(await store.countSamples()).toBeLessThanOrEqual(4_000);
    }
    expect((await read(store)).rows).toEqual(plain(samples(8_000, 12_000)));
    const { Database } = await import("bun:sqlite");
    const db = new Database(`${directory.path}/learning.db`, { readonly: true });
    expect(db.query("SELECT count(*) AS n FROM servers").get()).toEqual({ n: 3 });
    db.close();
  });

  test("the file stays within maxBytes, whatever maxSamples says", async () => {
    await store.close();
    const maxBytes = 1024 * 1024;
    store = await openStore(directory.path, { limits: { maxBytes } });
    for (let n = 0; n < 40_000; n += 1_000) {
      store.appendSamples(samples(n, n + 1_000));
      await store.flush();
      expect(size()).toBeLessThanOrEqual(maxBytes);
      expect(walSize()).toBeLessThanOrEqual(8 * 1024 * 1024);
    }
    const count = await store.countSamples();
    expect(count).toBeGreaterThan(5_000);
    expect((await read(store, { limit: 5_000 })).rows).toEqual(plain(samples(35_000, 40_000)));
  });

  test("the newest stays even where there is no room for any", async () => {
    await store.close();
    store = await openStore(directory.path, { limits: { maxBytes: 1 } });
    for (let n = 0; n < 30; n += 10) {
      store.appendSamples(samples(n, n + 10));
      await store.flush();
      expect((await read(store)).rows).toEqual(plain(samples(n + 9, n + 10)));
    }
  });

  test("a limit that was lowered is reached in small steps, and the file gets smaller", async () => {
    for (let n = 0; n < 20_000; n += 1_000) {
      store.appendSamples(samples(n, n + 1_000));
      await store.flush();
    }
    await store.close();
    const before = size();
    store = await openStore(directory.path, { limits: { maxSamples: 2_000, maxBytes: 1024 * 1024 } });
    const counts: number[] = [];
    for (let n = 20_000; n < 20_020; n++) {
      store.appendSamples([sample(n)]);
      await store.flush();
      counts.push(await store.countSamples());
    }
    expect(counts[0]).toBeGreaterThanOrEqual(16_001);
    expect(counts.at(-1)).toBe(2_000);
    await store.close();
    expect(size()).toBeLessThan(before / 4);
  });
});

test("a reader and the owner read the same", async () => {
  store.appendSamples(samples(0, 10));
  await store.flush();
  const reader = openStoreReader(at(directory.path), { features: FEATURES });
  expect((await read(reader)).rows).toEqual(plain(samples(0, 10)));
  store.appendSamples(samples(10, 20));
  await store.flush();
  expect(await reader.countSamples()).toBe(20);
  await reader.close();
});
