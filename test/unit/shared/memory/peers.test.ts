import { expect, test } from "bun:test";
import { InFlightAudit } from "../../../../src/control/processes/in-flight-audit.ts";
import { PeerFigure } from "../../../../src/shared/memory/layout/peers.ts";
import {
  Header,
  MAX_SERVERS,
  SHARED_BYTES,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import {
  forgetPeers,
  forgetPeersAt,
  forgetStalePeers,
  ownInFlight,
  setPeers,
} from "../../../../src/shared/memory/peers.ts";

const memory = viewSharedMemory(new SharedArrayBuffer(SHARED_BYTES));
const { servers, peers } = memory;

function told(inFlight: number, workInFlight: number, transferring: number) {
  const column = (value: number) => new Int32Array(MAX_SERVERS).fill(value);
  return { inFlight: column(inFlight), workInFlight: column(workInFlight), transferring: column(transferring) };
}

test("others' requests are part of the totals, and none of this instance's", () => {
  servers.inFlight[3] = 5;
  servers.transferring[3] = 1;
  setPeers(memory, told(7, 700, 2), 1000);
  expect([servers.inFlight[3], servers.workInFlight[3], servers.transferring[3]]).toEqual([12, 700, 3]);
  expect(ownInFlight(memory, 3)).toBe(5);
  setPeers(memory, told(4, 0, 0), 1100);
  expect([servers.inFlight[3], servers.workInFlight[3], servers.transferring[3]]).toEqual([9, 0, 1]);
  forgetPeersAt(servers, peers, 3);
  expect(servers.inFlight[3]).toBe(5);
  expect(servers.inFlight[4]).toBe(4);
  forgetPeers(memory);
  expect(servers.inFlight[4]).toBe(0);
  expect(ownInFlight(memory, 4)).toBe(0);
});

test("what is older than two seconds is taken out, and the clock is not asked where there is nothing", () => {
  setPeers(memory, told(7, 0, 0), 10_000);
  forgetStalePeers(memory, () => 11_900);
  expect(peers.inFlight[0]).toBe(7);
  forgetStalePeers(memory, () => 12_000);
  expect(peers.inFlight[0]).toBe(0);
  expect(servers.inFlight[3]).toBe(5);
  forgetStalePeers(memory, () => {
    throw new Error("asked");
  });
  expect(peers.figures[PeerFigure.HEARD_MS]).toBe(0);
});

test("several that take it out at once take it out once", () => {
  setPeers(memory, told(7, 7, 7), 1);
  for (let i = 0; i < 3; i++) forgetPeers(memory);
  expect(servers.inFlight[3]).toBe(5);
});

test("the audit knows of them, and finds what was lost between two writes", () => {
  memory.header[Header.WORKER_BLOCKS] = 1;
  servers.inFlight.fill(0);
  servers.transferring.fill(0);
  memory.workers[0].ownInFlight[3] = 5;
  servers.inFlight[3] = 5;
  setPeers(memory, told(7, 0, 0), 1);
  const audit = new InFlightAudit(memory);
  for (let i = 0; i < 5; i++) expect(audit.tick()).toEqual([]);
  Atomics.add(servers.inFlight, 3, -2);
  expect(Array.from({ length: 5 }, () => audit.tick()).flat()).toEqual([{ slot: 3, count: "requests", off: -2 }]);
  expect(ownInFlight(memory, 3)).toBe(5);
});
