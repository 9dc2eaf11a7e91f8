import { expect, test } from "bun:test";
import { OthersHeard } from "../../../../src/control/fleet/others.ts";

const VOTES = { known: Int32Array.of(2), down: Int32Array.of(1), ejected: Int32Array.of(0) };

test("is believed for a second and a half, and never for two", () => {
  const others = new OthersHeard();
  expect(others.fresh(0)).toBeNull();
  others.hear(VOTES, 1_000);
  for (let nowMs = 1_000; nowMs <= 2_500; nowMs += 100) expect(others.fresh(nowMs)).toBe(VOTES);
  for (let nowMs = 2_600; nowMs < 2_900; nowMs += 100) others.fresh(nowMs);
  expect(others.fresh(2_900)).toBeNull();
  others.hear(VOTES, 3_000);
  expect(others.fresh(3_100)).toBe(VOTES);
});

test("outlives a standstill of the instance itself, whose news has still to be read", () => {
  const others = new OthersHeard();
  others.hear(VOTES, 0);
  expect(others.fresh(60_000)).toBe(VOTES);
  others.hear(VOTES, 60_001);
  expect(others.fresh(60_100)).toBe(VOTES);
  expect(others.fresh(61_600)).toBe(VOTES);
  expect(others.fresh(61_800)).toBeNull();
});

test("is gone at once when the cluster is lost", () => {
  const others = new OthersHeard();
  others.hear(VOTES, 0);
  others.lose();
  expect(others.fresh(1)).toBeNull();
});
