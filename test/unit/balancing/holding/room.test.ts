import { expect, test } from "bun:test";
import { hasRoom, isOverdue, limitOf, NO_LIMIT, withRoom } from "../../../../src/balancing/holding/room.ts";

const CANDIDATES = Int32Array.of(0, 1, 2, 3);

function fleet(inFlight: number[], limit: number[], owner = [10, 11, 12, 13], transferring = [0, 0, 0, 0]) {
  return {
    view: {
      inFlight: Int32Array.from(inFlight),
      transferring: Int32Array.from(transferring),
      id: Int32Array.of(10, 11, 12, 13),
    },
    limits: { limit: Int32Array.from(limit), limitId: Int32Array.from(owner), ownLimit: new Int32Array(limit.length) },
  };
}

test("a server has room below its limit, and always without one", () => {
  const { view, limits } = fleet([1, 2, 3, 1000], [2, 2, 2, NO_LIMIT]);
  expect([0, 1, 2, 3].map((slot) => hasRoom(limits, view, slot))).toEqual([true, false, false, true]);
});

test("a response that has begun takes no place, however many there are", () => {
  const { view, limits } = fleet([100, 101, 102, 2], [2, 2, 2, 2], undefined, [100, 100, 100, 0]);
  expect([0, 1, 2, 3].map((slot) => hasRoom(limits, view, slot))).toEqual([true, true, false, false]);
  const into = new Int32Array(4);
  expect(withRoom(limits, view, CANDIDATES, 4, into)).toBe(2);
});

test("those with room stay in their order; nobody with room means that the request is held", () => {
  const into = new Int32Array(4);
  const some = fleet([2, 1, 2, 0], [2, 2, 2, 1]);
  expect(withRoom(some.limits, some.view, CANDIDATES, 4, into)).toBe(2);
  expect([...into.subarray(0, 2)]).toEqual([1, 3]);
  expect(withRoom(some.limits, some.view, CANDIDATES, 1, into)).toBe(0);
});

test("where others send requests, too, a full server has room while this instance has less than its own part there", () => {
  const { view, limits } = fleet([4, 4, 4, 3], [4, 4, 4, 4]);
  const peers = { inFlight: Int32Array.of(3, 2, 4, 3), transferring: new Int32Array(4) };
  limits.ownLimit.fill(2);
  const shared = { ...view, peers };
  expect([0, 1, 2, 3].map((slot) => hasRoom(limits, shared, slot))).toEqual([true, false, true, true]);
  expect(withRoom(limits, shared, CANDIDATES, 4, new Int32Array(4))).toBe(3);
  // What others transfer is part of what is transferred in all, and nobody's work.
  peers.transferring[1] = 1;
  view.transferring[1] = 1;
  expect(hasRoom(limits, shared, 1)).toBe(true);
  limits.ownLimit.fill(0);
  expect(hasRoom(limits, shared, 0)).toBe(false);
  expect([0, 1, 2, 3].map((slot) => hasRoom(limits, view, slot))).toEqual([false, true, false, true]);
});

test("the limit of a server that has left holds for nobody", () => {
  const { view, limits } = fleet([5, 5, 5, 5], [2, 2, 2, 2], [10, 99, 12, 0]);
  expect(limitOf(limits, view.id, 0)).toBe(2);
  expect(limitOf(limits, view.id, 1)).toBe(NO_LIMIT);
  expect(hasRoom(limits, view, 1)).toBe(true);
});

test("a request is sent anyway once it was held for as long as the patience; without patience at once", () => {
  expect(isOverdue(99.9, 100)).toBe(false);
  expect(isOverdue(100, 100)).toBe(true);
  expect(isOverdue(0, 0)).toBe(true);
  expect(isOverdue(5, Number.NaN)).toBe(true);
});
