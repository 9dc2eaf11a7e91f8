/** A pool of which this instance uses a part. */
import { afterEach, expect, test } from "bun:test";
import { placeAmong } from "../../../../src/balancing/subset.ts";
import { Fleets } from "../../../../src/control/fleet/fleets.ts";
import { PoolRows } from "../../../../src/control/fleet/pool-rows.ts";
import { FleetTable } from "../../../../src/control/fleet/table.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { fleetOptions, host, quietLog } from "../../../unit/control/fleet/fixtures.ts";
import { Backend, eventually } from "./fixtures.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

async function makeFleets(servers: number, subsetSize: number) {
  const backends = await Promise.all(Array.from({ length: servers }, () => new Backend().start()));
  const rows = new PoolRows();
  const fleets = new Fleets({
    rows,
    table: new FleetTable(viewSharedMemory(new ArrayBuffer(SHARED_BYTES))),
    log: quietLog(),
    clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
    bootOffsetMs: () => 0,
    random: () => 0,
    resolver: {
      lookup: () => Promise.reject(new Error("ENOTFOUND")),
      srv: () => Promise.reject(new Error("ENOTFOUND")),
    },
  });
  cleanups.push(() => {
    fleets.stop();
    for (const backend of backends) backend.stop();
  });
  fleets.takePlace(placeAmong(["a", "b"], "a"));
  const options = fleetOptions(
    backends.map(({ port }) => host("127.0.0.1", port)),
    { health: { enabled: true, path: "/health", intervalMs: 200, timeoutMs: 60_000, rise: 1, fall: 1 }, subsetSize },
  );
  const row = rows.plan(["default"]).get("default")!;
  await fleets.start([{ name: "default", row, options }]);
  const usedPorts = (): number[] => Array.from(fleets.present(), ({ server }) => server.port);
  return { fleets, usedPorts, backends };
}

test("the others are not checked, and nobody is told of them", async () => {
  const { fleets, usedPorts, backends } = await makeFleets(8, 4);
  await eventually(() => expect(fleets.summary()).toMatchObject({ total: 4, healthy: 4 }));
  const used = usedPorts();
  expect(fleets.pools()).toMatchObject([{ name: "default", total: 4, unused: 4 }]);
  expect(fleets.endpoints().map(({ port }) => port)).toEqual(used);
  for (const { port, paths } of backends) expect(paths.length > 0).toBe(used.includes(port));
});

test("at another place others are used, and those that were drain", async () => {
  const { fleets, usedPorts } = await makeFleets(8, 4);
  await eventually(() => expect(fleets.summary()).toMatchObject({ healthy: 4 }));
  const before = usedPorts();
  fleets.takePlace(placeAmong(["a", "b"], "b"));
  await eventually(() => expect(fleets.summary()).toMatchObject({ total: 4, healthy: 4 }));
  await eventually(() => expect(usedPorts().filter((port) => before.includes(port))).toEqual([]));
});

test("while too many of them are down there are more", async () => {
  const { fleets, usedPorts, backends } = await makeFleets(8, 4);
  await eventually(() => expect(fleets.summary()).toMatchObject({ healthy: 4 }));
  const before = usedPorts();
  for (const backend of backends) if (before.slice(0, 2).includes(backend.port)) backend.mode = "503";
  await eventually(() => expect(fleets.summary()).toMatchObject({ total: 5, healthy: 3 }));
  expect(usedPorts().slice(0, 4)).toEqual(before);
});
