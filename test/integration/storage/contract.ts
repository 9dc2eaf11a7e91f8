/**
 * What every store does, whatever its backend: a buffered store over a backend of each kind that there is, and what others
 * see who visit it. Nothing here is about files. Time is the test's, and so are the failures.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { BackendOptions, StoreBackend, VisitingBackend, VisitingOptions } from "../../../src/storage/backend.ts";
import { BufferedStore } from "../../../src/storage/buffered/buffered-store.ts";
import {
  DEFAULT_LIMITS,
  type LearningStore,
  type StoreLimits,
  type TrainingStore,
} from "../../../src/storage/learning-store.ts";
import { StoreError, type StoreProblemKind } from "../../../src/storage/store-error.ts";
import { VisitedStore } from "../../../src/storage/visited-store.ts";
import { Faults } from "../../support/faulty-backend.ts";
import { ManualTime } from "../../support/manual-time.ts";
import { FEATURES, model, plain, read, Said, sample, samples, verdict } from "./store-fixture.ts";

/** Where the stores of one test are. */
export interface Place {
  /** The owner's backend, not open yet, on the data that the one before it left. */
  own(options: BackendOptions): StoreBackend;
  visit(access: "read" | "write", options: VisitingOptions): VisitingBackend;
  remove(): void;
}

/** A kind of backend. */
export interface PlaceKind {
  readonly name: string;
  /** False when data ends with the backend, and nobody else sees it. */
  readonly durable: boolean;
  make(): Place;
}

const BEGAN_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

