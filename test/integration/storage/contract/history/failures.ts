/** A backend of what happened that fails, loses answers, or is not there yet. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { HistoryStore } from "../../../../../src/storage/history-store.ts";
import { StoreError } from "../../../../../src/storage/store-error.ts";
import type { ManualTime } from "../../../../support/manual-time.ts";
import type { Faults } from "../../../../support/stores/faulty-backend.ts";
import type { Said } from "../../store-fixture.ts";
import type { HistoryUnderTest } from "./history-under-test.ts";
import { ALWAYS, all, BEGAN_MS, counts, event, gauge, metric, metrics, request, requests, server } from "./rows.ts";

/** Defines these tests. */
export function historyFailureContract(under: HistoryUnderTest): void {
  let store: HistoryStore;
  let time: ManualTime;
  let faults: Faults;
  let said: Said;
  const failure = () => new StoreError("unavailable", "made to fail");
  const total = async (resolution: "second" | "minute" | "hour" = "second") =>
    (await counts(store, resolution)).reduce((sum, { requests: n }) => sum + n, 0);
  beforeEach(() => {
    ({ store, time, faults, said } = under);
  });

  test("rows of all kinds wait while it lasts, and all are there when it is over", async () => {
    for (let i = 0; i < 4; i++) faults.errors.push(failure());
    for (let n = 0; n < 30; n++) {
      store.appendMetrics([metric(n)]);
      store.appendRequests([request(n)]);
      store.appendGauges([gauge(n)]);
      store.appendEvents([event(n)]);
      await time.pass(1_000);
    }
    await time.pass(60_000);
    expect(said.lines).toEqual(["degraded unavailable", "recovered unavailable"]);
    expect(await counts(store)).toEqual(metrics(0, 30));
    expect((await counts(store, "hour"))[0].requests).toBe((30 * 31) / 2);
    expect(await all(store.requests(ALWAYS))).toEqual(requests(0, 30));
    expect((await all(store.gauges(ALWAYS))).length).toBe(30);
    expect((await store.events({ ...ALWAYS, limit: 100 })).length).toBe(30);
    expect(store.status()).toMatchObject({ bufferedRows: 0, rowsWritten: 120, rowsDropped: 0, problem: null });
  });

  test("a history that could not be opened is tried again, and has all that came meanwhile", async () => {
    await store.close();
    said.lines.length = 0;
    store = await under.open({ failure: new StoreError("in_use", "another has it") });
    store.appendMetrics(metrics(0, 3));
    expect(store.status()).toMatchObject({ bufferedRows: 3, problem: { kind: "in_use", message: "another has it" } });
    expect(said.lines).toEqual(["degraded in_use"]);
    if (under.durable && !under.remote) {
      await time.pass(1_000);
      expect(said.lines).toEqual(["degraded in_use", "recovered in_use"]);
      expect(await counts(store)).toEqual(metrics(0, 3));
    }
  });

  test("counts that wait for too long become coarser before any is lost", async () => {
    for (let i = 0; i < 400; i++) faults.errors.push(failure());
    // Two hours of a fleet of which each second has twenty rows.
    const servers = Array.from({ length: 20 }, (_, i) => `s${i}:80`);
    let handed = 0;
    for (let n = 0; n < 7_200; n++) {
      store.appendMetrics(servers.map((name) => metric(n, { server: name, requests: 1 })));
      handed += servers.length;
      if (n % 600 === 0) await store.flush();
    }
    expect(store.status()).toMatchObject({ rowsDropped: 0 });
    expect(store.status().bufferedRows).toBeLessThanOrEqual(100_000);
    faults.errors.length = 0;
    expect(await store.flush()).toBe(true);
    expect(await total()).toBe(handed);
    expect(await total("minute")).toBe(handed);
    expect(await total("hour")).toBe(handed);
    const minutes = await counts(store, "minute", { server: "s3:80" });
    expect(minutes.map(({ requests: n }) => n)).toEqual(new Array(120).fill(60));
    expect(minutes.map(({ atMs }) => (atMs - BEGAN_MS) / 60_000)).toEqual(Array.from({ length: 120 }, (_, n) => n));
  }, 120_000);

  test("what becomes coarser in the midst of a minute adds to what was written of it before", async () => {
    const keys = Array.from({ length: 2_500 }, (_, i) => ({ server: `s${i}:80`, requests: 1 }));
    const seconds = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) => keys.map((key) => metric(from + n, key))).flat();
    store.appendMetrics(seconds(0, 10));
    expect(await store.flush()).toBe(true);
    for (let i = 0; i < 20; i++) faults.errors.push(failure());
    store.appendMetrics(seconds(10, 12));
    await store.flush(); // a batch of these is put back, and comes again by itself
    for (let n = 12; n < 58; n++) store.appendMetrics(seconds(n, n + 1));
    expect(store.status()).toMatchObject({ rowsDropped: 0 });
    expect(store.status().bufferedRows).toBeLessThan(46 * keys.length);
    faults.errors.length = 0;
    expect(await store.flush()).toBe(true);
    store.appendMetrics(seconds(58, 60));
    expect(await store.flush()).toBe(true);
    for (const resolution of ["second", "minute", "hour"] as const) {
      expect(await total(resolution)).toBe(60 * keys.length);
    }
  }, 120_000);

  test("rows that may have been written by the process before are not lost in a coarser one, nor twice in it", async () => {
    const written = metrics(0, 20);
    store.appendMetrics(written);
    await store.flush();
    // Its successor cannot ask the store what it has.
    for (let i = 0; i < 400; i++) faults.errors.push(failure());
    const others = Array.from({ length: 2_000 }, (_, i) => ({ server: `s${i}:80`, requests: 1 }));
    store.appendMetrics(metrics(10, 30, { again: true }));
    store.appendMetrics(metrics(30, 60));
    for (let n = 0; n < 55; n++) store.appendMetrics(others.map((key) => metric(n, key)));
    expect(store.status()).toMatchObject({ rowsDropped: 0 });
    expect(store.status().bufferedRows).toBeLessThan(100_000);
    faults.errors.length = 0;
    expect(await store.flush()).toBe(true);
    expect((await counts(store, "minute", { server: "a:80" })).map(({ requests: n }) => n)).toEqual([(60 * 61) / 2]);
    expect((await counts(store, "second", { server: "a:80" })).reduce((n, row) => n + row.requests, 0)).toBe(1_830);
  }, 120_000);

  test("a change that fails is told, and costs no rows", async () => {
    faults.errors.push(failure());
    store.appendEvents([event(1)]);
    await expect(store.knowServers([server("a")])).rejects.toMatchObject({ kind: "unavailable" });
    await time.pass(1_000);
    expect(await store.servers()).toEqual([]);
    expect(await store.events({ ...ALWAYS, limit: 10 })).toMatchObject([event(1)]);
  });

  test("what failed is tried again as it was, and what came since waits behind it", async () => {
    faults.errors.push(failure());
    store.appendEvents([event(1)]);
    await store.flush();
    store.appendEvents([event(2)]);
    store.appendRequests([request(2)]);
    expect(await store.flush()).toBe(true);
    expect(faults.calls).toEqual(["open", "write", "mend", "write", "write"]);
    expect(await store.events({ ...ALWAYS, limit: 10 })).toMatchObject([event(2), event(1)]);
  });

  if (under.remote) {
    test("a lost answer doubles nothing, of no kind", async () => {
      faults.lostAnswers.push(failure(), failure());
      store.appendMetrics(metrics(0, 5));
      store.appendRequests(requests(0, 5));
      store.appendEvents([event(1), event(2)]);
      await store.flush();
      store.appendMetrics(metrics(5, 7));
      store.appendEvents([event(3)]);
      await time.pass(60_000);
      expect(store.status()).toMatchObject({ bufferedRows: 0, problem: null, rowsDropped: 0 });
      expect(await counts(store)).toEqual(metrics(0, 7));
      expect(await total("hour")).toBe(28);
      expect(await all(store.requests(ALWAYS))).toEqual(requests(0, 5));
      expect(await store.events({ ...ALWAYS, limit: 10 })).toMatchObject([event(3), event(2), event(1)]);
    });

    test("a lost answer to a change: it is done again, and no row is doubled", async () => {
      faults.lostAnswers.push(failure());
      store.appendEvents([event(1)]);
      await expect(store.knowServers([server("a")])).rejects.toMatchObject({ kind: "unavailable" });
      const { rows } = await store.knowServers([server("a"), server("b")]);
      expect(rows.map(({ host, removedAtMs }) => [host, removedAtMs])).toEqual([
        ["a", null],
        ["b", null],
      ]);
      expect(await store.events({ ...ALWAYS, limit: 10 })).toMatchObject([event(1)]);
    });
  }

  describe("the end", () => {
    test("writes what is left, and takes nothing more", async () => {
      store.appendMetrics(metrics(0, 1_500));
      await store.close();
      expect(store.status()).toMatchObject({ bufferedRows: 0, rowsWritten: 1_500 });
      store.appendEvents([event(1)]);
      expect(store.status().rowsDropped).toBe(1);
      await expect(store.servers()).rejects.toThrow("closed");
      await expect(store.knowServers([])).rejects.toThrow("closed");
    });
  });
}
