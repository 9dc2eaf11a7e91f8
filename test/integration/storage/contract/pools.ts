/** Pools share a store, and nothing in it. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { LearningStore } from "../../../../src/storage/learning-store.ts";
import { model, plain, read, samples, verdict } from "../store-fixture.ts";
import type { UnderTest } from "./under-test.ts";

/** Defines these tests. */
export function poolContract(under: UnderTest): void {
  let store: LearningStore;
  const write = async (pool: string, from: number, to: number) => {
    for (let n = from; n < to; n += 1_000) {
      store.appendSamples(samples(n, Math.min(n + 1_000, to), { pool }));
      await store.flush();
    }
  };
  const numbers = async (pool: string) => (await read(store, { pool })).rows.map(({ features: [n] }) => n);
  beforeEach(() => {
    ({ store } = under);
  });

  describe("pools", () => {
    test("have samples of their own, also of servers of the same name", async () => {
      const mixed = samples(0, 5_000).map((sample, n) => ({ ...sample, pool: n % 5 === 0 ? "few" : "many" }));
      store.appendSamples(mixed);
      await store.flush();
      expect(await store.countSamples("few")).toBe(1_000);
      expect(await store.countSamples("many")).toBe(4_000);
      expect(await store.countSamples("other")).toBe(0);
      const few = mixed.filter(({ pool }) => pool === "few");
      expect((await read(store, { pool: "few" })).rows).toEqual(plain(few));
      expect((await read(store, { pool: "few", limit: 10 })).rows).toEqual(plain(few.slice(-10)));
      const backward = await read(store, { pool: "few", newestFirst: true });
      expect(backward).toMatchObject({ skipped: 0, rows: plain(few.toReversed()) });
      expect((await read(store, { pool: "other" })).rows).toEqual([]);
    });

    test("take no room from each other: what is too much goes from those that have the most", async () => {
      store = await under.reopen({ limits: { maxSamples: 3_000 } });
      await write("quiet", 0, 500);
      await write("busy", 1_000, 9_000);
      expect(await numbers("quiet")).toEqual(Array.from({ length: 500 }, (_, n) => n));
      expect(await numbers("busy")).toEqual(Array.from({ length: 2_500 }, (_, n) => 6_500 + n));
      await write("third", 10_000, 14_000);
      expect(await store.countSamples("quiet")).toBe(500);
      expect(await numbers("busy")).toEqual(Array.from({ length: 1_250 }, (_, n) => 7_750 + n));
      expect(await numbers("third")).toEqual(Array.from({ length: 1_250 }, (_, n) => 12_750 + n));
    });

    test("take no room from each other where bytes are short", async () => {
      store = await under.reopen({ limits: { maxBytes: 400_000 } });
      await write("quiet", 0, 300);
      await write("busy", 1_000, 15_000);
      expect(await store.countSamples("quiet")).toBe(300);
      expect((await numbers("busy")).at(-1)).toBe(14_999);
    });

    test("have a champion and a predecessor each", async () => {
      for (const pool of ["a", "b", "a", "b"]) await store.insertModel(model({ pool, status: "champion" }));
      expect(await store.champion("a")).toMatchObject({ version: 3, pool: "a" });
      expect(await store.champion("b")).toMatchObject({ version: 4, pool: "b" });
      expect((await store.previousChampion("a"))?.version).toBe(1);
      await store.setModelStatus(1, "champion", 10, { outgoing: "rejected" });
      expect(await store.model(3)).toMatchObject({ status: "rejected" });
      expect((await store.champion("b"))?.version).toBe(4);
      expect((await store.previousChampion("b"))?.version).toBe(2);
      expect(await store.champion("c")).toBeNull();
      const versions = async (pool?: string) => (await store.models({ limit: 10, pool })).map(({ version }) => version);
      expect(await versions()).toEqual([4, 3, 2, 1]);
      expect(await versions("a")).toEqual([3, 1]);
    });

    test("do not lose models because another makes many", async () => {
      for (let i = 0; i < 3; i++) await store.insertModel(model({ pool: "quiet", status: "champion" }));
      for (let i = 0; i < 10; i++) await store.insertModel(model({ pool: "quiet", status: "rejected" }));
      for (let i = 0; i < 80; i++) await store.insertModel(model({ pool: "busy" }));
      expect(await store.models({ limit: 100, pool: "quiet" })).toHaveLength(13);
      expect(await store.models({ limit: 100, pool: "busy" })).toHaveLength(37);
    });

    test("have verdicts of their own, and do not lose them because another has many", async () => {
      store = await under.reopen({ limits: { maxVerdicts: 10 } });
      for (let n = 0; n < 3; n++) store.appendVerdict(verdict(n, { pool: "quiet" }));
      for (let n = 10; n < 40; n++) {
        store.appendVerdict(verdict(n, { pool: "busy" }));
        if (n % 4 === 3) await store.flush();
      }
      await store.flush();
      const times = async (pool?: string) => (await store.verdicts({ limit: 100, pool })).map(({ atMs }) => atMs);
      expect(await times("quiet")).toEqual([2, 1, 0]);
      expect(await times("busy")).toEqual([39, 38, 37, 36, 35, 34, 33]);
      expect(await times()).toHaveLength(10);
      expect(await store.verdicts({ limit: 10, pool: "quiet", modelVersion: 2 })).toEqual([
        verdict(1, { pool: "quiet" }),
      ]);
    });

    test("have notes of their own", async () => {
      await store.setNote("a", "state", 1);
      await store.setNote("b", "state", 2);
      expect([await store.note("a", "state"), await store.note("b", "state")]).toEqual([1, 2]);
      expect(await store.note("c", "state")).toBeNull();
    });
  });
}
