/** A waiting request whose attempt failed at once freed its place, which served the very same request a second time. */
import { expect, test } from "bun:test";
import { WaitQueue } from "../../src/proxy/pick/wait-queue.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../src/shared/memory/layout/shared-memory.ts";

test("a poll within a poll serves the next one", () => {
  const queue = new WaitQueue(
    viewSharedMemory(new ArrayBuffer(SHARED_BYTES)).workers[0],
    () => 0,
    () => {},
  );
  const served: string[] = [];
  const waiting = (name: string) => ({
    retryFromQueue(nowMs: number) {
      served.push(name);
      queue.poll(nowMs);
      return true;
    },
  });
  queue.push(waiting("first"));
  queue.push(waiting("second"));
  queue.poll(0);
  expect(served).toEqual(["first", "second"]);
  expect(queue.length).toBe(0);
});
