/** Several fleets in one instance: they share slots, ids and readiness, and nothing else. */
import { afterEach, expect, test } from "bun:test";
import { Fleet } from "../../../../src/control/fleet/fleet.ts";
import { FleetTable } from "../../../../src/control/fleet/table.ts";
import { MAX_SERVERS, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { readReadiness } from "../../../../src/shared/memory/readiness.ts";
import { DRAINED, fleetOptions, host, quietLog } from "../../../unit/control/fleet/fixtures.ts";
import { Backend, eventually } from "./fixtures.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

function makeFleets() {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const table = new FleetTable(memory);
  let skewMs = 0;
  const log = quietLog();
  const make = (pool: number): Fleet => {
    const fleet = new Fleet({
      pool,
      table,
      log,
      clock: { nowMs: () => performance.now() + skewMs, wallMs: () => Date.now() },
      random: () => 0,
      resolver: { lookup: () => Promise.reject(new Error("ENOTFOUND")), srv: () => Promise.reject(new Error("no")) },
    });
    cleanups.push(() => fleet.stop());
    return fleet;
  };
  const skip = (ms: number): void => {
    skewMs += ms;
  };
  return { memory, log, shop: make(0), blog: make(1), skip };
}

const ports = (first: number, count: number) => Array.from({ length: count }, (_, i) => host("127.0.0.1", first + i));
const slots = (fleet: Fleet): number[] => fleet.endpoints().map(({ slot }) => slot);
const ids = (fleet: Fleet): number[] => fleet.endpoints().map(({ id }) => id);

test("no slot and no id is given to two; the same address may be in both", async () => {
  const { shop, blog, memory } = makeFleets();
  await shop.start(fleetOptions(ports(1, 2)));
  await blog.start(fleetOptions(ports(1, 3)));
  expect([slots(shop), slots(blog)]).toEqual([
    [0, 1],
    [2, 3, 4],
  ]);
  expect([ids(shop), ids(blog)]).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  expect(readReadiness(memory, [])).toEqual({ status: "ready", total: 5, healthy: 5 });
  expect([shop.summary().total, blog.summary().total]).toEqual([2, 3]);
});

test("an operator's change reaches the fleet that has the server, and no other", async () => {
  const { shop, blog, memory } = makeFleets();
  await shop.start(fleetOptions(ports(1, 1)));
  await blog.start(fleetOptions(ports(1, 1)));
  expect([shop.withdraw(2, DRAINED), blog.withdraw(2, DRAINED)]).toEqual([false, true]);
  expect([shop.servers()[0].state, blog.servers()[0].state]).toEqual(["up", "draining"]);
  expect(readReadiness(memory, [])).toEqual({ status: "ready", total: 2, healthy: 1 });
});

test("a slot that one has given back may be the other's; of too many servers the ones too many are left out", async () => {
  const { shop, blog, log, skip } = makeFleets();
  await shop.start(fleetOptions(ports(1, MAX_SERVERS)));
  await blog.start(fleetOptions(ports(1, 1)));
  expect(blog.endpoints()).toEqual([]);
  expect(log.lines.filter((line) => line.startsWith("error"))).toEqual([
    `error more servers than the limit of ${MAX_SERVERS}: 1 are left out`,
  ]);
  await shop.update(fleetOptions(ports(1, MAX_SERVERS - 1)));
  skip(2_000);
  shop.tick();
  await blog.update(fleetOptions(ports(1, 1)));
  expect(slots(blog)).toEqual([MAX_SERVERS - 1]);
  expect(ids(blog)).toEqual([MAX_SERVERS + 1]);
});

test("one that loses all its servers takes nothing from the other", async () => {
  const { shop, blog, memory } = makeFleets();
  const [good, bad] = [await new Backend().start(), await new Backend().start()];
  cleanups.push(
    () => good.stop(),
    () => bad.stop(),
  );
  const health = { enabled: true, path: "/health", intervalMs: 50, timeoutMs: 60_000, rise: 1, fall: 1 };
  await shop.start(fleetOptions([host("127.0.0.1", bad.port)], { health }));
  await blog.start(fleetOptions([host("127.0.0.1", good.port)], { health }));
  await eventually(() => expect(readReadiness(memory, [])).toEqual({ status: "ready", total: 2, healthy: 2 }));
  bad.mode = "503";
  await eventually(() => expect(shop.servers()[0].state).toBe("down"));
  expect(blog.servers()[0].state).toBe("up");
  expect(readReadiness(memory, [])).toEqual({ status: "ready", total: 2, healthy: 1 });
  expect([shop.counters().healthCheckFailures > 0, blog.counters().healthCheckFailures]).toEqual([true, 0]);
});
