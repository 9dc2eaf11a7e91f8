/** What happened, for others, and later: only where data outlives the backend. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { HistoryStore } from "../../../../../src/storage/history-store.ts";
import type { HistoryUnderTest } from "./history-under-test.ts";
import { ALWAYS, all, counts, event, gauge, metric, metrics, request, server } from "./rows.ts";

/** Defines these tests. */
export function durableHistoryContract(under: HistoryUnderTest): void {
  let store: HistoryStore;
  beforeEach(() => {
    ({ store } = under);
  });

  describe("others", () => {
    test("read what the owner wrote, while it writes, each transaction as a whole", async () => {
      const reader = under.visit();
      let last = 0;
      for (let n = 0; n < 3_000; n += 500) {
        store.appendMetrics(metrics(n, n + 500));
        const [flushed, seen] = await Promise.all([store.flush(), counts(reader)]);
        expect(flushed).toBe(true);
        expect(seen.length % 500).toBe(0);
        expect(seen.length).toBeGreaterThanOrEqual(last);
        last = seen.length;
      }
      expect(await counts(reader)).toEqual(metrics(0, 3_000));
      expect(await counts(reader, "hour")).toEqual(await counts(store, "hour"));
      expect(await reader.span("second")).toEqual(await store.span("second"));
    });

    test("find all of it when the owner has gone", async () => {
      store.appendMetrics([metric(0)]);
      store.appendRequests([request(0)]);
      store.appendGauges([gauge(0)]);
      store.appendEvents([event(0)]);
      await store.knowServers([server("a")]);
      await store.close();
      const reader = under.visit();
      expect(await counts(reader, "minute")).toEqual([metric(0)]);
      expect(await all(reader.requests(ALWAYS))).toEqual([request(0)]);
      expect(await all(reader.gauges(ALWAYS))).toEqual([gauge(0)]);
      expect(await reader.events({ ...ALWAYS, limit: 1 })).toMatchObject([event(0)]);
      expect((await reader.servers()).map(({ host }) => host)).toEqual(["a"]);
    });

    test("that are given the same second again after a restart have it once", async () => {
      store.appendMetrics(metrics(0, 3));
      await store.flush();
      store = await under.reopen();
      store.appendMetrics(metrics(1, 5));
      await store.flush();
      expect(await counts(store)).toEqual(metrics(0, 5));
      expect((await counts(store, "hour"))[0].requests).toBe(15);
    });

    test("of another name have counts of their own", async () => {
      store.appendMetrics([metric(0)]);
      store = await under.reopen({ instance: "two" });
      store.appendMetrics([metric(0, { requests: 7 })]);
      store.appendEvents([event(1)]);
      await store.flush();
      const of = async (instance?: string) =>
        (await counts(store, "hour", { instance })).map(({ requests }) => requests).sort();
      expect(await of("one")).toEqual([1]);
      expect(await of("two")).toEqual([7]);
      expect(await of()).toEqual([1, 7]);
      expect(await store.events({ ...ALWAYS, instance: "one", limit: 5 })).toEqual([]);
      expect(await store.events({ ...ALWAYS, instance: "two", limit: 5 })).toEqual([{ ...event(1), instance: "two" }]);
    });

    test("do not own what has an owner", async () => {
      await expect(under.open()).rejects.toMatchObject({ kind: "in_use" });
    });
  });
}
