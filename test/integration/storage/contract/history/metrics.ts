/** Counts by the second, and what they add up to. */
import { beforeEach, describe, expect, test } from "bun:test";
import { historyBucketCount } from "../../../../../src/shared/history-buckets.ts";
import type { HistoryStore, MetricRow } from "../../../../../src/storage/history-store.ts";
import type { ManualTime } from "../../../../support/manual-time.ts";
import type { HistoryUnderTest } from "./history-under-test.ts";
import { BEGAN_MS, counts, metric, metrics } from "./rows.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What rows add up to. */
function sum(rows: readonly MetricRow[], atMs: number): MetricRow {
  const total = (of: (row: MetricRow) => number) => rows.reduce((n, row) => n + of(row), 0);
  const longest = Math.max(...rows.map(({ durations }) => durations.length));
  return {
    ...rows[0],
    atMs,
    requests: total(({ requests }) => requests),
    failures: total(({ failures }) => failures),
    retries: total(({ retries }) => retries),
    durationSumMs: total(({ durationSumMs }) => durationSumMs),
    waitSumMs: total(({ waitSumMs }) => waitSumMs),
    waited: total(({ waited }) => waited),
    responseBytes: total(({ responseBytes }) => responseBytes),
    durations: Array.from({ length: longest }, (_, i) => total(({ durations }) => durations[i] ?? 0)),
  };
}

