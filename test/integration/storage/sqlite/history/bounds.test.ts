/** How much of what happened is kept: by time and by size. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import type { HistoryLimits, HistoryStore } from "../../../../../src/storage/history-store.ts";
import { openHistoryStore } from "../../../../../src/storage/open-store.ts";
import { WIDE_LIMITS } from "../../../../support/memory-history.ts";
import { ALWAYS, all, BEGAN_MS, counts, event, gauge, metric, request } from "../../contract/history/rows.ts";
import { at, scratch } from "../../store-fixture.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

let directory: ReturnType<typeof scratch>;
let store: HistoryStore;
let nowMs: number;

beforeEach(() => {
  directory = scratch();
  nowMs = BEGAN_MS;
});

afterEach(async () => {
  await store.close();
  directory.remove();
});

async function open(limits: Partial<HistoryLimits>): Promise<void> {
  const options = { nowMs: () => nowMs, instance: "one", limits: { ...WIDE_LIMITS, ...limits }, lockWaitMs: 0 };
  store = await openHistoryStore(at(directory.path), options);
}

/** One of each kind, now. */
async function happen(): Promise<void> {
  store.appendMetrics([metric(0, { atMs: nowMs })]);
  store.appendRequests([request(0, { atMs: nowMs })]);
  store.appendGauges([gauge(0, { atMs: nowMs })]);
  store.appendEvents([event(0, { atMs: nowMs })]);
  expect(await store.flush()).toBe(true);
}

const size = () => statSync(`${directory.path}/history.db`).size;
const ages = (rows: readonly { readonly atMs: number }[], unitMs: number) =>
  rows.map(({ atMs }) => (nowMs - atMs) / unitMs);

describe("what is too old goes", () => {
  /** One of each kind every half a unit, for three units, ending now. */
  const live = async (unitMs: number) => {
    for (let i = 0; i <= 6; i++) {
      await happen();
      if (i < 6) nowMs += unitMs / 2;
    }
  };

  test("counts by the second, requests and gauges after detailMs", async () => {
    await open({ detailMs: HOUR_MS });
    await live(HOUR_MS);
    const kept = [1, 0.5, 0];
    expect(ages(await counts(store), HOUR_MS)).toEqual(kept);
    expect(ages(await all(store.requests(ALWAYS)), HOUR_MS)).toEqual(kept);
    expect(ages(await all(store.gauges(ALWAYS)), HOUR_MS)).toEqual(kept);
    expect((await counts(store, "minute")).length).toBe(7);
    expect((await counts(store, "hour")).length).toBe(4);
    expect((await store.events({ ...ALWAYS, limit: 10 })).length).toBe(7);
  });

  test("counts by the minute after minutesMs", async () => {
    await open({ minutesMs: DAY_MS });
    await live(DAY_MS);
    expect(ages(await counts(store, "minute"), DAY_MS)).toEqual([1, 0.5, 0]);
    expect((await counts(store)).length).toBe(7);
    expect((await counts(store, "hour")).length).toBe(7);
  });

  test("counts by the hour and events after hoursMs, and the names that nothing has any more", async () => {
    await open({ detailMs: DAY_MS, minutesMs: DAY_MS, hoursMs: DAY_MS });
    store.appendMetrics([metric(0, { route: "gone" })]);
    await store.knowServers([{ pool: "default", host: "gone", port: 80, weight: 1, capacity: 1 }]);
    await store.knowServers([]);
    await live(DAY_MS);
    expect(ages(await counts(store, "hour"), DAY_MS)).toEqual([1, 0.5, 0]);
    expect(ages(await store.events({ ...ALWAYS, limit: 10 }), DAY_MS)).toEqual([0, 0.5, 1]);
    expect(await store.servers()).toEqual([]);
    const { Database } = await import("bun:sqlite");
    const db = new Database(`${directory.path}/history.db`, { readonly: true });
    expect(db.query("SELECT count(*) AS n FROM series WHERE route = 'gone'").get()).toEqual({ n: 0 });
    db.close();
    // What a name stood for is not what it stands for now.
    store.appendMetrics([metric(0, { atMs: nowMs, route: "gone" })]);
    await store.flush();
    expect((await counts(store, "second", { route: "gone" })).length).toBe(1);
  });
});

describe("what is too much goes", () => {
  const servers = Array.from({ length: 40 }, (_, i) => `server-${i}:80`);
  const durations = Array.from({ length: 100 }, (_, i) => (i < 40 ? 0 : i));
  /** A second of a fleet at full speed. */
  const second = async (n: number) => {
    nowMs = BEGAN_MS + 1_000 * n;
    store.appendMetrics(servers.map((server) => metric(n, { server, durations })));
    store.appendRequests(
      Array.from({ length: 100 }, (_, i) => request(i, { atMs: nowMs + i, requestId: `${n}-${i}` })),
    );
    expect(await store.flush()).toBe(true);
  };

  test("the file stays within maxBytes while it is written at full speed, the newest is there, and minutes stay longer", async () => {
    const maxBytes = 4 * 1024 * 1024;
    await open({ maxBytes });
    const [from, seconds] = [0, 900];
    for (let n = from; n < seconds; n++) {
      await second(n);
      if (n % 50 === 0) expect(size()).toBeLessThanOrEqual(maxBytes);
    }
    expect(size()).toBeLessThanOrEqual(maxBytes);
    expect(size()).toBeGreaterThan(maxBytes / 2);
    expect(store.status().bytes).toBe(size());
    expect(statSync(`${directory.path}/history.db-wal`).size).toBeLessThanOrEqual(8 * 1024 * 1024);
    const last = await counts(store, "second", { sinceMs: nowMs });
    expect(last.length).toBe(servers.length);
    const span = await store.span("second");
    expect(span.oldestMs).toBeGreaterThan(BEGAN_MS + 60_000);
    const hours = await counts(store, "hour");
    const handed = Array.from({ length: seconds }, (_, n) => n + 1).reduce((a, b) => a + b, 0) * servers.length;
    expect(hours.reduce((sum, { requests }) => sum + requests, 0)).toBe(handed);
    expect((await counts(store, "minute")).reduce((sum, { requests }) => sum + requests, 0)).toBe(handed);
  }, 120_000);

  test("a limit that was lowered is reached in steps, and the file gets smaller", async () => {
    await open({});
    for (let n = 0; n < 300; n++) await second(n);
    await store.close();
    const before = size();
    const maxBytes = 1024 * 1024;
    expect(before).toBeGreaterThan(2 * maxBytes);
    await open({ maxBytes });
    const tries = 60;
    for (let n = 300; n < 300 + tries && size() > maxBytes; n++) await second(n);
    expect(size()).toBeLessThanOrEqual(maxBytes);
    expect((await counts(store, "hour")).length).toBe(servers.length);
  }, 120_000);

  test("hours go last, and events before them, where there is room for nothing else", async () => {
    await open({ maxBytes: 1 });
    for (let n = 0; n < 5; n++) {
      await second(n);
      store.appendEvents([event(n, { atMs: nowMs })]);
      await store.flush();
    }
    expect(await counts(store)).toEqual([]);
    expect(await all(store.requests(ALWAYS))).toEqual([]);
    expect(store.status()).toMatchObject({ problem: null, bufferedRows: 0 });
  });
});
