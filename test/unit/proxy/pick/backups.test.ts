/** Backups and servers that clients stick to: who is asked, and when. */
import { beforeEach, describe, expect, test } from "bun:test";
import { FailingServers } from "../../../../src/balancing/failing-servers.ts";
import { createStrategy } from "../../../../src/balancing/registry.ts";
import { ALL_FULL, NO_SERVER, Picker, type StickyServer } from "../../../../src/proxy/pick/picker.ts";
import { ServerState, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { FREE_ROW, type ServerRow, ServerTableWriter } from "../../../../src/shared/memory/server-table/writer.ts";

const { UP, STANDBY, DOWN, DRAINING } = ServerState;
const POOL = 3;
const OPTIONS = { consecutiveFailures: 2, maxEjectedPercent: 100, baseEjectionMs: 1000 };

let memory: ReturnType<typeof viewSharedMemory>;
let failing: FailingServers;
let picker: Picker;
let rows: Map<number, ServerRow>;

beforeEach(() => {
  memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  failing = new FailingServers(memory.servers, OPTIONS);
  const fleet = { ...memory.servers, identityHash: new Uint32Array(memory.servers.id.length) };
  const strategy = createStrategy("round_robin", { fleet, random: () => 0 });
  picker = new Picker({ memory, own: memory.workers[0], pool: POOL, failing, strategy, decisions: null });
});

/** Publishes servers of the pool in slots 0, 1, … with ids 1, 2, … */
function publish(states: readonly ServerState[], { panic = false, hardLimit = 0, pool = POOL } = {}): void {
  rows = new Map(
    states.map((state, slot) => [
      slot,
      { id: slot + 1, pool, state, weight: 1, effectiveWeight: 1, capacity: 10, hardLimit },
    ]),
  );
  new ServerTableWriter(memory).publish(rows, POOL, panic);
  picker.setKnownIds([...rows].map(([slot, { id }]) => [slot, id] as const));
}

function ask(
  excluded: readonly number[] = [],
  sticky: StickyServer | null = null,
  again = excluded.length > 0,
): number {
  const request = {
    key: 0,
    sticky,
    requestClass: 0,
    idempotent: true,
    requestIdBuffer: Buffer.alloc(0),
    requestIdStart: 0,
    requestIdEnd: 0,
  };
  return picker.acquire(request, 0, excluded, again);
}

function askOften(count: number, ...how: Parameters<typeof ask>): number[] {
  return [...new Set(Array.from({ length: count }, () => ask(...how)))].sort((a, b) => a - b);
}

function fail(slot: number, times = 1): void {
  for (let i = 0; i < times; i++) failing.onFailure(slot, false);
}

describe("backups", () => {
  test("are not asked while there is a server that is none", () => {
    publish([UP, STANDBY, UP, STANDBY]);
    expect(askOften(8)).toEqual([0, 2]);
  });

  test("nor because all others are full", () => {
    publish([UP, STANDBY], { hardLimit: 1 });
    expect([ask(), ask()]).toEqual([0, ALL_FULL]);
  });

  test("are asked when there is no other", () => {
    publish([DOWN, STANDBY, STANDBY]);
    expect(askOften(4)).toEqual([1, 2]);
    publish([DOWN, STANDBY, STANDBY], { hardLimit: 1 });
    for (const slot of [1, 2]) picker.release(slot, 0);
    for (const slot of [1, 2]) picker.release(slot, 0);
    expect([ask(), ask(), ask()].sort()).toEqual([ALL_FULL, 1, 2]);
  });

  test("are asked when all others fail everything", () => {
    publish([UP, STANDBY, UP]);
    fail(0, 2);
    expect(askOften(4)).toEqual([2]);
    fail(2, 2);
    expect(askOften(4)).toEqual([1]);
  });

  test("are asked again after those that have not failed the request, and before those that have", () => {
    publish([UP, STANDBY, UP, STANDBY]);
    expect(askOften(4, [0])).toEqual([2]);
    expect(askOften(4, [0, 2])).toEqual([1, 3]);
    expect(askOften(4, [0, 2, 1])).toEqual([3]);
    expect(askOften(4, [0, 2, 1, 3])).toEqual([0, 1, 2, 3]);
  });

  test("are not asked by a hedge", () => {
    publish([UP, STANDBY]);
    expect(ask([0], null, false)).toBe(0);
  });

  test("keep a request from giving up while nobody found them failing", () => {
    publish([UP, STANDBY]);
    ask();
    expect(picker.hasUntried([0])).toBe(true);
    fail(1);
    expect(picker.hasUntried([0])).toBe(false);
  });

  test("stay backups in panic, when those whose checks fail are asked", () => {
    publish([DOWN, STANDBY], { panic: true });
    expect(askOften(4)).toEqual([0]);
  });
});

test("servers of other pools are nobody's business here, nor is their panic", () => {
  publish([UP, DOWN], { pool: POOL + 1, panic: true });
  expect(ask()).toBe(NO_SERVER);
  publish([UP, DOWN]);
  new ServerTableWriter(memory).publish(new Map([[5, FREE_ROW]]), POOL + 1, true);
  expect(askOften(4)).toEqual([0]);
});

describe("a server that the client sticks to", () => {
  const sticky = { slot: 2, id: 3 };

  test("is asked whatever the strategy says", () => {
    publish([UP, UP, UP]);
    expect(askOften(6, [], sticky)).toEqual([2]);
  });

  test("and nobody else has fewer turns for it", () => {
    publish([UP, UP, UP]);
    const turns = [];
    for (let i = 0; i < 6; i++) {
      ask([], sticky);
      turns.push(ask());
    }
    expect(turns.toSorted()).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test("is asked as a backup too", () => {
    publish([UP, UP, STANDBY]);
    expect(askOften(4, [], sticky)).toEqual([2]);
  });

  test.each([
    ["drains", () => publish([UP, UP, DRAINING])],
    ["is down", () => publish([UP, UP, DOWN])],
    [
      "is gone, and its slot is another's",
      () =>
        picker.setKnownIds([
          [0, 1],
          [1, 2],
          [2, 9],
        ]),
    ],
    ["fails everything", () => fail(2, 2)],
  ])("is not asked when it %s", (_what, happen) => {
    publish([UP, UP, UP]);
    ask();
    happen();
    expect(askOften(4, [], sticky)).toEqual([0, 1]);
    expect(picker.isUsable(sticky, [])).toBe(false);
  });

  test("is not asked again by a request that it failed", () => {
    publish([UP, UP, UP]);
    expect(askOften(4, [2], sticky)).toEqual([0, 1]);
    expect(picker.isUsable(sticky, [2])).toBe(false);
  });

  test("is not waited for when it is full, and stays the client's", () => {
    publish([UP, UP, UP], { hardLimit: 1 });
    expect(ask([], sticky)).toBe(2);
    expect([0, 1]).toContain(ask([], sticky));
    expect(memory.servers.inFlight[2]).toBe(1);
    expect(picker.isUsable(sticky, [])).toBe(true);
  });
});
