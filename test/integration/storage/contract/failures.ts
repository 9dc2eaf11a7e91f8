/** A backend that fails, that takes its time, and the end. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { LearningStore } from "../../../../src/storage/learning-store.ts";
import { StoreError, type StoreProblemKind } from "../../../../src/storage/store-error.ts";
import type { ManualTime } from "../../../support/manual-time.ts";
import type { Faults } from "../../../support/stores/faulty-backend.ts";
import { model, POOL, plain, read, type Said, samples, verdict } from "../store-fixture.ts";
import { BEGAN_MS, HOUR_MS, type UnderTest } from "./under-test.ts";

/** Defines these tests. */
export function failureContract(under: UnderTest): void {
  let store: LearningStore;
  let time: ManualTime;
  let faults: Faults;
  let said: Said;
  const versions = async () => (await store.models({ limit: 1_000 })).map(({ version }) => version);
  beforeEach(() => {
    ({ store, time, faults, said } = under);
  });

  test("rows that the backend refuses are found and dropped, and that is told; all others are written", async () => {
    store.appendVerdict(verdict(1, { kind: null as never }));
    store.appendSamples(samples(0, 100));
    expect(await store.flush()).toBe(false);
    expect(store.status()).toMatchObject({ bufferedRows: 101, rowsDropped: 0, flushErrors: 1 });
    expect(store.status().problem?.message).toMatch(/ refuses rows: ./);
    // Whoever asks often loses no more rows: the table may be mended soon.
    for (let i = 0; i < 20; i++) expect(await store.flush()).toBe(false);
    expect(store.status()).toMatchObject({ bufferedRows: 101, rowsDropped: 0 });
    store.appendVerdict(verdict(2));
    await time.pass(300_000);
    expect(await store.verdicts({ limit: 10 })).toEqual([verdict(2)]);
    // The sample that was alone with it as well.
    expect(await store.countSamples(POOL)).toBe(99);
    expect(store.status()).toMatchObject({ rowsDropped: 2, bufferedRows: 0, problem: null });
    expect(said.lines).toEqual(["degraded refused", "recovered refused"]);
  });

  describe("trouble", () => {
    const fail = (kind: StoreProblemKind, times = 1) => {
      for (let i = 0; i < times; i++) faults.errors.push(new StoreError(kind, `made to fail: ${kind}`));
    };

    test("makes rows wait, is told once, and is over when something was written", async () => {
      fail("locked", 2);
      store.appendSamples(samples(0, 3));
      store.appendVerdict(verdict(1));
      expect(await store.flush()).toBe(false);
      expect(await store.flush()).toBe(false);
      const problem = { kind: "locked", message: "made to fail: locked", sinceMs: BEGAN_MS };
      expect(store.status()).toMatchObject({ problem, bufferedRows: 4, rowsWritten: 0, flushErrors: 2 });
      expect(said.lines).toEqual(["degraded locked"]);
      expect(await store.flush()).toBe(true);
      expect(store.status()).toMatchObject({ problem: null, bufferedRows: 0, rowsWritten: 4, rowsDropped: 0 });
      expect(said.lines).toEqual(["degraded locked", "recovered locked"]);
      expect((await read(store)).rows).toEqual(plain(samples(0, 3)));
      expect(await store.verdicts({ limit: 10 })).toEqual([verdict(1)]);
    });

    test("of another kind is told again; since when there is any stays", async () => {
      fail("disk_full");
      store.appendSamples(samples(0, 3));
      await store.flush();
      fail("unavailable");
      await time.pass(1_000);
      expect(store.status().problem).toMatchObject({ kind: "unavailable", sinceMs: BEGAN_MS });
      expect(said.lines).toEqual(["degraded disk_full", "degraded unavailable"]);
      await time.pass(60_000);
      expect(said.lines.slice(2)).toEqual(["recovered unavailable"]);
      expect(await store.countSamples(POOL)).toBe(3);
    });

    test("that stays for another reason than was told is told again", async () => {
      const reasons = ["ended", "wrong password", "wrong password", "wrong password", "ended"];
      faults.errors.push(...reasons.map((reason) => new StoreError("unavailable", reason)));
      store.appendSamples(samples(0, 3));
      const problems: string[] = [];
      for (let i = 0; i < reasons.length; i++) {
        await store.flush();
        problems.push(`${store.status().problem?.message}, told ${said.lines.length}`);
      }
      expect(problems).toEqual([
        "ended, told 1",
        "wrong password, told 1",
        "wrong password, told 2",
        "wrong password, told 2",
        "ended, told 2",
      ]);
    });

    test("is tried again after 1, 2, 4 … 30 s, with or without rows", async () => {
      fail("disk_full", 8);
      await expect(store.insertModel(model())).rejects.toMatchObject({ kind: "disk_full" });
      const atMs: number[] = [];
      for (const begun = time.nowMs(); store.status().problem !== null; await time.pass(500)) {
        const tries = faults.calls.filter((call) => call === "write").length - 1;
        if (tries > atMs.length) atMs.push(time.nowMs() - begun);
      }
      expect(atMs.map((at, i) => at - (atMs[i - 1] ?? 0)).map((wait) => wait / 1_000)).toEqual([
        1, 2, 4, 8, 16, 30, 30,
      ]);
      expect(store.status()).toMatchObject({ bufferedRows: 0, rowsWritten: 0, flushErrors: 7 });
      expect(said.lines).toEqual(["degraded disk_full", "recovered disk_full"]);
      expect(await store.insertModel(model())).toBe(1);
    });

    test("costs only what has no room in memory, and that is counted", async () => {
      fail("disk_full", 15);
      for (let n = 0; n < 14_000; n += 1_000) {
        store.appendSamples(samples(n, n + 1_000));
        expect(await store.flush()).toBe(false);
      }
      expect(store.status()).toMatchObject({ bufferedRows: 10_000, rowsDropped: 4_000, rowsWritten: 0 });
      await time.pass(60_000);
      expect(store.status()).toMatchObject({ bufferedRows: 0, rowsDropped: 4_000, rowsWritten: 10_000 });
      // The first batch may have been written all the same: it comes again as it was.
      expect((await read(store)).rows).toEqual(plain([...samples(0, 1_000), ...samples(5_000, 14_000)]));
    });

    test("met while reading is told as well, and the reader hears of it", async () => {
      fail("unavailable");
      await expect(store.champion(POOL)).rejects.toMatchObject({ kind: "unavailable" });
      expect(store.status().problem?.kind).toBe("unavailable");
      expect(await store.champion(POOL)).toBeNull();
      expect(said.lines).toEqual(["degraded unavailable"]); // to be read is not to be written
      await time.pass(1_000);
      expect(said.lines).toEqual(["degraded unavailable", "recovered unavailable"]);
    });
  });

  if (under.remote) {
    test("a lost answer doubles nothing", async () => {
      faults.lostAnswers.push(...[1, 2].map(() => new StoreError("unavailable", "made to lose the answer")));
      store.appendSamples(samples(0, 1_500));
      store.appendVerdict(verdict(1));
      expect(await store.flush()).toBe(false);
      store.appendSamples(samples(1_500, 2_000));
      await time.pass(60_000);
      expect((await read(store)).rows).toEqual(plain(samples(0, 2_000)));
      expect(await store.verdicts({ limit: 10 })).toEqual([verdict(1)]);
      expect(store.status()).toMatchObject({ rowsWritten: 2_001, rowsDropped: 0, bufferedRows: 0, problem: null });
    });
  }

  describe("a backend that takes its time", () => {
    const slow = (ms: number) => {
      faults.before = () => time.wait(ms);
    };

    test("loses, doubles and mixes up nothing, whatever is handed over meanwhile", async () => {
      slow(3_000);
      for (let n = 0; n < 3_000; n += 100) {
        store.appendSamples(samples(n, n + 100));
        if (n % 700 === 0) store.appendVerdict(verdict(n));
        await time.pass(400);
      }
      const flushed = store.flush();
      await time.pass(30_000);
      expect(await flushed).toBe(true);
      faults.before = null;
      expect((await read(store)).rows).toEqual(plain(samples(0, 3_000)));
      expect((await store.verdicts({ limit: 10 })).map(({ atMs }) => atMs)).toEqual([2_800, 2_100, 1_400, 700, 0]);
      expect(store.status()).toMatchObject({ rowsWritten: 3_005, rowsDropped: 0, flushErrors: 0 });
      expect(said.lines).toEqual([]);
    });

    test("drops the oldest of those that wait beyond 10,000, never those on their way", async () => {
      slow(9_000);
      store.appendSamples(samples(0, 10_000));
      await time.pass(1);
      store.appendSamples(samples(10_000, 10_500));
      expect(store.status()).toMatchObject({ bufferedRows: 10_000, rowsDropped: 500 });
      faults.before = null;
      const flushed = store.flush();
      await time.pass(9_000);
      expect(await flushed).toBe(true);
      const kept = [...samples(0, 1_000), ...samples(1_500, 10_500)];
      expect((await read(store)).rows).toEqual(plain(kept));
      expect(store.status()).toMatchObject({ rowsWritten: 10_000, rowsDropped: 500 });
    });

    test("puts back what failed late before what came since", async () => {
      slow(5_000);
      store.appendSamples(samples(0, 1_000));
      await time.pass(1);
      store.appendSamples(samples(1_000, 1_500));
      faults.errors.push(new StoreError("unavailable", "made to fail"));
      await time.pass(4_998);
      faults.before = null;
      await time.pass(1);
      expect(said.lines).toEqual(["degraded unavailable"]);
      expect(await store.flush()).toBe(true);
      expect((await read(store)).rows).toEqual(plain(samples(0, 1_500)));
      expect(store.status()).toMatchObject({ rowsWritten: 1_500, rowsDropped: 0 });
    });

    test("is waited for 10 s; then it is a trouble, until it answers", async () => {
      slow(60_000);
      const inserted = store.insertModel(model()).catch((error: StoreError) => error.message);
      const behind = store.insertModel(model()).catch((error: StoreError) => error.message);
      store.appendSamples(samples(0, 10));
      await time.pass(10_000);
      expect(await inserted).toBe("the place: no answer for 10 s");
      expect(await behind).toBe("the place: no answer for 10 s");
      expect(store.status().problem).toMatchObject({ kind: "unavailable", sinceMs: BEGAN_MS + 10_000 });
      await time.pass(49_000);
      expect(faults.calls.filter((call) => call === "write").length).toBe(1);
      faults.before = null;
      await time.pass(1_000);
      expect(said.lines).toEqual(["degraded unavailable", "recovered unavailable"]);
      expect(await versions()).toEqual([1]);
      expect((await read(store)).rows).toEqual(plain(samples(0, 10)));
      expect(store.status()).toMatchObject({ problem: null, bufferedRows: 0, rowsWritten: 10, rowsDropped: 0 });
    });

    test("does not keep a store from being closed", async () => {
      store.appendSamples(samples(0, 10));
      faults.before = () => time.wait(HOUR_MS);
      const asked = store.countSamples(POOL).catch((error: StoreError) => error.message);
      const closed = store.close();
      await time.pass(2_000);
      await closed;
      expect(store.status()).toMatchObject({ bufferedRows: 10, rowsWritten: 0 });
      faults.before = null;
      await time.pass(HOUR_MS);
      expect(await asked).toContain("no answer");
      expect(faults.calls).toEqual(["open", "countSamples", "close"]);
    });
  });

  describe("the end", () => {
    test("writes what is left, once, whoever asks for it how often", async () => {
      store.appendSamples(samples(0, 2_500));
      await Promise.all([store.close(), store.close()]);
      await store.close();
      expect(store.status()).toMatchObject({ bufferedRows: 0, rowsWritten: 2_500 });
      expect(faults.calls).toEqual(["open", "write", "write", "write", "close"]);
    });

    test("does not try again what fails", async () => {
      faults.errors.push(new StoreError("disk_full", "made to fail"));
      store.appendSamples(samples(0, 2_500));
      await store.close();
      expect(store.status()).toMatchObject({ bufferedRows: 2_500, flushErrors: 1 });
      expect(faults.calls).toEqual(["open", "write", "mend", "close"]);
    });

    test("lets what was asked before it be done", async () => {
      const version = store.insertModel(model());
      store.appendVerdict(verdict(1));
      await store.close();
      expect(await version).toBe(1);
      await expect(store.setNote(POOL, "a", 1)).rejects.toThrow("the store is closed");
    });
  });
}
