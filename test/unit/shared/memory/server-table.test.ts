import { expect, test } from "bun:test";
import {
  Header,
  ServerState,
  SHARED_BYTES,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { readServerTable, serverTableVersion } from "../../../../src/shared/memory/server-table/reader.ts";
import { ServerTableWriter } from "../../../../src/shared/memory/server-table/writer.ts";

const row = { id: 7, pool: 0, state: ServerState.UP, weight: 2, effectiveWeight: 0.5, capacity: 10, hardLimit: 0 };

test("publishes once per change, under an even version", () => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const writer = new ServerTableWriter(memory);
  expect(writer.publish(new Map([[4, row]]), 0, false)).toBe(true);
  expect(serverTableVersion(memory)).toBe(2);
  expect(writer.publish(new Map([[4, row]]), 0, false)).toBe(false);
  expect(serverTableVersion(memory)).toBe(2);
  writer.publish(new Map([[4, row]]), 0, true);
  const read = readServerTable(memory, (table, pools) => [table.id[4], table.effectiveWeight[4], pools.panic[0]]);
  expect(read).toEqual({ version: 4, value: [7, 0.5, 1] });
});

test("load figures need no new version", () => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  new ServerTableWriter(memory).setUsage(1, 12, Number.NaN);
  expect([memory.servers.cpuUsagePercent[1], memory.servers.memoryUsagePercent[1]]).toEqual([12, Number.NaN]);
  expect(serverTableVersion(memory)).toBe(0);
});

test("a reader gives up on a writer that died half-way, and reads again when it was overtaken", () => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.TABLE_VERSION] = 3;
  expect(readServerTable(memory, () => 1, 10)).toBeUndefined();
  memory.header[Header.TABLE_VERSION] = 4;
  let reads = 0;
  const overtaken = readServerTable(memory, () => {
    if (++reads === 1) memory.header[Header.TABLE_VERSION] = 6;
    return reads;
  });
  expect(overtaken).toEqual({ version: 6, value: 2 });
});
