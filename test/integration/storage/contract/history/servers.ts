/** Servers, and what somebody set in the store for them. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { HistoryStore, ServerRow } from "../../../../../src/storage/history-store.ts";
import type { ManualTime } from "../../../../support/manual-time.ts";
import type { HistoryUnderTest } from "./history-under-test.ts";
import { BEGAN_MS, server } from "./rows.ts";

/** Defines these tests. */
export function serverContract(under: HistoryUnderTest): void {
  let store: HistoryStore;
  let time: ManualTime;
  beforeEach(() => {
    ({ store, time } = under);
  });

  describe("servers", () => {
    test("are known from when they were first seen, marked when they are gone, and known again", async () => {
      expect(await store.servers()).toEqual([]);
      const { rows, undone } = await store.knowServers([server("a"), server("b", { weight: 3, capacity: 20 })]);
      const a = {
        pool: "default",
        host: "a",
        port: 80,
        weight: null,
        capacity: null,
        configuredWeight: 1,
        configuredCapacity: 10,
        firstSeenMs: BEGAN_MS,
        lastSeenMs: BEGAN_MS,
        removedAtMs: null,
      };
      expect(undone).toEqual([]);
      expect(rows).toEqual([a, { ...a, host: "b", configuredWeight: 3, configuredCapacity: 20 }]);
      expect(await store.servers()).toEqual(rows);
      await time.pass(1_000);
      const gone = (await store.knowServers([server("b")])).rows;
      expect(gone[0]).toEqual({ ...a, removedAtMs: BEGAN_MS + 1_000 });
      expect(gone[1]).toMatchObject({
        host: "b",
        configuredWeight: 1,
        lastSeenMs: BEGAN_MS + 1_000,
        removedAtMs: null,
      });
      await time.pass(1_000);
      await store.knowServers([server("b")]);
      expect((await store.servers())[0].removedAtMs).toBe(BEGAN_MS + 1_000);
      await store.knowServers([server("a"), server("b")]);
      expect((await store.servers())[0]).toEqual({ ...a, lastSeenMs: BEGAN_MS + 2_000 });
    });

    test("are unique by pool, host and port", async () => {
      const given = [server("a"), server("a", { port: 81 }), server("a", { pool: "shop" })];
      await store.knowServers(given);
      await store.knowServers(given);
      const rows = await store.servers();
      expect(rows.map(({ pool, host, port }) => `${pool} ${host} ${port}`)).toEqual([
        "default a 80",
        "default a 81",
        "shop a 80",
      ]);
    });

    test("are known in the transaction of rows that wait", async () => {
      store.appendEvents([]);
      await store.knowServers([server("a")]);
      expect(under.faults.calls).toEqual(["open", "write"]);
    });
  });

  if (!under.durable) return; // nobody else can set anything
  describe("overrides", () => {
    beforeEach(async () => {
      await store.knowServers([server("a"), server("b")]);
    });

    test("are never touched while the configuration says the same", async () => {
      await under.place.history.override("a", { weight: 7, capacity: 30 });
      const { rows, undone } = await store.knowServers([server("a"), server("b")]);
      expect(undone).toEqual([]);
      expect(rows[0]).toMatchObject({
        host: "a",
        weight: 7,
        capacity: 30,
        configuredWeight: 1,
        configuredCapacity: 10,
      });
      expect(rows[1]).toMatchObject({ host: "b", weight: null, capacity: null });
    });

    test("lose to a configured value that has changed since, each for itself, and are told", async () => {
      await under.place.history.override("a", { weight: 7, capacity: 30 });
      const changed = await store.knowServers([server("a", { weight: 2 }), server("b", { weight: 5 })]);
      expect(changed.undone).toEqual([
        expect.objectContaining({ host: "a", weight: 7, capacity: 30, configuredWeight: 1, configuredCapacity: 10 }),
      ]);
      expect(changed.rows[0]).toMatchObject({ weight: null, capacity: 30, configuredWeight: 2 });
      expect((await store.knowServers([server("a", { weight: 2 }), server("b", { weight: 5 })])).undone).toEqual([]);
    });

    test("are refused where they are set when they are no finite number", async () => {
      const override = async (set: Partial<ServerRow>) => under.place.history.override("a", set);
      await expect(override({ weight: Number.POSITIVE_INFINITY })).rejects.toThrow(/check constraint/i);
      await expect(override({ capacity: Number.NEGATIVE_INFINITY })).rejects.toThrow(/check constraint/i);
      expect((await store.servers())[0]).toMatchObject({ weight: null, capacity: null });
    });

    test("survive that their server is gone for a while", async () => {
      await under.place.history.override("a", { weight: 7 });
      await store.knowServers([server("b")]);
      const { rows, undone } = await store.knowServers([server("a"), server("b")]);
      expect(undone).toEqual([]);
      expect(rows[0]).toMatchObject({ host: "a", weight: 7, removedAtMs: null });
    });
  });
}