/** Defines the tests of one kind. */
export function storeContract({ name, durable, make }: PlaceKind): void {
  describe(name, () => {
    let place: Place;
    let time: ManualTime;
    let faults: Faults;
    let said: Said;
    let store: LearningStore;
    const opened: (() => Promise<void>)[] = [];

    async function open(options: { limits?: Partial<StoreLimits>; features?: readonly string[] } = {}) {
      const { features = FEATURES } = options;
      const limits = { ...DEFAULT_LIMITS, ...options.limits };
      const movedAside = () => {};
      const backend = faults.around(place.own({ features, limits, nowMs: time.nowMs, movedAside }));
      await backend.open();
      const { nowMs, later } = time;
      const made = new BufferedStore({ backend, name: "the place", features, events: said, nowMs, later });
      opened.push(() => made.close());
      return made;
    }

    async function reopen(options: Parameters<typeof open>[0] = {}): Promise<void> {
      await store.close();
      store = await open(options);
    }

    function visit(access: "read" | "write", features: readonly string[] = FEATURES): TrainingStore {
      const visitor = new VisitedStore(place.visit(access, { features, limits: DEFAULT_LIMITS }));
      opened.push(() => visitor.close());
      return visitor;
    }

    beforeEach(async () => {
      place = make();
      time = new ManualTime(BEGAN_MS);
      faults = new Faults();
      said = new Said();
      store = await open();
    });

    afterEach(async () => {
      faults.before = null;
      const closed = Promise.all(opened.splice(0).map((close) => close()));
      await time.pass(HOUR_MS);
      await closed;
      place.remove();
      expect(faults.mostAtOnce).toBeLessThanOrEqual(1);
      expect(time.waiting).toBe(0);
    });

    describe("samples", () => {
      test("come back as they were given, unknown features as NaN", async () => {
        const given = samples(0, 7);
        store.appendSamples(given);
        expect(await store.flush()).toBe(true);
        expect((await read(store)).rows).toEqual(plain(given));
        expect(store.status()).toEqual({
          durable,
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
        await time.pass(999);
        expect(store.status().bufferedRows).toBe(3);
        await time.pass(1);
        expect(store.status().bufferedRows).toBe(0);
        expect(await store.countSamples()).toBe(3);
      });

      test("are written in batches of 1,000 without a wait when they are many", async () => {
        store.appendSamples(samples(0, 3_500));
        await time.pass(0);
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

      test.skipIf(!durable)(
        "skips and counts those with other features, and finds them again with theirs",
        async () => {
          await reopen({ features: ["first", "second"] });
          expect(await store.countSamples()).toBe(0);
          expect((await read(store)).rows).toEqual([]);
          const mine = samples(0, 10, { features: Float32Array.of(1, 2) });
          store.appendSamples(mine);
          await store.flush();
          expect(await read(store)).toMatchObject({ skipped: 5_000, rows: plain(mine) });
          expect(await read(store, { limit: 5, sinceMs: 1_004_000 })).toMatchObject({ skipped: 1_000, rows: [] });
          expect(await store.countSamples()).toBe(10);
          await reopen();
          expect(await store.countSamples()).toBe(5_000);
          expect((await read(store)).skipped).toBe(10);
        },
      );
    });

    describe("bounds", () => {
      test("the oldest go beyond maxSamples", async () => {
        await reopen({ limits: { maxSamples: 4_000 } });
        for (let n = 0; n < 12_000; n += 1_000) {
          store.appendSamples(samples(n, n + 1_000));
          await store.flush();
          expect(await store.countSamples()).toBeLessThanOrEqual(4_000);
        }
        expect((await read(store)).rows).toEqual(plain(samples(8_000, 12_000)));
      });

      test("the newest stays even where there is no room for any", async () => {
        await reopen({ limits: { maxBytes: 1 } });
        for (let n = 0; n < 30; n += 10) {
          store.appendSamples(samples(n, n + 10));
          await store.flush();
          expect((await read(store)).rows).toEqual(plain(samples(n + 9, n + 10)));
        }
      });
    });

    const versions = async () => (await store.models({ limit: 1_000 })).map(({ version }) => version);

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
        expect((await store.champion())?.version).toBe(4);
        expect((await store.previousChampion())?.version).toBe(3);
      });

      test("of former champions the last ten are kept whatever comes", async () => {
        for (let i = 0; i < 20; i++) await store.insertModel(model({ status: "champion" }));
        for (let i = 0; i < 50; i++) await store.insertModel(model());
        expect((await versions()).slice(-12)).toEqual([21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
      });

      test("take a quarter of the store's bytes at most", async () => {
        await reopen({ limits: { maxBytes: 4_000_000 } });
        const files = { ...model().files, onnx: new Uint8Array(300_000) };
        for (let i = 0; i < 5; i++) await store.insertModel(model({ files }));
        expect(await versions()).toEqual([5, 4, 3]);
      });

      test("never get a version that was given before, also where the newest went at once", async () => {
        await reopen({ limits: { maxModels: 0 } });
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
        expect(await store.champion()).toBeNull();
        expect(await store.previousChampion()).toBeNull();
        await store.setModelStatus(1, "champion", 10);
        expect(await store.previousChampion()).toBeNull();
        await store.setModelStatus(2, "champion", 20);
        expect(await store.champion()).toMatchObject({ version: 2, statusAtMs: 20, promotedAtMs: 20 });
        expect(await store.previousChampion()).toMatchObject({
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
        expect(await store.champion()).toMatchObject({ version: 2, promotedAtMs: 4 });
        expect(await store.model(3)).toMatchObject({ status: "rejected", statusAtMs: 4 });
        expect((await store.previousChampion())?.version).toBe(1);
      });

      test("goes by the order of promotions, not by a clock that was set back", async () => {
        await store.setModelStatus(3, "champion", 900);
        await store.setModelStatus(1, "champion", 500);
        await store.setModelStatus(2, "champion", 100);
        expect((await store.previousChampion())?.version).toBe(1);
      });

      test("of the champion itself changes nothing", async () => {
        await store.setModelStatus(1, "champion", 10);
        await store.setModelStatus(1, "champion", 20);
        expect(await store.champion()).toMatchObject({ version: 1, promotedAtMs: 10 });
        expect(await store.previousChampion()).toBeNull();
      });

      test("of a model that is not there is refused, and the champion stays", async () => {
        await store.setModelStatus(1, "champion", 10);
        await expect(store.setModelStatus(9, "champion", 20)).rejects.toThrow("there is no model 9");
        expect((await store.champion())?.version).toBe(1);
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
        expect(await store.countSamples()).toBe(3);
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
        await reopen({ limits: { maxVerdicts: 10 } });
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
      expect(await store.note("state")).toBeNull();
      await store.setNote("state", { a: [1, null] });
      await store.setNote("other", "b");
      expect(await store.note("state")).toEqual({ a: [1, null] });
      await store.setNote("state", undefined);
      expect(await store.note("state")).toBeNull();
      expect(await store.note("other")).toBe("b");
    });

    test("a batch that the backend refuses is dropped and counted, and the next one is written", async () => {
      store.appendVerdict(verdict(1, { kind: null as never }));
      store.appendSamples(samples(0, 5));
      expect(await store.flush()).toBe(true);
      expect(store.status()).toMatchObject({ rowsDropped: 6, rowsWritten: 0, flushErrors: 1, problem: null });
      store.appendVerdict(verdict(2));
      await store.flush();
      expect(await store.verdicts({ limit: 10 })).toEqual([verdict(2)]);
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
        expect(await store.countSamples()).toBe(3);
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
        expect((await read(store)).rows).toEqual(plain(samples(4_000, 14_000)));
      });

      test("met while reading is told as well, and the reader hears of it", async () => {
        fail("unavailable");
        await expect(store.champion()).rejects.toMatchObject({ kind: "unavailable" });
        expect(store.status().problem?.kind).toBe("unavailable");
        expect(await store.champion()).toBeNull();
        expect(said.lines).toEqual(["degraded unavailable"]); // to be read is not to be written
        await time.pass(1_000);
        expect(said.lines).toEqual(["degraded unavailable", "recovered unavailable"]);
      });
    });

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
        const asked = store.countSamples().catch((error: StoreError) => error.message);
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
        await expect(store.setNote("a", 1)).rejects.toThrow("the store is closed");
      });
    });

    describe.skipIf(!durable)("others", () => {
      test("read what the owner wrote, while it writes", async () => {
        const reader = visit("read");
        let last = 0;
        for (let n = 0; n < 6_000; n += 1_000) {
          store.appendSamples(samples(n, n + 1_000));
          const [flushed, count] = await Promise.all([store.flush(), reader.countSamples()]);
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
        expect(await read(visit("read", ["first"]))).toMatchObject({ skipped: 10, rows: [] });
      });

      test("that train leave models between the owner's, each with a version of its own", async () => {
        const trainer = visit("write", ["first"]);
        expect(await trainer.insertModel(model())).toBe(1);
        expect(await store.insertModel(model())).toBe(2);
        expect(await trainer.insertModel(model())).toBe(3);
        expect(await versions()).toEqual([3, 2, 1]);
        expect(await trainer.modelFiles(2)).toEqual(model().files);
      });

      test("that read cannot write", async () => {
        await expect(visit("read").insertModel(model())).rejects.toMatchObject({ kind: "read_only" });
      });

      test("do not own what has an owner", async () => {
        await expect(open()).rejects.toMatchObject({ kind: "in_use" });
      });

      test("find all of it when the owner has gone", async () => {
        store.appendSamples(samples(0, 10));
        store.appendVerdict(verdict(1));
        await store.setNote("state", 7);
        await store.insertModel(model({ status: "champion" }));
        await store.close();
        const reader = visit("read");
        expect((await read(reader)).rows).toEqual(plain(samples(0, 10)));
        expect(await reader.verdicts({ limit: 1 })).toEqual([verdict(1)]);
        expect(await reader.note("state")).toBe(7);
        expect(await reader.champion()).toMatchObject({ version: 1 });
        store = await open();
        expect(await store.insertModel(model())).toBe(2);
      });
    });
  });
}
