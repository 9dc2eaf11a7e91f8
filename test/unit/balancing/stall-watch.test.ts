import { describe, expect, test } from "bun:test";
import { StallWatch } from "../../../src/balancing/stall-watch.ts";
import { fleetOf } from "./fleet.ts";

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

describe("a server", () => {
  test("that waits for nothing is never stalled", () => {
    const { watch } = watched();
    expect(watch.penalty(0, 10, 1e9)).toBe(1);
  });

  test("is stalled when four answers are overdue: the sooner, the more it has", () => {
    for (const [count, stalledMs] of [
      [1, 40],
      [4, 10],
      [20, 2],
    ]) {
      const { watch, send } = watched();
      for (let i = 0; i < count; i++) send(0, 1000);
      expect(watch.penalty(0, 10, 1000 + stalledMs)).toBe(1);
      expect(watch.penalty(0, 10, 1000 + stalledMs * 1.1)).toBeGreaterThan(1);
      expect(watch.penalty(1, 10, 1000 + stalledMs * 1.1)).toBe(1);
    }
  });

  test("is avoided the more, the longer it is silent, and no more once it answers", () => {
    const { watch, send, answer } = watched();
    for (let i = 0; i < 5; i++) send(0, 0);
    expect(watch.penalty(0, 10, 100)).toBeCloseTo(11, 9);
    expect(watch.penalty(0, 10, 200)).toBeCloseTo(21, 9);
    answer(0, 200);
    expect(watch.penalty(0, 10, 201)).toBe(1);
  });

  test("was not silent while it had nothing to answer", () => {
    const { watch, send, answer } = watched();
    send(0, 0);
    answer(0, 10);
    send(0, 5000);
    expect(watch.penalty(0, 10, 5030)).toBe(1);
  });
});

test("clients that give up leave no lasting trace", () => {
  const { fleet, watch, send } = watched();
  for (let i = 0; i < 6; i++) send(0, 0);
  fleet.inFlight[0] = 0; // no outcomes
  expect(watch.waiting(0)).toBe(0);
  send(0, 900);
  expect(watch.waiting(0)).toBe(1);
  expect(watch.penalty(0, 10, 930)).toBe(1);
});

test("a newcomer in the slot starts afresh", () => {
  const { fleet, watch, send } = watched();
  for (let i = 0; i < 6; i++) send(0, 0);
  fleet.place(0);
  fleet.inFlight[0] = 6;
  expect(watch.penalty(0, 10, 1000)).toBe(1);
  send(0, 1000);
  expect(watch.waiting(0)).toBe(1);
});
