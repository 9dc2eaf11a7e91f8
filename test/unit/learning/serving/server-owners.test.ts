import { beforeEach, describe, expect, test } from "bun:test";
import { ServerOwners } from "../../../../src/learning/serving/server-owners.ts";
import {
  Header,
  ServerState,
  SHARED_BYTES,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { FREE_ROW, ServerTableWriter } from "../../../../src/shared/memory/server-table/writer.ts";

const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
let writer: ServerTableWriter;
let owners: ServerOwners;

const row = (id: number, pool: number, state: ServerState = ServerState.UP) => ({
  ...FREE_ROW,
  id,
  pool,
  state,
  weight: 1,
});
const publish = (rows: Record<number, ReturnType<typeof row>>, panic: readonly number[] = []) => {
  const entries = new Map(Object.entries(rows).map(([slot, one]) => [Number(slot), one]));
  for (const pool of [0, 1, 2]) writer.publish(entries, pool, panic.includes(pool));
  owners.refresh();
};
const slots = (pool: number) => [...owners.slotsOf(pool)];

beforeEach(() => {
  memory.servers.id.fill(0);
  memory.servers.pool.fill(0);
  memory.pools.panic.fill(0);
  writer = new ServerTableWriter(memory);
  owners = new ServerOwners(memory);
  owners.refresh();
});

describe("servers that may be asked", () => {
  test("are each pool's own, with the panic of that pool", () => {
    const down = ServerState.DOWN;
    const rows = {
      0: row(1, 0),
      1: row(2, 1),
      2: row(3, 1, down),
      3: row(4, 0, down),
      5: row(5, 2, ServerState.DRAINING),
    };
    publish(rows);
    expect([slots(0), slots(1), slots(2)]).toEqual([[0], [1], []]);
    publish(rows, [1]);
    expect([slots(0), slots(1), slots(2)]).toEqual([[0], [1, 2], []]);
  });

  test("are the backups where there are no others", () => {
    const rows = { 0: row(1, 0), 1: row(2, 0, ServerState.STANDBY), 4: row(3, 1, ServerState.STANDBY) };
    publish(rows);
    expect([slots(0), slots(1)]).toEqual([[0], [4]]);
    publish({ ...rows, 0: row(1, 0, ServerState.DOWN) });
    expect(slots(0)).toEqual([1]);
  });

  test("are as they were while the supervisor is writing", () => {
    publish({ 0: row(1, 0) });
    const before = owners.slotsOf(0);
    memory.header[Header.TABLE_VERSION]++;
    expect(owners.refresh()).toBe(true);
    expect(owners.slotsOf(0)).toBe(before);
    expect(new ServerOwners(memory).refresh()).toBe(false);
    memory.header[Header.TABLE_VERSION]++;
  });
});

describe("the pool of a server", () => {
  test("is known for a while after its slot went to another", () => {
    publish({ 0: row(1, 0), 1: row(2, 1) });
    expect([owners.rowOf(0, 1), owners.rowOf(1, 2), owners.rowOf(0, 2), owners.rowOf(9, 1)]).toEqual([0, 1, -1, -1]);
    publish({ 0: row(7, 2) });
    expect([owners.rowOf(0, 7), owners.rowOf(0, 1)]).toEqual([2, 0]);
    publish({ 0: { ...FREE_ROW } });
    publish({ 0: row(8, 1) });
    expect([owners.rowOf(0, 8), owners.rowOf(0, 7), owners.rowOf(0, 1)]).toEqual([1, 2, -1]);
  });

  test("is nobody's when the pool is gone", () => {
    publish({ 0: row(1, 0) });
    publish({ 0: row(7, 2) });
    owners.forget(0);
    expect([owners.rowOf(0, 7), owners.rowOf(0, 1)]).toEqual([2, -1]);
  });
});
