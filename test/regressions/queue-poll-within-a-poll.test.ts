/** A waiting request whose attempt failed at once freed its place, which served the very same request a second time. */
import { expect, test } from "bun:test";
import { ALL_FULL } from "../../src/proxy/pick/picker.ts";
import { Neighbours } from "../../src/proxy/pool/queue/neighbours.ts";
import { type Waiting, WaitingPlace } from "../../src/proxy/pool/queue/wait-line.ts";
import { WaitQueue } from "../../src/proxy/pool/queue/wait-queue.ts";
import { NO_WAKES } from "../../src/proxy/pool/queue/wake-sockets.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../src/shared/memory/layout/shared-memory.ts";

test("a poll within a poll serves the next one", () => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  let isFull = true;
  const queue = new WaitQueue({
    block: memory.workers[0],
    row: 0,
    pool: { hasRoom: () => !isFull, room: { holds: () => false, patienceMs: 0 } },
    neighbours: new Neighbours(memory, 0, NO_WAKES, () => 0),
    now: () => 0,
    onError: (error) => {
      throw error;
    },
  });
  queue.configure(10, 1000);
  const served: string[] = [];
  const waiting = (name: string): WaitingPlace => {
    const who: Waiting = {
      acquireFromQueue: () => (isFull ? ALL_FULL : 0),
      leaveFor: (_slot, nowMs) => {
        served.push(name);
        queue.poll(nowMs);
      },
      shed: () => served.push("shed"),
    };
    return new WaitingPlace(who);
  };
  queue.enter(waiting("first"), ALL_FULL, false, 0);
  queue.enter(waiting("second"), ALL_FULL, false, 0);
  isFull = false;
  queue.poll(0);
  expect(served).toEqual(["first", "second"]);
  expect(queue.length).toBe(0);
});
