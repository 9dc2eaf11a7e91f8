import { expect, test } from "bun:test";
import { ClientDeadline, ClientTask, clientTask } from "../../../../src/proxy/exchange/client-deadline.ts";
import type { Downstream } from "../../../../src/proxy/exchange/downstream.ts";
import { Phase } from "../../../../src/proxy/exchange/phase.ts";
import type { ProxiedRequest } from "../../../../src/proxy/exchange/request.ts";
import { Timed, TimerWheel } from "../../../../src/proxy/sockets/timer-wheel.ts";

const { NONE, WAIT, SEND, TAKE } = ClientTask;

test("what the client has to do next follows from the state", () => {
  const tasks = Object.fromEntries(
    Object.entries(Phase).map(([name, phase]) => [
      name,
      [
        clientTask(phase, 0, false), // nothing queued, no body awaited
        clientTask(phase, 0, true),
        clientTask(phase, 1, false),
        clientTask(phase, 1, true),
      ],
    ]),
  );
  expect(tasks).toEqual({
    IDLE: [NONE, NONE, NONE, NONE],
    DISPATCH: [NONE, NONE, NONE, NONE],
    AUTHORISING: [NONE, NONE, NONE, NONE],
    QUEUED: [WAIT, WAIT, WAIT, WAIT],
    ATTEMPTING: [NONE, SEND, NONE, SEND],
    RESPONDING: [NONE, SEND, TAKE, TAKE],
    TUNNEL: [NONE, NONE, NONE, NONE],
  });
});

const TICK_MS = 50;

/** A client, and how its deadline passes on a wheel. */
function setUp() {
  const wheel = new TimerWheel(0, TICK_MS);
  const settings = { queueTimeoutMs: 1000, requestBodyTimeoutMs: 2000, responseBodyTimeoutMs: 3000 };
  const request = { pool: { settings }, target: { settings }, requestBodyTimeoutMs: 2000 } as unknown as ProxiedRequest;
  const deadline = new ClientDeadline(wheel, request);
  let fired = false;
  const client = new (class extends Timed {
    override onDeadline(): void {
      fired = true;
    }
  })() as unknown as Downstream;
  return {
    update: (task: ClientTask, moved: ClientTask, nowMs: number) => deadline.update(client, task, moved, nowMs),
    /** The first of these moments at which it has passed; NaN = at none. */
    passes(...moments: number[]): number {
      for (const nowMs of moments) {
        wheel.advance(nowMs);
        if (fired) return nowMs;
      }
      return Number.NaN;
    },
  };
}

test.each([
  ["queue", WAIT, 1000],
  ["request body", SEND, 2000],
  ["response", TAKE, 3000],
] as const)("each task has its time: %s", (_what, task, ms) => {
  const { update, passes } = setUp();
  update(task, NONE, 0);
  expect(passes(ms - TICK_MS, ms + 2 * TICK_MS)).toBe(ms + 2 * TICK_MS);
});

test("progress with it gives more time, progress with something else does not", () => {
  const moved = setUp();
  moved.update(TAKE, TAKE, 0);
  moved.update(TAKE, TAKE, 2000);
  expect(moved.passes(4900, 5100)).toBe(5100);
  const other = setUp();
  other.update(TAKE, TAKE, 0);
  other.update(TAKE, SEND, 2000);
  expect(other.passes(2900, 3100)).toBe(3100);
});

test("another task is given its time anew, and none ends the deadline", () => {
  const { update, passes } = setUp();
  update(SEND, SEND, 0);
  update(TAKE, SEND, 1000);
  update(SEND, TAKE, 1500);
  expect(passes(3400)).toBeNaN();
  update(NONE, NONE, 3400);
  expect(passes(10_000)).toBeNaN();
});
