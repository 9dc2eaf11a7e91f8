/** A fleet that hears of other instances: what it makes of that, shows of it, and tells of itself. */
import { afterEach, expect, test } from "bun:test";
import type { NotedEvent } from "../../../../src/control/events/events.ts";
import { Fleets } from "../../../../src/control/fleet/fleets.ts";
import { PoolRows } from "../../../../src/control/fleet/pool-rows.ts";
import { FleetTable } from "../../../../src/control/fleet/table.ts";
import type { OthersVotes } from "../../../../src/health/majority.ts";
import { ServerState, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { DRAINED, fleetOptions, host, quietLog } from "../../../unit/control/fleet/fixtures.ts";
import { Backend, eventually } from "./fixtures.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

const checks = { enabled: true, path: "/health", intervalMs: 200, timeoutMs: 60_000, rise: 2, fall: 2 };

/** Two others, of whom so many say this of the server in slot 0. */
function others(down: number, ejected: number): OthersVotes {
  const column = (first: number, rest: number): Int32Array => Int32Array.of(first, rest, rest);
  return { known: column(2, 2), down: column(down, 0), ejected: column(ejected, 0) };
}

async function makeFleets(servers: number, panicThresholdPercent = 0) {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const backends = await Promise.all(Array.from({ length: servers }, () => new Backend().start()));
  const log = quietLog();
  const noted: NotedEvent[] = [];
  let skewMs = 0;
  const rows = new PoolRows();
  const fleets = new Fleets({
    rows,
    table: new FleetTable(memory),
    log,
    events: { note: (event) => noted.push(event) },
    clock: { nowMs: () => performance.now() + skewMs, wallMs: () => Date.now() + skewMs },
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
  const options = fleetOptions(
    backends.map(({ port }) => host("127.0.0.1", port)),
    { health: checks, panicThresholdPercent },
  );
  const row = rows.plan(["default"]).get("default")!;
  await fleets.start([{ name: "default", row, options }]);
  await eventually(() => expect(fleets.summary()).toMatchObject({ healthy: servers }));
  skewMs += 1_000; // its slots are its own
  return {
    memory,
    backends,
    log,
    noted,
    fleets,
    skip: (ms: number) => {
      skewMs += ms;
    },
    first: () => [...fleets.statuses()][0],
  };
}

test("a server that two others have out is out here, says why, and tells nobody that it is", async () => {
  const { fleets, memory, noted, log, first, skip } = await makeFleets(3);
  expect(first().cluster).toBeNull();
  fleets.hearOthers(others(1, 0));
  expect(first().cluster).toEqual({ own: "up", instances: 3, down: 1, ejected: 0, majority: false });

  fleets.hearOthers(others(1, 1));
  await eventually(() => {
    fleets.hearOthers(others(1, 1));
    expect(first().state).toBe("ejected");
  });
  expect(memory.servers.state[0]).toBe(ServerState.EJECTED);
  const reason = "out by majority: 2 of 3 instances have it out (1 by health checks, 1 ejected it)";
  expect(first()).toMatchObject({ alive: false, reason, ejections: { cluster: 1 }, cluster: { majority: true } });
  expect(noted.at(-1)).toMatchObject({ kind: "ejection", detail: { to: "ejected", cause: "cluster", reason } });
  expect(log.lines.filter((line) => line.includes(reason))).toHaveLength(1);
  expect(fleets.counters()).toMatchObject({ ejections: 1, majorityEjections: 1 });
  // Its own view is what it was: the others are told that.
  expect([...fleets.told()].map(({ slot, pool, ownVerdict }) => [slot, pool, ownVerdict])).toEqual([
    [0, "default", "up"],
    [1, "default", "up"],
    [2, "default", "up"],
  ]);

  // Redis is away: nothing comes, and what was said is not believed any longer.
  skip(1_600);
  await eventually(() => expect(first().state).toBe("up"));
  expect(first()).toMatchObject({ cluster: null, reason: "nothing fresh is known of other instances" });
});

test("a server that this instance alone cannot reach is out here, and told as that", async () => {
  const { fleets, backends, first } = await makeFleets(3);
  backends[0].mode = "503";
  await eventually(() => {
    fleets.hearOthers(others(0, 0));
    expect(first().state).toBe("down");
  });
  expect(first().cluster).toEqual({ own: "down", instances: 3, down: 1, ejected: 0, majority: false });
  expect([...fleets.told()][0].ownVerdict).toBe("down");
});

test("panic routing holds over a majority", async () => {
  const { fleets, first, memory } = await makeFleets(2, 60);
  await eventually(() => {
    fleets.hearOthers(others(2, 0));
    expect(first().state).toBe("ejected");
  });
  expect(fleets.summary()).toMatchObject({ panic: true, usable: 2, up: 1 });
  expect(memory.pools.panic[0]).toBe(1);
});

test("a server that leaves the configuration is told of no more, one that drains is", async () => {
  const { fleets, first } = await makeFleets(2);
  fleets.withdraw(first().id, DRAINED);
  expect([...fleets.told()]).toHaveLength(2);
  const row = fleets.pools()[0].row;
  await fleets.update([{ name: "default", row, options: fleetOptions([]) }]);
  fleets.settle(Promise.resolve());
  expect([...fleets.told()]).toHaveLength(0);
});
