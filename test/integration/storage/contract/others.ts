/** What is there for others, and later: only where data outlives the backend. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { LearningStore } from "../../../../src/storage/learning-store.ts";
import { model, POOL, plain, read, samples, verdict } from "../store-fixture.ts";
import type { UnderTest } from "./under-test.ts";

/** Defines these tests. */
export function durableContract(under: UnderTest): void {
  let store: LearningStore;
  const versions = async () => (await store.models({ limit: 1_000 })).map(({ version }) => version);
  beforeEach(() => {
    ({ store } = under);
  });

  describe("reading after a restart", () => {
    test("skips and counts those with other features, and finds them again with theirs", async () => {
      store.appendSamples(samples(0, 5_000));
      await store.flush();
      store = await under.reopen({ features: ["first", "second"] });
      expect(await store.countSamples(POOL)).toBe(0);
      expect((await read(store)).rows).toEqual([]);
      const mine = samples(0, 10, { features: Float32Array.of(1, 2) });
      store.appendSamples(mine);
      await store.flush();
      expect(await read(store)).toMatchObject({ skipped: 5_000, rows: plain(mine) });
      expect(await read(store, { limit: 5, sinceMs: 1_004_000 })).toMatchObject({ skipped: 1_000, rows: [] });
      expect(await store.countSamples(POOL)).toBe(10);
      store = await under.reopen();
      expect(await store.countSamples(POOL)).toBe(5_000);
      expect((await read(store)).skipped).toBe(10);
    });
  });

  describe("others", () => {
    test("read what the owner wrote, while it writes", async () => {
      const reader = under.visit("read");
      let last = 0;
      for (let n = 0; n < 6_000; n += 1_000) {
        store.appendSamples(samples(n, n + 1_000));
        const [flushed, count] = await Promise.all([store.flush(), reader.countSamples(POOL)]);
        expect(flushed).toBe(true);
        expect(count % 1_000).toBe(0);
        expect(count).toBeGreaterThanOrEqual(last);
        last = count;
      }
      expect((await read(reader)).rows).toEqual((await read(store)).rows);
      expect((await read(reader)).rows).toEqual(plain(samples(0, 6_000)));
    });

    test("of other features skip what they cannot use", async () => {
      store.appendSamples(samples(0, 10));
      await store.flush();
      expect(await read(under.visit("read", ["first"]))).toMatchObject({ skipped: 10, rows: [] });
    });

    test("that train leave models between the owner's, each with a version of its own", async () => {
      const trainer = under.visit("write", ["first"]);
      expect(await trainer.insertModel(model())).toBe(1);
      expect(await store.insertModel(model())).toBe(2);
      expect(await trainer.insertModel(model())).toBe(3);
      expect(await versions()).toEqual([3, 2, 1]);
      expect(await trainer.modelFiles(2)).toEqual(model().files);
    });

    test("that read cannot write", async () => {
      await expect(under.visit("read").insertModel(model())).rejects.toMatchObject({ kind: "read_only" });
    });

    test("do not own what has an owner", async () => {
      await expect(under.open()).rejects.toMatchObject({ kind: "in_use" });
    });

    test("find all of it when the owner has gone", async () => {
      store.appendSamples(samples(0, 10));
      store.appendVerdict(verdict(1));
      await store.setNote(POOL, "state", 7);
      await store.insertModel(model({ status: "champion" }));
      await store.close();
      const reader = under.visit("read");
      expect((await read(reader)).rows).toEqual(plain(samples(0, 10)));
      expect(await reader.verdicts({ limit: 1 })).toEqual([verdict(1)]);
      expect(await reader.note(POOL, "state")).toBe(7);
      expect(await reader.champion(POOL)).toMatchObject({ version: 1 });
      store = await under.open();
      expect(await store.insertModel(model())).toBe(2);
    });
  });
}