/** Defines these tests. */
export function metricContract(under: HistoryUnderTest): void {
  let store: HistoryStore;
  let time: ManualTime;
  beforeEach(() => {
    ({ store, time } = under);
  });

  describe("counts", () => {
    test("come back as they were given, in the order of time", async () => {
      const given = metrics(1, 5);
      store.appendMetrics(given.toReversed());
      expect(await store.flush()).toBe(true);
      expect(await counts(store)).toEqual(given);
      expect(store.status()).toMatchObject({
        durable: under.durable,
        problem: null,
        bufferedRows: 0,
        rowsWritten: 4,
        rowsDropped: 0,
        flushErrors: 0,
      });
      const span = { oldestMs: BEGAN_MS + 1_000, newestMs: BEGAN_MS + 4_000 };
      expect(await store.span("second")).toEqual(span);
      expect(await store.span("hour")).toEqual({ oldestMs: BEGAN_MS, newestMs: BEGAN_MS });
    });

    test("of nothing: no page, no span", async () => {
      expect(await counts(store)).toEqual([]);
      expect(await store.span("minute")).toEqual({ oldestMs: null, newestMs: null });
    });

    test("keep large numbers, whole histograms and none", async () => {
      const durations = Array.from({ length: historyBucketCount }, (_, i) => (i % 7 === 0 ? 0 : i * 1_000));
      durations[historyBucketCount - 1] = 2_000_000_000;
      const given = [metric(1, { durations, responseBytes: 2 ** 45 }), metric(2, { durations: [] })];
      store.appendMetrics(given);
      await store.flush();
      expect(await counts(store)).toEqual(given);
      store.appendMetrics([metric(3, { durations: [1, 0, 0], responseBytes: 2 ** 44 })]);
      await store.flush();
      expect((await counts(store)).at(-1)?.durations).toEqual([1]);
      expect((await counts(store, "minute"))[0].responseBytes).toBe(2 ** 45 + 2_000 + 2 ** 44);
    });

    test("add up to minutes and hours, whatever transactions they come in", async () => {
      const given = metrics(0, 150);
      for (let n = 0; n < 150; n += 40) {
        store.appendMetrics(given.slice(n, n + 40));
        await store.flush();
      }
      const minutes = [given.slice(0, 60), given.slice(60, 120), given.slice(120)];
      expect(await counts(store, "minute")).toEqual(minutes.map((rows, i) => sum(rows, BEGAN_MS + i * MINUTE_MS)));
      expect(await counts(store, "hour")).toEqual([sum(given, BEGAN_MS)]);
      const next = metric(0, { atMs: BEGAN_MS + HOUR_MS });
      store.appendMetrics([next]);
      await store.flush();
      expect(await counts(store, "hour")).toEqual([sum(given, BEGAN_MS), next]);
    });

    test("that are there already stay as they were, and count once", async () => {
      store.appendMetrics(metrics(0, 3));
      await store.flush();
      store.appendMetrics([metric(1), metric(2, { requests: 999 }), metric(3)]);
      store.appendMetrics([metric(3)]);
      await store.flush();
      expect(await counts(store)).toEqual(metrics(0, 4));
      expect(await counts(store, "minute")).toEqual([sum(metrics(0, 4), BEGAN_MS)]);
      expect(await counts(store, "hour")).toEqual([sum(metrics(0, 4), BEGAN_MS)]);
    });

    test("of a second that comes twice are two rows, of which both count", async () => {
      const given = [metric(0), metric(1), metric(1, { atMs: BEGAN_MS + 1_001, requests: 40 }), metric(2)];
      store.appendMetrics(given);
      await store.flush();
      expect(store.status()).toMatchObject({ rowsWritten: 4, rowsDropped: 0 });
      expect(await counts(store)).toEqual(given);
      expect(await counts(store, "minute")).toEqual([sum(given, BEGAN_MS)]);
      expect(await counts(store, "hour")).toEqual([sum(given, BEGAN_MS)]);
    });

    test("of other keys are other counts", async () => {
      const keys: Partial<MetricRow>[] = [
        { address: "10.0.0.2" },
        { pool: "shop" },
        { route: "api" },
        { server: "b:80" },
        { server: "", address: "" },
        { statusClass: 5 },
      ];
      const given = [metric(0), ...keys.map((key, i) => metric(0, { ...key, requests: i + 10 }))];
      store.appendMetrics(given);
      await store.flush();
      const byRequests = (rows: readonly MetricRow[]) => rows.toSorted((a, b) => a.requests - b.requests);
      expect(byRequests(await counts(store))).toEqual(given);
      expect(byRequests(await counts(store, "hour"))).toEqual(given.map((row) => ({ ...row, atMs: BEGAN_MS })));
      const only = async (query: Parameters<typeof counts>[2]) =>
        byRequests(await counts(store, "minute", query)).map(({ requests }) => requests);
      expect(await only({ pool: "shop" })).toEqual([11]);
      expect(await only({ route: "api" })).toEqual([12]);
      expect(await only({ server: "b:80" })).toEqual([13]);
      expect(await only({ server: "" })).toEqual([14]);
      expect(await only({ pool: "default", server: "a:80" })).toEqual([1, 10, 12, 15]);
      expect(await only({ pool: "none" })).toEqual([]);
      expect(await only({ instance: "one", route: "api" })).toEqual([12]);
      expect(await only({ instance: "two" })).toEqual([]);
    });

    test("are read from a moment on and before another", async () => {
      store.appendMetrics(metrics(0, 10));
      await store.flush();
      const query = { sinceMs: BEGAN_MS + 2_000, untilMs: BEGAN_MS + 5_000 };
      expect(await counts(store, "second", query)).toEqual(metrics(2, 5));
      expect(await counts(store, "second", { ...query, untilMs: query.sinceMs })).toEqual([]);
    });

    test("come in pages of a bounded size", async () => {
      const keys = ["a:80", "b:80", "c:80"];
      const given = Array.from({ length: 12_000 }, (_, n) => metric(Math.floor(n / 3), { server: keys[n % 3] }));
      store.appendMetrics(given);
      await store.flush();
      const sizes: number[] = [];
      const seen: MetricRow[] = [];
      for await (const page of store.metrics({ sinceMs: 0, untilMs: 8e15, resolution: "second" })) {
        sizes.push(page.length);
        seen.push(...page);
      }
      expect(sizes.length).toBeGreaterThan(1);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(5_000);
      const sorted = (rows: readonly MetricRow[]) =>
        rows.toSorted((a, b) => a.atMs - b.atMs || (a.server < b.server ? -1 : 1));
      expect(sorted(seen)).toEqual(given);
      expect(seen.every(({ atMs }, i) => i === 0 || atMs >= seen[i - 1].atMs)).toBe(true);
    });

    test.each([
      ["a moment within a millisecond", { atMs: BEGAN_MS + 1.5 }],
      ["a fraction of a request", { requests: 1.5 }],
      ["a negative count", { failures: -1 }],
      ["a sum that is no number", { durationSumMs: Number.NaN }],
      ["an endless sum", { waitSumMs: Number.POSITIVE_INFINITY }],
      ["more bytes than can be counted", { responseBytes: 2 ** 60 }],
      ["a class that there is not", { statusClass: 0 }],
      ["too many buckets", { durations: new Array(historyBucketCount + 1).fill(1) }],
      ["a bucket that is no number", { durations: [1, Number.NaN] }],
    ] as [string, Partial<MetricRow>][])("with %s are dropped, and take no others with them", async (_, changed) => {
      store.appendMetrics([metric(1), metric(2, changed), metric(3)]);
      await store.flush();
      expect(await counts(store)).toEqual([metric(1), metric(3)]);
      expect(store.status()).toMatchObject({ rowsWritten: 2, rowsDropped: 1, problem: null });
    });

    test("are copied when they are handed over: the caller may use its array again", async () => {
      const durations = [1, 2, 3];
      store.appendMetrics([metric(1, { durations })]);
      durations.fill(9);
      await store.flush();
      expect((await counts(store))[0].durations).toEqual([1, 2, 3]);
    });

    test("wait in memory until they are flushed, by themselves within about a second", async () => {
      store.appendMetrics(metrics(0, 3));
      await time.pass(999);
      expect(store.status().bufferedRows).toBe(3);
      await time.pass(1);
      expect(store.status().bufferedRows).toBe(0);
      expect(await counts(store)).toEqual(metrics(0, 3));
    });
  });

  if (under.partitioned) return; // it has a test of its own of when partitions go

  describe("of counts", () => {
    test("each step is kept for as long as it is told to be", async () => {
      const limits = { detailMs: 60_000, minutesMs: 2 * HOUR_MS, hoursMs: 5 * HOUR_MS };
      store = await under.reopen({ limits });
      store.appendMetrics([metric(0), metric(70), metric(100)]);
      await store.flush();
      await time.pass(120_000);
      store.appendMetrics([metric(120)]);
      await store.flush();
      expect(await counts(store)).toEqual([metric(70), metric(100), metric(120)]);
      expect((await counts(store, "minute")).length).toBe(3);
      await time.pass(3 * HOUR_MS);
      const late = metric(0, { atMs: BEGAN_MS + 3 * HOUR_MS + 120_000 });
      store.appendMetrics([late]);
      await store.flush();
      expect(await counts(store, "second")).toEqual([late]);
      expect(await counts(store, "minute")).toEqual([late]);
      expect((await counts(store, "hour")).length).toBe(2);
      await time.pass(4 * HOUR_MS);
      store.appendMetrics([metric(0, { atMs: BEGAN_MS + 7 * HOUR_MS + 120_000 })]);
      await store.flush();
      const hours = (await counts(store, "hour")).map(({ atMs }) => (atMs - BEGAN_MS) / HOUR_MS);
      expect(hours).toEqual([3, 7]);
    });
  });
}
