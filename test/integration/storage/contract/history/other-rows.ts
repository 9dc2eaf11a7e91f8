/** Single requests, gauges and events. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { EventRow, GaugeRow, HistoryStore, RequestRow } from "../../../../../src/storage/history-store.ts";
import type { ManualTime } from "../../../../support/manual-time.ts";
import type { HistoryUnderTest } from "./history-under-test.ts";
import { ALWAYS, all, BEGAN_MS, event, gauge, metric, request, requests } from "./rows.ts";

const HOUR_MS = 3_600_000;

/** Defines these tests. */
export function otherRowsContract(under: HistoryUnderTest): void {
  let store: HistoryStore;
  let time: ManualTime;
  beforeEach(() => {
    ({ store, time } = under);
  });

  describe("requests", () => {
    test("come back as they were given, the oldest first, what is not known as NaN", async () => {
      store.appendRequests(requests(0, 7).toReversed());
      await store.flush();
      expect(await all(store.requests(ALWAYS))).toEqual(requests(0, 7));
    });

    test("are kept to the millisecond, and twice the same is once", async () => {
      store.appendRequests([request(1, { atMs: BEGAN_MS + 100.75 }), request(2)]);
      await store.flush();
      store.appendRequests([request(1), request(3)]);
      await store.flush();
      expect(await all(store.requests(ALWAYS))).toEqual(requests(1, 4));
    });

    test("are asked for by time, names and reason, and by how many", async () => {
      store.appendRequests([...requests(0, 9), request(9, { pool: "shop", route: "api", server: "b:80" })]);
      await store.flush();
      const ids = async (query: Parameters<HistoryStore["requests"]>[0]) =>
        (await all(store.requests(query))).map(({ requestId }) => Number(requestId.slice(3)));
      expect(await ids({ ...ALWAYS, pool: "shop" })).toEqual([9]);
      expect(await ids({ ...ALWAYS, route: "api" })).toEqual([9]);
      expect(await ids({ ...ALWAYS, server: "b:80" })).toEqual([9]);
      expect(await ids({ ...ALWAYS, instance: "two" })).toEqual([]);
      expect(await ids({ ...ALWAYS, reasons: ["failed"] })).toEqual([2, 5, 8]);
      expect(await ids({ ...ALWAYS, reasons: ["failed", "slow"], limit: 3 })).toEqual([1, 2, 4]);
      expect(await ids({ sinceMs: BEGAN_MS + 200, untilMs: BEGAN_MS + 500 })).toEqual([2, 3, 4]);
      expect(await ids({ ...ALWAYS, limit: 0 })).toEqual([]);
    });

    test("come in pages, also many of one moment", async () => {
      const given = Array.from({ length: 7_000 }, (_, n) => request(n, { atMs: BEGAN_MS + (n % 2), status: 200 }));
      store.appendRequests(given);
      await store.flush();
      const found = await all(store.requests(ALWAYS));
      expect(found.length).toBe(7_000);
      expect(new Set(found.map(({ requestId }) => requestId)).size).toBe(7_000);
      expect((await all(store.requests({ ...ALWAYS, limit: 6_000 }))).length).toBe(6_000);
    });

    test.each([
      ["a weight below 1", { weight: 0.5 }],
      ["an endless weight", { weight: Number.POSITIVE_INFINITY }],
      ["no duration", { durationMs: Number.NaN }],
      ["a status of four digits", { status: 1000 }],
      ["fewer in flight than none", { inFlight: -2 }],
      ["another reason", { reason: "whim" as never }],
      ["no time", { atMs: Number.NaN }],
    ] as [string, Partial<RequestRow>][])("with %s are dropped, and take no others with them", async (_, changed) => {
      store.appendRequests([request(1), request(2, changed), request(3)]);
      await store.flush();
      expect((await all(store.requests(ALWAYS))).map(({ path }) => path)).toEqual(["/1", "/3"]);
      expect(store.status()).toMatchObject({ rowsWritten: 2, rowsDropped: 1, problem: null });
    });

    test("with texts that cannot be kept are kept without what is wrong", async () => {
      store.appendRequests([request(1, { path: `/\0\ud800${"x".repeat(600)}`, requestId: "a\0b" })]);
      await store.flush();
      const [row] = await all(store.requests(ALWAYS));
      expect(row.requestId).toBe("a\ufffdb");
      expect(row.path).toStartWith("/\ufffd\ufffdxxx");
      expect(row.path.length).toBe(512);
    });

    if (!under.partitioned) {
      test("go after their time", async () => {
        store = await under.reopen({ limits: { detailMs: HOUR_MS } });
        store.appendRequests(requests(0, 3));
        await store.flush();
        await time.pass(2 * HOUR_MS);
        store.appendRequests([request(7, { atMs: BEGAN_MS + 2 * HOUR_MS })]);
        await store.flush();
        expect((await all(store.requests(ALWAYS))).map(({ path }) => path)).toEqual(["/7"]);
      });
    }
  });

  describe("gauges", () => {
    test("come back as they were given, by time and server", async () => {
      const given = [gauge(0), gauge(1), gauge(2, { server: "b:80", state: "ejected" })];
      store.appendGauges(given);
      await store.flush();
      store.appendGauges([gauge(1)]);
      await store.flush();
      expect(await all(store.gauges(ALWAYS))).toEqual(given);
      expect(await all(store.gauges({ ...ALWAYS, server: "b:80", route: "any" }))).toEqual(given.slice(2));
      expect(await all(store.gauges({ ...ALWAYS, untilMs: BEGAN_MS + 10_000 }))).toEqual(given.slice(0, 1));
    });

    test.each([
      ["a fraction in flight", { inFlight: 0.5 }],
      ["a weight that is no number", { weight: Number.NaN }],
      ["a negative percentage", { cpuPercent: -1 }],
    ] as [string, Partial<GaugeRow>][])("with %s are dropped", async (_, changed) => {
      store.appendGauges([gauge(1, changed), gauge(2)]);
      await store.flush();
      expect(await all(store.gauges(ALWAYS))).toEqual([gauge(2)]);
      expect(store.status()).toMatchObject({ rowsWritten: 1, rowsDropped: 1 });
    });
  });

  describe("events", () => {
    test("come back as they were given, the newest first, of one moment the last first", async () => {
      const given = [
        event(0),
        event(1, { detail: null }),
        event(1, { kind: "start", detail: ["a", { b: 1 }] }),
        event(2),
      ];
      store.appendEvents(given);
      await store.flush();
      const newest = given.toReversed().map((row) => ({ ...row, instance: "one" }));
      expect(await store.events({ ...ALWAYS, limit: 10 })).toEqual(newest);
      expect(await store.events({ ...ALWAYS, limit: 2 })).toEqual(newest.slice(0, 2));
    });

    test("are asked for by time, names and kinds", async () => {
      const given = [
        event(0),
        event(1, { kind: "ejection" }),
        event(2, { pool: "shop" }),
        event(3, { server: "b:80" }),
      ];
      store.appendEvents(given);
      await store.flush();
      const numbers = async (query: object) =>
        (await store.events({ ...ALWAYS, limit: 10, ...query })).map(({ atMs }) => atMs - BEGAN_MS);
      expect(await numbers({ kinds: ["ejection", "panic"] })).toEqual([1]);
      expect(await numbers({ pool: "shop" })).toEqual([2]);
      expect(await numbers({ server: "b:80", pool: "default" })).toEqual([3]);
      expect(await numbers({ instance: "two" })).toEqual([]);
      expect(await numbers({ sinceMs: BEGAN_MS + 1, untilMs: BEGAN_MS + 3 })).toEqual([2, 1]);
    });

    test("with details that JSON cannot say are kept without them", async () => {
      const circle: { self?: unknown } = {};
      circle.self = circle;
      store.appendEvents([event(1, { detail: circle }), event(2, { detail: undefined })]);
      store.appendEvents([event(0, { message: "\0", detail: { text: "a\0b\ud800" } })]);
      await store.flush();
      const [second, first, odd] = await store.events({ ...ALWAYS, limit: 10 });
      expect(first).toMatchObject({ message: "Number 1.", detail: { left_out: expect.any(String) } });
      expect(second.detail).toBeNull();
      expect(odd).toMatchObject({ message: "\ufffd", detail: { text: "a\ufffdb\ufffd" } });
    });

    test("of a kind that there is not are dropped", async () => {
      store.appendEvents([event(1, { kind: "party" as EventRow["kind"] }), event(2)]);
      await store.flush();
      expect(await store.events({ ...ALWAYS, limit: 10 })).toMatchObject([event(2)]);
      expect(store.status().rowsDropped).toBe(1);
    });
  });

  test("rows of all kinds go in one transaction", async () => {
    store.appendMetrics([metric(0)]);
    store.appendRequests([request(0)]);
    store.appendGauges([gauge(0)]);
    store.appendEvents([event(0)]);
    expect(await store.flush()).toBe(true);
    expect(under.faults.calls.filter((call) => call === "write").length).toBe(1);
    expect(store.status()).toMatchObject({ rowsWritten: 4, bufferedRows: 0 });
  });
}
