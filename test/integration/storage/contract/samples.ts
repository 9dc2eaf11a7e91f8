/** Samples: handed over, written, read in pages, bounded. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { LearningStore } from "../../../../src/storage/learning-store.ts";
import type { ManualTime } from "../../../support/manual-time.ts";
import { POOL, plain, read, sample, samples } from "../store-fixture.ts";
import type { UnderTest } from "./under-test.ts";

/** Defines these tests. */
export function sampleContract(under: UnderTest): void {
  let store: LearningStore;
  let time: ManualTime;
  beforeEach(() => {
    ({ store, time } = under);
  });

  describe("samples", () => {
    test("come back as they were given, unknown features as NaN", async () => {
      const given = samples(0, 7);
      store.appendSamples(given);
      expect(await store.flush()).toBe(true);
      expect((await read(store)).rows).toEqual(plain(given));
      expect(store.status()).toMatchObject({
        durable: under.durable,
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
      expect(await store.countSamples(POOL)).toBe(0);
      await time.pass(999);
      expect(store.status().bufferedRows).toBe(3);
      await time.pass(1);
      expect(store.status().bufferedRows).toBe(0);
      expect(await store.countSamples(POOL)).toBe(3);
    });

    test("are written in batches of 1,000 without a wait when they are many", async () => {
      store.appendSamples(samples(0, 3_500));
      await time.pass(0);
      expect(store.status().bufferedRows % 1_000).toBe(500);
      await store.flush();
      expect(await store.countSamples(POOL)).toBe(3_500);
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
      await expect(store.countSamples(POOL)).rejects.toThrow("closed");
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
      const scan = await store.readSamples({ pool: POOL, limit: 3_000 });
      const seen: number[] = [];
      for await (const page of scan.pages) {
        seen.push(...page.map(({ atMs }) => atMs));
        store.appendSamples(samples(5_000 + seen.length, 5_010 + seen.length));
        expect(await store.flush()).toBe(true);
      }
      expect(seen.length).toBe(3_000);
      expect(seen[0]).toBe(1_002_000);
    });
  });

  describe("bounds", () => {
    test("the oldest go beyond maxSamples", async () => {
      store = await under.reopen({ limits: { maxSamples: 4_000 } });
      for (let n = 0; n < 12_000; n += 1_000) {
        store.appendSamples(samples(n, n + 1_000));
        await store.flush();
        expect(await store.countSamples(POOL)).toBeLessThanOrEqual(4_000);
      }
      expect((await read(store)).rows).toEqual(plain(samples(8_000, 12_000)));
    });

    test("the newest stays even where there is no room for any", async () => {
      store = await under.reopen({ limits: { maxBytes: 1 } });
      for (let n = 0; n < 30; n += 10) {
        store.appendSamples(samples(n, n + 10));
        await store.flush();
        expect((await read(store)).rows).toEqual(plain(samples(n + 9, n + 10)));
      }
    });
  });
}
