/** Models and their lives, verdicts on them, notes. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { LearningStore } from "../../../../src/storage/learning-store.ts";
import type { ManualTime } from "../../../support/manual-time.ts";
import { model, POOL, samples, verdict } from "../store-fixture.ts";
import type { UnderTest } from "./under-test.ts";

/** Defines these tests. */
export function modelContract(under: UnderTest): void {
  let store: LearningStore;
  let time: ManualTime;
  const versions = async () => (await store.models({ limit: 1_000 })).map(({ version }) => version);
  beforeEach(() => {
    ({ store, time } = under);
  });

  describe("models", () => {
    test("come back as they were given, with a version", async () => {
      const given = model({ parentVersion: 7, origin: "file" });
      expect(await store.insertModel(given)).toBe(1);
      const { files, ...rest } = given;
      const kept = { ...rest, version: 1, statusAtMs: 5_000, promotedAtMs: null };
      expect(await store.model(1)).toEqual(kept);
      expect(await store.models({ limit: 10 })).toEqual([kept]);
      expect(await store.modelFiles(1)).toEqual(files);
      expect(await store.model(2)).toBeNull();
      expect(await store.modelFiles(2)).toBeNull();
    });

    test("are listed newest first, at most so many", async () => {
      for (let i = 0; i < 4; i++) await store.insertModel(model());
      expect((await store.models({ limit: 3 })).map(({ version }) => version)).toEqual([4, 3, 2]);
    });

    test("that are too large are refused", async () => {
      const files = { ...model().files, onnx: new Uint8Array(4 * 1024 * 1024) };
      await expect(store.insertModel(model({ files }))).rejects.toThrow(
        /4194\d+ bytes with its report, and at most 4194304/,
      );
      expect(store.status()).toMatchObject({ problem: null, flushErrors: 0 });
    });

    test("beyond the newest 50 go, but never the champion, its predecessors, or one on trial", async () => {
      for (let i = 0; i < 4; i++) await store.insertModel(model({ status: "champion" }));
      await store.insertModel(model({ status: "shadow" }));
      await store.insertModel(model({ status: "rejected" }));
      for (let i = 0; i < 60; i++) await store.insertModel(model());
      expect((await versions()).slice(-6)).toEqual([17, 5, 4, 3, 2, 1]);
      expect((await store.champion(POOL))?.version).toBe(4);
      expect((await store.previousChampion(POOL))?.version).toBe(3);
    });

    test("of former champions the last ten are kept whatever comes", async () => {
      for (let i = 0; i < 20; i++) await store.insertModel(model({ status: "champion" }));
      for (let i = 0; i < 50; i++) await store.insertModel(model());
      expect((await versions()).slice(-12)).toEqual([21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
    });

    test("take a quarter of the store's bytes at most", async () => {
      store = await under.reopen({ limits: { maxBytes: 4_000_000 } });
      const files = { ...model().files, onnx: new Uint8Array(300_000) };
      for (let i = 0; i < 5; i++) await store.insertModel(model({ files }));
      expect(await versions()).toEqual([5, 4, 3]);
    });

    test("never get a version that was given before, also where the newest went at once", async () => {
      store = await under.reopen({ limits: { maxModels: 0 } });
      expect(await store.insertModel(model())).toBe(1);
      expect(await versions()).toEqual([]);
      expect(await store.insertModel(model())).toBe(2);
    });
  });

  describe("a promotion", () => {
    beforeEach(async () => {
      for (let i = 0; i < 4; i++) await store.insertModel(model());
    });

    test("makes exactly one champion, and remembers the one before", async () => {
      expect(await store.champion(POOL)).toBeNull();
      expect(await store.previousChampion(POOL)).toBeNull();
      await store.setModelStatus(1, "champion", 10);
      expect(await store.previousChampion(POOL)).toBeNull();
      await store.setModelStatus(2, "champion", 20);
      expect(await store.champion(POOL)).toMatchObject({ version: 2, statusAtMs: 20, promotedAtMs: 20 });
      expect(await store.previousChampion(POOL)).toMatchObject({
        version: 1,
        status: "retired",
        statusAtMs: 20,
        promotedAtMs: 10,
      });
      const champions = (await store.models({ limit: 10 })).filter(({ status }) => status === "champion");
      expect(champions.map(({ version }) => version)).toEqual([2]);
    });

    test("that is taken back rejects the bad one, and the one to go back to is the one before", async () => {
      for (const version of [1, 2, 3]) await store.setModelStatus(version, "champion", version);
      await store.setModelStatus(2, "champion", 4, { outgoing: "rejected" });
      expect(await store.champion(POOL)).toMatchObject({ version: 2, promotedAtMs: 4 });
      expect(await store.model(3)).toMatchObject({ status: "rejected", statusAtMs: 4 });
      expect((await store.previousChampion(POOL))?.version).toBe(1);
    });

    test("goes by the order of promotions, not by a clock that was set back", async () => {
      await store.setModelStatus(3, "champion", 900);
      await store.setModelStatus(1, "champion", 500);
      await store.setModelStatus(2, "champion", 100);
      expect((await store.previousChampion(POOL))?.version).toBe(1);
    });

    test("of the champion itself changes nothing", async () => {
      await store.setModelStatus(1, "champion", 10);
      await store.setModelStatus(1, "champion", 20);
      expect(await store.champion(POOL)).toMatchObject({ version: 1, promotedAtMs: 10 });
      expect(await store.previousChampion(POOL)).toBeNull();
    });

    test("of a model that is not there is refused, and the champion stays", async () => {
      await store.setModelStatus(1, "champion", 10);
      await expect(store.setModelStatus(9, "champion", 20)).rejects.toThrow("there is no model 9");
      expect((await store.champion(POOL))?.version).toBe(1);
      expect(store.status().problem).toBeNull();
    });

    test("that is refused takes nothing of what was to be written with it", async () => {
      store.appendVerdict(verdict(1));
      store.appendSamples(samples(0, 3));
      const refused = store.setModelStatus(9, "champion", 20);
      await expect(refused).rejects.toBeInstanceOf(RangeError);
      expect(await store.verdicts({ limit: 10 })).toEqual([]);
      expect(store.status()).toMatchObject({ bufferedRows: 4, rowsDropped: 0, flushErrors: 0 });
      expect(await store.flush()).toBe(true);
      expect(await store.verdicts({ limit: 10 })).toEqual([verdict(1)]);
      expect(await store.countSamples(POOL)).toBe(3);
    });
  });

  describe("verdicts", () => {
    test("come back newest first, all or those about one model", async () => {
      for (let n = 0; n < 5; n++) store.appendVerdict(verdict(n));
      store.appendVerdict(verdict(5, { modelVersion: null, kind: "demoted", numbers: null }));
      await store.flush();
      expect(await store.verdicts({ limit: 2 })).toEqual([
        verdict(5, { modelVersion: null, kind: "demoted", numbers: null }),
        verdict(4),
      ]);
      expect(await store.verdicts({ limit: 10, modelVersion: 2 })).toEqual([verdict(3), verdict(1)]);
    });

    test("are written at once, or with the next change of a model", async () => {
      await store.insertModel(model());
      store.appendVerdict(verdict(1));
      await store.setModelStatus(1, "champion", 10);
      expect(await store.verdicts({ limit: 10 })).toEqual([verdict(1)]);
      store.appendVerdict(verdict(2));
      await time.pass(0);
      expect(await store.verdicts({ limit: 10 })).toEqual([verdict(2), verdict(1)]);
    });

    test("beyond the limit push out the oldest", async () => {
      store = await under.reopen({ limits: { maxVerdicts: 10 } });
      for (let n = 0; n < 30; n++) {
        store.appendVerdict(verdict(n));
        if (n % 4 === 3) await store.flush();
      }
      await store.flush();
      expect((await store.verdicts({ limit: 1_000 })).map(({ atMs }) => atMs)).toEqual([
        29, 28, 27, 26, 25, 24, 23, 22, 21, 20,
      ]);
    });

    test("that cannot be said in JSON or are endless are dropped and counted", async () => {
      const circular: { self?: unknown } = {};
      circular.self = circular;
      store.appendVerdict(verdict(1, { numbers: circular }));
      store.appendVerdict(verdict(2, { reason: "x".repeat(20_000) }));
      store.appendVerdict(verdict(3));
      await store.flush();
      expect(await store.verdicts({ limit: 10 })).toEqual([verdict(3)]);
      expect(store.status()).toMatchObject({ rowsDropped: 2, problem: null });
    });

    test("of many bytes push out the oldest that wait before they are many", async () => {
      const long = { reason: "x".repeat(16_000), numbers: "y".repeat(16_000) };
      for (let n = 0; n < 200; n++) store.appendVerdict(verdict(n, long));
      const { bufferedRows, rowsDropped } = store.status();
      expect(bufferedRows).toBe(Math.floor((4 * 1024 * 1024) / (100 + 2 * (16_000 + 16_002))));
      expect(bufferedRows + rowsDropped).toBe(200);
      expect(await store.flush()).toBe(true);
      expect((await store.verdicts({ limit: 1_000 })).map(({ atMs }) => atMs)).toEqual(
        Array.from({ length: bufferedRows }, (_, i) => 199 - i),
      );
    });
  });

  test("a note is the last that was told under its name", async () => {
    expect(await store.note(POOL, "state")).toBeNull();
    await store.setNote(POOL, "state", { a: [1, null] });
    await store.setNote(POOL, "other", "b");
    expect(await store.note(POOL, "state")).toEqual({ a: [1, null] });
    await store.setNote(POOL, "state", undefined);
    expect(await store.note(POOL, "state")).toBeNull();
    expect(await store.note(POOL, "other")).toBe("b");
  });
}
