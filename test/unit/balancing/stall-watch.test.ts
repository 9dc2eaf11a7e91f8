import { describe, expect, test } from "bun:test";
import { StallWatch, stallFactor } from "../../../src/balancing/stall-watch.ts";
import { fleetOf, make, SLOTS } from "./fleet.ts";

function watched() {
  const fleet = fleetOf([0, 1]);
  const watch = new StallWatch(fleet);
  return {
    fleet,
    watch,
    send: (slot: number, nowMs: number) => {
      watch.onPick(slot, nowMs);
      fleet.inFlight[slot]++;
    },
    answer: (slot: number, nowMs: number) => {
      fleet.inFlight[slot]--;
      watch.onOutcome(slot, nowMs);
    },
  };
}

/** What the silence of the server in `slot` says at `nowMs`. */
function penalty(watch: StallWatch, slot: number, expectedMs: number, nowMs: number): number {
  return stallFactor(nowMs + watch.clockOffsetMs - watch.silentSinceMs[slot], watch.waiting(slot), expectedMs);
}

describe("a server", () => {
  test("that waits for nothing is never stalled", () => {
    const { watch } = watched();
    expect(penalty(watch, 0, 10, 1e9)).toBe(1);
  });

  test("is suspected from its first overdue answer on: the sooner, the more it has", () => {
    for (const [count, overdueMs] of [
      [1, 10],
      [4, 2.5],
      [20, 0.5],
    ]) {
      const { watch, send } = watched();
      for (let i = 0; i < count; i++) send(0, 1000);
      expect(penalty(watch, 0, 10, 1000 + overdueMs * 0.9)).toBe(1);
      expect(penalty(watch, 0, 10, 1000 + overdueMs * 1.1)).toBeGreaterThan(1);
      expect(penalty(watch, 1, 10, 1000 + overdueMs * 1.1)).toBe(1);
    }
  });

  test("stands still with the odds of Bayes, and its pause is expected to last as long again", () => {
    const { watch, send } = watched();
    for (let i = 0; i < 2; i++) send(0, 0);
    const odds = 0.05 * Math.exp(4); // two requests of 10 ms each, silent for 20 ms: four answers are missing
    expect(penalty(watch, 0, 10, 20)).toBeCloseTo(1 + (odds / (1 + odds)) * 2, 9);
  });

  test("is avoided the more, the longer it is silent, and no more once it answers", () => {
    const { watch, send, answer } = watched();
    for (let i = 0; i < 5; i++) send(0, 0);
    expect(penalty(watch, 0, 10, 100)).toBeCloseTo(11, 2);
    expect(penalty(watch, 0, 10, 200)).toBeCloseTo(21, 2);
    answer(0, 200);
    expect(penalty(watch, 0, 10, 201)).toBe(1);
  });

  test("was not silent while it had nothing to answer", () => {
    const { watch, send, answer } = watched();
    send(0, 0);
    answer(0, 10);
    send(0, 5000);
    expect(penalty(watch, 0, 10, 5009)).toBe(1);
  });
});

describe("a standstill of our own", () => {
  test("is no silence of servers, and takes nothing off a silence that began later", () => {
    const { watch, send } = watched();
    for (let i = 0; i < 5; i++) send(0, 100);
    watch.onStandstill(105, 505);
    const odds = 0.05 * Math.exp(2.5); // five requests of 10 ms each, silent for 5 ms
    expect(penalty(watch, 0, 10, 505)).toBeCloseTo(1 + (odds / (1 + odds)) * 0.5, 9);
    expect(penalty(watch, 0, 10, 600)).toBeCloseTo(11, 1);
    for (let i = 0; i < 5; i++) send(1, 600);
    watch.onStandstill(550, 590);
    expect(penalty(watch, 1, 10, 700)).toBeCloseTo(11, 1);
  });

  test("of all who listen together at once leaves at least what has passed since", () => {
    const fleet = fleetOf([0]);
    const sinceMs = new Float64Array(fleet.id.length);
    const workers = [0, 1, 2, 3].map(
      (worker) =>
        new StallWatch({
          ...fleet,
          together: { sinceMs, transferring: new Int32Array(64), clockOffsetMs: 1000 * worker },
        }),
    );
    workers[0].onPick(0, 4000);
    fleet.inFlight[0] = 4;
    for (const [worker, watch] of workers.entries()) watch.onStandstill(4100 - 1000 * worker, 4500 - 1000 * worker);
    expect(sinceMs[0]).toBeGreaterThanOrEqual(4400);
    expect(sinceMs[0]).toBeLessThanOrEqual(4500);
    expect(penalty(workers[0], 0, 10, 4600)).toBeGreaterThan(10);
  });
});

