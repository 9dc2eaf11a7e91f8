/** Pools that come, stay and go while the instance runs. */
import { afterEach, describe, expect, test } from "bun:test";
import { Fleets, type PoolPlan } from "../../../../src/control/fleet/fleets.ts";
import { PoolRows } from "../../../../src/control/fleet/pool-rows.ts";
import { FleetTable } from "../../../../src/control/fleet/table.ts";
import {
  MAX_POOLS,
  ServerState,
  SHARED_BYTES,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { readReadiness } from "../../../../src/shared/memory/readiness.ts";
import type { ServerSpec } from "../../../../src/shared/server-spec.ts";
import { turn } from "../../../support/turn.ts";
import { DRAINED, fleetOptions, host, quietLog } from "../../../unit/control/fleet/fixtures.ts";
import { Backend, eventually } from "./fixtures.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

type Wanted = Readonly<Record<string, readonly ServerSpec[]>>;

function makeFleets() {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const log = quietLog();
  const rows = new PoolRows();
  let skewMs = 0;
  const fleets = new Fleets({
    table: new FleetTable(memory),
    rows,
    log,
    clock: { nowMs: () => performance.now() + skewMs, wallMs: () => Date.now() },
    random: () => 0,
    resolver: { lookup: () => Promise.reject(new Error("ENOTFOUND")), srv: () => Promise.reject(new Error("no")) },
  });
  cleanups.push(() => fleets.stop());
  const plansOf = (wanted: Wanted, more: Partial<PoolPlan["options"]> = {}): PoolPlan[] => {
    const placed = rows.plan(Object.keys(wanted));
    return Object.entries(wanted).map(([name, servers]) => ({
      name,
      row: placed.get(name)!,
      options: fleetOptions(servers, more),
    }));
  };
  return {
    memory,
    log,
    rows,
    fleets,
    plansOf,
    skip: (ms: number) => {
      skewMs += ms;
    },
    /** Takes these pools over, and lets the workers know at once. */
    change: async (wanted: Wanted) => {
      await fleets.update(plansOf(wanted));
      fleets.settle(Promise.resolve());
      await turn();
    },
    shown: () => [...fleets.statuses()].map(({ id, pool, state }) => `${id} ${pool} ${state}`),
  };
}

const [A, B, C] = [1, 2, 3].map((n) => host(`127.0.0.${n}`, 9));

describe("pools", () => {
  test("stay by their name with servers and rows, whatever comes and goes beside them", async () => {
    const { fleets, plansOf, change, shown, rows } = makeFleets();
    await fleets.start(plansOf({ default: [A], shop: [A, B] }));
    fleets.setWeight(3, 7);
    await change({ blog: [C], shop: [B, A] });
    expect(shown()).toEqual(["1 default draining", "2 shop up", "3 shop up", "4 blog up"]);
    expect(fleets.pools().map(({ name, row }) => [name, row])).toEqual([
      ["blog", 2],
      ["shop", 1],
    ]);
    expect(fleets.server(3)).toMatchObject({ pool: "shop", weight: 7 });
    expect(rows.plan(["x"]).get("x")).toBe(3); // default still has its row
  });

  test("one that goes drains to the last request, and gives its row and slots back then", async () => {
    const { fleets, plansOf, change, shown, skip, memory, rows, log } = makeFleets();
    await fleets.start(plansOf({ default: [A], shop: [B] }));
    Atomics.add(memory.servers.inFlight, 1, 1);
    await change({ default: [A] });
    skip(5_000);
    await eventually(() => expect(shown()).toEqual(["1 default up", "2 shop draining"]));
    expect(rows.plan(["x"]).get("x")).toBe(2);
    Atomics.sub(memory.servers.inFlight, 1, 1);
    await eventually(() => expect(rows.plan(["x"]).get("x")).toBe(1));
    expect(shown()).toEqual(["1 default up"]);
    expect([memory.servers.id[1], memory.servers.state[1]]).toEqual([0, ServerState.EMPTY]);
    expect(fleets.several).toBe(false);
    expect([fleets.poolOf(2), fleets.poolOf(1), fleets.poolOf(9)]).toEqual(["shop", "default", undefined]);
    expect(log.lines).toContain("info pool shop is gone: its last server has drained");
  });

  test("one that comes back while it drains has its servers as they were", async () => {
    const { fleets, plansOf, change, shown, skip } = makeFleets();
    await fleets.start(plansOf({ default: [A], shop: [B] }));
    await change({ default: [A] });
    expect(shown()).toEqual(["1 default up", "2 shop draining"]);
    await change({ default: [A], shop: [B] });
    skip(5_000);
    await eventually(() => expect(shown()).toEqual(["1 default up", "2 shop up"]));
  });

  test("take requests until all workers know what is there instead", async () => {
    const { fleets, plansOf, shown, memory } = makeFleets();
    await fleets.start(plansOf({ default: [A], shop: [B] }));
    await fleets.update(plansOf({ default: [C], blog: [B] }));
    expect(shown()).toEqual(["1 default up", "3 default up", "2 shop up", "4 blog up"]);
    const { promise, resolve } = Promise.withResolvers<void>();
    fleets.settle(promise);
    await turn();
    expect([0, 1, 2, 3].map((slot) => memory.servers.state[slot])).toEqual([1, 1, 1, 1]);
    resolve();
    await eventually(() =>
      expect(shown()).toEqual(["1 default draining", "3 default up", "2 shop draining", "4 blog up"]),
    );
  });

  test("that came back and went again wait for the workers to know of the second time", async () => {
    const { fleets, plansOf, shown } = makeFleets();
    await fleets.start(plansOf({ default: [A], shop: [B] }));
    const told = [0, 1, 2].map(() => Promise.withResolvers<void>());
    const next = async (wanted: Wanted, { promise }: { promise: Promise<void> }): Promise<void> => {
      await fleets.update(plansOf(wanted));
      fleets.settle(promise);
    };
    await next({ default: [C] }, told[0]);
    await next({ default: [A], shop: [B] }, told[1]);
    await next({ default: [C] }, told[2]);
    expect(shown()).toEqual(["1 default up", "3 default up", "2 shop up"]);
    told[0].resolve();
    told[1].resolve();
    await turn();
    await turn();
    expect(shown()).toEqual(["1 default draining", "3 default up", "2 shop up"]); // the third server is known by now
    told[2].resolve();
    await eventually(() => expect(shown()).toEqual(["1 default draining", "3 default up", "2 shop draining"]));
  });

  test("are told of together: who listens hears nothing while a configuration is taken over", async () => {
    const { fleets, plansOf, skip } = makeFleets();
    await fleets.start(plansOf({ default: [A] }));
    const heard: string[][] = [];
    fleets.onEndpoints((endpoints) => void heard.push(endpoints.map(({ id, pool }) => `${id} in ${pool}`)));
    await fleets.update(plansOf({ default: [B], shop: [C] }));
    expect(heard).toEqual([]);
    expect(fleets.endpoints().map(({ id, pool }) => `${id} in ${pool}`)).toEqual(["1 in 0", "2 in 0", "3 in 1"]);
    fleets.settle(Promise.resolve());
    await turn();
    skip(5_000);
    await eventually(() => expect(heard).toEqual([["2 in 0", "3 in 1"]]));
  });

  test("when one of them cannot be, nothing has changed", async () => {
    const { fleets, plansOf, shown, rows } = makeFleets();
    await fleets.start(plansOf({ default: [A] }));
    const wrong = plansOf({ default: [B], shop: [C] }, { upstreamCaPem: "no certificate" });
    await expect(fleets.update(wrong)).rejects.toThrow();
    expect(shown()).toEqual(["1 default up"]);
    expect(rows.plan(["x"]).get("x")).toBe(1);
    await fleets.update(plansOf({ default: [A, B] }));
    expect(shown()).toEqual(["1 default up", "2 default up"]);
  });

  test("counters never run backwards when a pool goes", async () => {
    const backend = await new Backend().start();
    cleanups.push(() => backend.stop());
    const { fleets, plansOf, change, skip, rows } = makeFleets();
    const health = { enabled: true, path: "/health", intervalMs: 50, timeoutMs: 60_000, rise: 1, fall: 1 };
    await fleets.start(plansOf({ default: [], shop: [host("127.0.0.1", backend.port)] }, { health }));
    await eventually(() => expect(fleets.counters().healthChecks).toBeGreaterThan(3));
    await change({ default: [] });
    const { healthChecks } = fleets.counters();
    skip(5_000);
    await eventually(() => expect(rows.plan(["x"]).get("x")).toBe(1));
    expect(fleets.counters().healthChecks).toBeGreaterThanOrEqual(healthChecks);
  });

  test("as many as there may be start at once, each with servers of its own", async () => {
    const { fleets, plansOf } = makeFleets();
    const names = Array.from({ length: MAX_POOLS }, (_, i) => `pool-${i}`);
    await fleets.start(plansOf(Object.fromEntries(names.map((name) => [name, [A, B, C]]))));
    expect(fleets.summary()).toMatchObject({ total: 3 * MAX_POOLS, healthy: 3 * MAX_POOLS, panic: false });
    expect(new Set(fleets.endpoints().map(({ id }) => id)).size).toBe(3 * MAX_POOLS);
  });
});

describe("readiness", () => {
  const placed = (fleets: Fleets) => fleets.pools().map(({ name, row }) => ({ name, row }));

  test("goes by the pool default, and says what each pool has", async () => {
    const { fleets, plansOf, memory, change } = makeFleets();
    await fleets.start(plansOf({ default: [A], shop: [B, C] }));
    expect(readReadiness(memory, placed(fleets))).toEqual({
      status: "ready",
      total: 3,
      healthy: 3,
      pools: { default: { total: 1, healthy: 1 }, shop: { total: 2, healthy: 2 } },
    });
    fleets.withdraw(1, DRAINED);
    expect(readReadiness(memory, placed(fleets))).toMatchObject({ status: "not_ready", healthy: 2 });
    await change({ shop: [B, C], blog: [A] }); // no default any more: any pool will do
    expect(readReadiness(memory, placed(fleets))).toMatchObject({ status: "ready", total: 3, healthy: 3 });
    fleets.withdraw(2, DRAINED);
    fleets.withdraw(3, DRAINED);
    expect(readReadiness(memory, placed(fleets))).toEqual({
      status: "ready",
      total: 3,
      healthy: 1,
      pools: { shop: { total: 2, healthy: 0 }, blog: { total: 1, healthy: 1 } },
    });
  });

  test("with one pool says what it always has", async () => {
    const { fleets, plansOf, memory } = makeFleets();
    await fleets.start(plansOf({ shop: [A] }));
    expect(readReadiness(memory, placed(fleets))).toEqual({ status: "ready", total: 1, healthy: 1 });
  });
});

describe("the log", () => {
  test("names the pool where there are several, and only there", async () => {
    const { fleets, plansOf, log, change } = makeFleets();
    await fleets.start(plansOf({ default: [A] }));
    await change({ default: [A], shop: [B] });
    expect(log.lines).toEqual([
      "info server http://127.0.0.1:9 (127.0.0.1) is up: health checks are off",
      "info pool shop: server http://127.0.0.2:9 (127.0.0.2) is up: health checks are off",
    ]);
  });
});

describe("who stands by", () => {
  const states = (fleets: Fleets) => [...fleets.statuses()].map(({ state, alive }) => [state, alive]);

  test("a backup is published so, is well and counts as healthy, and takes over at once", async () => {
    const { fleets, plansOf, memory } = makeFleets();
    await fleets.start(plansOf({ default: [A, { ...B, backup: true }] }));
    expect(states(fleets)).toEqual([
      ["up", true],
      ["standby", true],
    ]);
    expect([0, 1].map((slot) => memory.servers.state[slot])).toEqual([ServerState.UP, ServerState.STANDBY]);
    expect(fleets.summary()).toEqual({ total: 2, healthy: 2, up: 2, usable: 2, panic: false });
    expect(fleets.server(2)).toMatchObject({ backup: true, reason: "a backup: others of its pool are up" });
    fleets.withdraw(1, DRAINED);
    expect(memory.servers.state[1]).toBe(ServerState.UP);
    fleets.bringBack(1);
    expect(memory.servers.state[1]).toBe(ServerState.STANDBY);
  });

  test("servers of other zones, while enough of the own one are up", async () => {
    const { fleets, plansOf, memory, change } = makeFleets();
    const servers = [
      { ...A, zone: "eu-1" },
      { ...B, zone: "eu-2" },
    ];
    await fleets.start(plansOf({ default: servers }, { preferZone: true, zone: "eu-1" }));
    expect(states(fleets)).toEqual([
      ["up", true],
      ["standby", true],
    ]);
    expect(fleets.server(2)).toMatchObject({ zone: "eu-2", backup: false });
    fleets.withdraw(1, DRAINED);
    expect(memory.servers.state[1]).toBe(ServerState.UP);
    await change({ default: servers }); // without the preference
    fleets.bringBack(1);
    expect(states(fleets)).toEqual([
      ["up", true],
      ["up", true],
    ]);
  });
});
