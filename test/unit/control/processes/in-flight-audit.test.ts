import { beforeEach, describe, expect, test } from "bun:test";
import { InFlightAudit } from "../../../../src/control/processes/in-flight-audit.ts";
import {
  Header,
  SHARED_BYTES,
  type SharedMemory,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";

let memory: SharedMemory;
let audit: InFlightAudit;

beforeEach(() => {
  memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 3;
  audit = new InFlightAudit(memory);
});

describe("in-flight totals", () => {
  test.each([1, -1, 4])("a total that stays off by %p becomes the sum of the workers' shares", (off) => {
    memory.workers[0].ownInFlight[7] = 2;
    memory.workers[2].ownInFlight[7] = 3;
    memory.servers.inFlight[7] = 5 + off;
    expect([audit.tick(), audit.tick()]).toEqual([[], []]);
    expect(audit.tick()).toEqual([{ slot: 7, count: "requests", off }]);
    expect(memory.servers.inFlight[7]).toBe(5);
    for (let i = 0; i < 5; i++) expect(audit.tick()).toEqual([]);
  });

  test("expected work is looked after in the same way", () => {
    memory.workers[1].ownWorkInFlight[3] = 512;
    memory.servers.workInFlight[3] = 712;
    for (let i = 0; i < 2; i++) expect(audit.tick()).toEqual([]);
    expect(audit.tick()).toEqual([{ slot: 3, count: "expected work", off: 200 }]);
    expect(memory.servers.workInFlight[3]).toBe(512);
  });

  test("so are requests in transfer", () => {
    memory.workers[2].ownTransferring[3] = 1;
    memory.servers.transferring[3] = 2;
    for (let i = 0; i < 2; i++) expect(audit.tick()).toEqual([]);
    expect(audit.tick()).toEqual([{ slot: 3, count: "in transfer", off: 1 }]);
    expect(memory.servers.transferring[3]).toBe(1);
  });

  test("a difference that comes and goes, as under load, is left alone", () => {
    for (let i = 0; i < 20; i++) {
      memory.servers.inFlight[1] = i % 2;
      memory.servers.inFlight[2] = (i % 3) - 1;
      expect(audit.tick()).toEqual([]);
    }
  });

  test("a worker stopped half-way is corrected twice and ends exact", () => {
    memory.workers[1].ownInFlight[0] = 1; // it took its share and has yet to add to the total
    const looks = () => Array.from({ length: 4 }, () => audit.tick()).flat();
    expect(looks()).toEqual([{ slot: 0, count: "requests", off: -1 }]);
    memory.servers.inFlight[0]++; // it goes on
    expect(looks()).toEqual([{ slot: 0, count: "requests", off: 1 }]);
    memory.servers.inFlight[0]--;
    memory.workers[1].ownInFlight[0]--;
    expect(looks()).toEqual([]);
    expect(memory.servers.inFlight[0]).toBe(0);
  });
});
