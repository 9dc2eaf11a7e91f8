import { beforeEach, expect, test } from "bun:test";
import { InFlightAudit } from "../../../../src/control/processes/in-flight-audit.ts";
import { reclaimWorkerBlock } from "../../../../src/control/processes/workers/reclaim.ts";
import { WorkInFlight } from "../../../../src/proxy/pick/work-in-flight.ts";
import { CLASSES, WORK_UNIT } from "../../../../src/shared/memory/layout/classes.ts";
import {
  Header,
  SHARED_BYTES,
  type SharedMemory,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";

const SLOT = 5;
const HEAVY = 2;

let memory: SharedMemory;
let work: WorkInFlight;

beforeEach(() => {
  memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 2;
  memory.servers.id[SLOT] = 9;
  memory.classes.costs.costId[SLOT] = 9;
  memory.classes.costs.cost.fill(1, SLOT * CLASSES, (SLOT + 1) * CLASSES);
  memory.classes.costs.cost[SLOT * CLASSES + HEAVY] = 8;
  work = new WorkInFlight(memory, memory.workers[0]);
  work.on = true;
});

test("a request adds what its class costs at the server, and gives back exactly that, whatever it costs by then", () => {
  work.take(SLOT, HEAVY);
  const { taken } = work;
  expect(taken).toBe(8 * WORK_UNIT);
  expect([memory.servers.workInFlight[SLOT], memory.workers[0].ownWorkInFlight[SLOT]]).toEqual([taken, taken]);
  memory.classes.costs.cost[SLOT * CLASSES + HEAVY] = 2;
  work.on = false;
  work.give(SLOT, taken);
  expect([memory.servers.workInFlight[SLOT], memory.workers[0].ownWorkInFlight[SLOT]]).toEqual([0, 0]);
});

test("where no classes are told apart nothing is counted", () => {
  work.on = false;
  work.take(SLOT, HEAVY);
  expect([work.taken, memory.servers.workInFlight[SLOT]]).toEqual([0, 0]);
  work.give(SLOT, work.taken);
  expect(memory.servers.workInFlight[SLOT]).toBe(0);
});

test("costs of another server that had the slot, and numbers that cannot be, count as one mean request", () => {
  memory.servers.id[SLOT] = 10;
  work.take(SLOT, HEAVY);
  expect(work.taken).toBe(WORK_UNIT);
  memory.servers.id[SLOT] = 9;
  for (const wrong of [Number.NaN, 0, -3, 1e9]) {
    memory.classes.costs.cost[SLOT * CLASSES + HEAVY] = wrong;
    work.take(SLOT, HEAVY);
    expect(work.taken).toBe(WORK_UNIT);
  }
});

test("a worker that dies leaves none of its work behind", () => {
  const other = new WorkInFlight(memory, memory.workers[1]);
  other.on = true;
  work.take(SLOT, HEAVY);
  other.take(SLOT, 0);
  reclaimWorkerBlock(memory, 0);
  expect(memory.servers.workInFlight[SLOT]).toBe(WORK_UNIT);
  const audit = new InFlightAudit(memory);
  for (let i = 0; i < 5; i++) expect(audit.tick()).toEqual([]);
});
