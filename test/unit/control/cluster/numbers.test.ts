import { describe, expect, test } from "bun:test";
import { emptyFigures } from "../../../../src/cluster/exchange/figures.ts";
import { OwnNumbers } from "../../../../src/control/cluster/own-numbers.ts";
import { PeersInTable } from "../../../../src/control/cluster/peers-in-table.ts";
import { ResponseTimes } from "../../../../src/control/cluster/response-times.ts";
import type { ToldServer } from "../../../../src/control/fleet/fleets.ts";
import { WORK_UNIT } from "../../../../src/shared/memory/layout/classes.ts";
import { PeerFigure } from "../../../../src/shared/memory/layout/peers.ts";
import {
  Header,
  MAX_SERVERS,
  ServerState,
  SHARED_BYTES,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";

function memoryOf(servers: number) {
  const memory = viewSharedMemory(new SharedArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 2;
  for (let slot = 0; slot < servers; slot++) {
    memory.servers.id[slot] = slot + 1;
    memory.servers.state[slot] = ServerState.UP;
    memory.servers.effectiveWeight[slot] = 1;
  }
  return memory;
}

function server(id: number, slot: number, verdict: ToldServer["ownVerdict"] = "up"): ToldServer {
  const found = { url: `http://h${id}:80`, address: "10.0.0.1" };
  return { id, slot, pool: "default", server: found as ToldServer["server"], ownVerdict: verdict };
}

describe("what an instance tells", () => {
  const memory = memoryOf(3);
  let servers = [server(1, 0), server(2, 1, "down"), server(3, 2, "ejected")];
  const own = (inFlight: boolean, health: boolean) =>
    new OwnNumbers({ memory, servers: () => servers, inFlight, health });

  test("is its workers' requests and its own view, never what it heard of others", () => {
    memory.workers[0].ownInFlight[0] = 4;
    memory.workers[1].ownInFlight[0] = 3;
    memory.workers[1].ownTransferring[0] = 1;
    memory.workers[1].ownWorkInFlight[0] = 900;
    memory.workers[0].ownInFlight[1] = -1; // between two writes
    memory.servers.inFlight[0] = 100;
    const { figures, slotOf } = own(true, true).read();
    expect([...figures.inFlight.subarray(0, 3)]).toEqual([7, 0, 0]);
    expect([figures.transferring[0], figures.workInFlight[0]]).toEqual([1, 900]);
    expect([...figures.known.subarray(0, 4)]).toEqual([1, 1, 1, 0]);
    expect([...figures.down.subarray(0, 3)]).toEqual([0, 1, 0]);
    expect([...figures.ejected.subarray(0, 3)]).toEqual([0, 0, 1]);
    expect(slotOf.size).toBe(3);
  });

  test("is only what it shares", () => {
    const { figures } = own(false, true).read();
    expect(figures.inFlight[0]).toBe(0);
    expect(figures.down[1]).toBe(1);
    const other = own(true, false).read().figures;
    expect(other.inFlight[0]).toBe(7);
    expect(other.known[0]).toBe(0);
    expect(own(false, false).read().slotOf.size).toBe(0);
  });

  test("has another map when servers have come or gone, and only then", () => {
    const numbers = own(true, true);
    const { slotOf } = numbers.read();
    expect(numbers.read().slotOf).toBe(slotOf);
    servers = [server(1, 0), server(2, 1, "down")];
    const fewer = numbers.read().slotOf;
    expect(fewer.size).toBe(2);
    servers = [server(1, 0), server(4, 1)];
    expect(numbers.read().slotOf).not.toBe(fewer);
    servers = [server(1, 0), { ...server(6, 1), server: server(1, 0).server }];
    numbers.read();
    servers = [...servers, server(5, 2)];
    expect(numbers.read().slotOf.size).toBe(2); // two that are called the same are told as one
    expect(numbers.read().slotOf).toBe(numbers.read().slotOf);
  });
});

describe("what others told, in the totals", () => {
  const round = (numbers: ReturnType<typeof emptyFigures>, heardMs: number) => ({
    numbers: { ...numbers, heardMs, instances: 3 },
    members: [],
    revision: { changes: 0 },
  });

  test("counts in full, over the servers that may get requests, and is gone when nothing is heard", () => {
    const memory = memoryOf(4);
    memory.servers.state[3] = ServerState.DOWN;
    const rider = new PeersInTable({ memory, bootMs: () => 1050, random: () => 0 });
    expect(memory.peers.figures[PeerFigure.SHARED]).toBe(1);
    const numbers = emptyFigures(MAX_SERVERS);
    numbers.inFlight.set([30, 30, 30, 50]);
    numbers.workInFlight.set([60 * WORK_UNIT, 0, 30 * WORK_UNIT, 0]);
    rider.heard(round(numbers, 1000));
    expect([...memory.servers.inFlight.subarray(0, 4)]).toEqual([30, 30, 30, 0]);
    expect([...memory.servers.workInFlight.subarray(0, 3)]).toEqual([60, 30, 30].map((work) => work * WORK_UNIT));
    expect(memory.peers.figures[PeerFigure.HEARD_MS]).toBe(1000);
    rider.lost();
    expect([...memory.servers.inFlight.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    expect(memory.peers.figures[PeerFigure.HEARD_MS]).toBe(0);
  });
});

test("response times are of late, by pool", () => {
  const memory = memoryOf(2);
  memory.servers.pool[1] = 1;
  memory.workers[0].responses[0] = 1000;
  memory.workers[0].latencySumMs[0] = 1e6;
  const times = new ResponseTimes(memory);
  expect(times.meanMs(0)).toBeNaN();
  memory.workers[0].responses[0] += 10;
  memory.workers[0].latencySumMs[0] += 200;
  memory.workers[1].responses[1] += 1;
  memory.workers[1].latencySumMs[1] += 5;
  times.look();
  expect(times.meanMs(0)).toBeCloseTo(20);
  expect(times.meanMs(1)).toBeCloseTo(5);
  for (let i = 0; i < 400; i++) times.look();
  expect(times.meanMs(0)).toBeNaN();
});
