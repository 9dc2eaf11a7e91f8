import { expect, test } from "bun:test";
import type { FleetSummary } from "../../../../src/control/fleet/status.ts";
import { FleetTable } from "../../../../src/control/fleet/table.ts";
import {
  MAX_SERVERS,
  ServerState,
  SHARED_BYTES,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { readReadiness } from "../../../../src/shared/memory/readiness.ts";

const memory = () => viewSharedMemory(new ArrayBuffer(SHARED_BYTES));

test("a seat that finds no room is not taken; there may be room later", () => {
  let room = 1;
  const table = new FleetTable(memory(), (count) => {
    if (count > room) throw new Error("no room");
  });
  expect(table.take()).toEqual({ slot: 0, id: 1 });
  expect([table.take(), table.take()]).toEqual(["no_room", "no_room"]);
  room = 2;
  expect(table.take()).toMatchObject({ slot: 1 });
});

test("all seats may be taken; one that is given back has another id, and says nothing of its last owner", () => {
  const shared = memory();
  const table = new FleetTable(shared);
  for (let slot = 0; slot < MAX_SERVERS; slot++) expect(table.take()).toEqual({ slot, id: slot + 1 });
  expect(table.take()).toBe("full");
  table.setUsage(7, 50, 60);
  table.release([7]);
  expect([shared.servers.cpuUsagePercent[7], shared.servers.memoryUsagePercent[7]]).toEqual([Number.NaN, Number.NaN]);
  expect(table.take()).toEqual({ slot: 7, id: MAX_SERVERS + 1 });
});

function summary(of: Pick<FleetSummary, "total" | "healthy" | "panic">): FleetSummary {
  return { up: of.healthy, usable: of.healthy, ...of };
}

test("what fleets publish is added up, and each time anew", () => {
  const shared = memory();
  const table = new FleetTable(shared);
  const row = { id: 1, pool: 0, state: ServerState.UP, weight: 1, effectiveWeight: 1, capacity: 10, hardLimit: 0 };
  table.publish(0, new Map([[0, row]]), summary({ total: 2, healthy: 1, panic: true }));
  table.publish(1, new Map([[3, { ...row, id: 2, pool: 1 }]]), summary({ total: 1, healthy: 0, panic: false }));
  expect(readReadiness(shared, [])).toEqual({ status: "ready", total: 3, healthy: 1 });
  expect([shared.servers.id[0], shared.servers.id[3], shared.pools.panic[0]]).toEqual([1, 2, 1]);
  table.publish(0, new Map(), summary({ total: 2, healthy: 0, panic: false }));
  expect(readReadiness(shared, [])).toEqual({ status: "not_ready", total: 3, healthy: 0 });
  expect(shared.pools.panic[0]).toBe(0);
});