describe("a response that has begun and goes on", () => {
  test.each(["adaptive", "ml"])("is no silence of its server: %s goes on sending there", (name) => {
    const transferring = new Int32Array(SLOTS);
    const together = { sinceMs: new Float64Array(SLOTS), transferring, clockOffsetMs: 0 };
    const fleet = { ...fleetOf([0, 1]), together };
    const strategy = make(name, fleet);
    let nowMs = 1000;
    const request = (...among: number[]) => {
      const slot = strategy.pick(Int32Array.from(among), among.length, 0, nowMs);
      strategy.onOutcome?.(slot, 10, false, nowMs + 10, fleet.inFlight[slot]);
      nowMs += 20;
      return slot;
    };
    for (let i = 0; i < 20; i++) request(0, 1);
    for (const slot of [0, 1]) {
      fleet.inFlight[slot] = 5;
      transferring[slot] = 5;
    }
    // For a second the second one has nothing to respond to; then the first has much to do.
    for (let i = 0; i < 50; i++) request(0);
    fleet.inFlight[0] += 40;
    for (let i = 0; i < 5; i++) expect(request(0, 1)).toBe(1);
  });
});

test("clients that give up leave no lasting trace", () => {
  const { fleet, watch, send } = watched();
  for (let i = 0; i < 6; i++) send(0, 0);
  fleet.inFlight[0] = 0; // no outcomes
  expect(watch.waiting(0)).toBe(0);
  send(0, 900);
  expect(watch.waiting(0)).toBe(1);
  expect(penalty(watch, 0, 10, 909)).toBe(1);
});

test("a newcomer in the slot starts afresh", () => {
  const { fleet, watch, send } = watched();
  for (let i = 0; i < 6; i++) send(0, 0);
  fleet.place(0);
  fleet.inFlight[0] = 6;
  expect(penalty(watch, 0, 10, 1000)).toBe(1);
  send(0, 1000);
  expect(watch.waiting(0)).toBe(1);
});

test("those who count together hear together, on one clock", () => {
  const fleet = fleetOf([0]);
  const sinceMs = new Float64Array(fleet.id.length);
  const transferring = new Int32Array(64);
  const one = new StallWatch({ ...fleet, together: { sinceMs, transferring, clockOffsetMs: 1000 } });
  const other = new StallWatch({ ...fleet, together: { sinceMs, transferring, clockOffsetMs: 5000 } });
  one.onPick(0, 4000); // 5000 by the common clock
  fleet.inFlight[0] = 4;
  expect(other.waiting(0)).toBe(4);
  expect(penalty(other, 0, 10, 2)).toBe(1); // 5002
  expect(penalty(other, 0, 10, 50)).toBeGreaterThan(1);
  one.onOutcome(0, 4049);
  expect(penalty(other, 0, 10, 50)).toBe(1);
});

test("what other instances have in flight is no silence here", () => {
  const fleet = fleetOf([0]);
  const peers = { inFlight: new Int32Array(64), transferring: new Int32Array(64) };
  const together = { sinceMs: new Float64Array(64), transferring: new Int32Array(64), clockOffsetMs: 0 };
  const watch = new StallWatch({ ...fleet, together, peers });
  fleet.inFlight[0] = 7;
  peers.inFlight[0] = 5;
  together.transferring[0] = 2;
  peers.transferring[0] = 1;
  expect(watch.told(0)).toBe(4);
  expect(watch.waiting(0)).toBe(1); // two of our own, one of them in transfer
  fleet.inFlight[0] = 5;
  expect(watch.waiting(0)).toBe(0);
  expect(penalty(watch, 0, 10, 10_000)).toBe(1);
});
