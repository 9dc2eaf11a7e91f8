import { expect, test } from "bun:test";
import { OwnPart } from "../../../../src/learning/limits/own-part.ts";

const SLOTS = Int32Array.of(0, 2);

/** Looks for so long at servers 0 and 2 with so many requests each of its own and of others. */
function look(part: OwnPart, own: readonly number[], others: readonly number[], fromMs = 0, forMs = 10_000) {
  const columns = (values: readonly number[]) => Int32Array.of(values[0], 0, values[1]);
  const transferring = new Int32Array(3);
  const all = { inFlight: columns(own.map((value, i) => value + others[i])), transferring };
  const peers = { inFlight: columns(others), transferring };
  for (let ms = fromMs; ms <= fromMs + forMs; ms += 100) part.tick(SLOTS, SLOTS.length, all, peers, ms);
}

test("each instance has the part of a limit that it has of the requests, and one at least", () => {
  const part = new OwnPart(3);
  look(part, [2, 0], [6, 6]);
  expect(part.hasOthers).toBe(true);
  expect(part.ownLimit(0, 8)).toBe(3); // 2.01 of 8.01 parts of 8, rounded up
  expect(part.ownLimit(2, 8)).toBe(1);
  expect(part.ownLimit(2, 0)).toBe(0); // no limit has no parts
});

test("a server that nobody else uses is whole this instance's", () => {
  const part = new OwnPart(3);
  look(part, [4, 4], [0, 0]);
  expect(part.hasOthers).toBe(false);
  expect(part.ownLimit(0, 5)).toBe(0);
});

test("others that have gone are forgotten within seconds, and so is another server's in the same slot", () => {
  const part = new OwnPart(3);
  look(part, [1, 1], [3, 3]);
  part.clear(2);
  expect(part.ownLimit(2, 4)).toBe(0);
  look(part, [1, 1], [0, 0], 10_100);
  expect(part.ownLimit(0, 4)).toBe(0);
  expect(part.hasOthers).toBe(false);
});

test("others with hardly any requests change nothing", () => {
  const part = new OwnPart(3);
  look(part, [100, 100], [1, 1]);
  expect(part.hasOthers).toBe(false);
});
