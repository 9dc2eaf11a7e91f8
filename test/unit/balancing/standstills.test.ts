import { expect, test } from "bun:test";
import { Standstills } from "../../../src/balancing/standstills.ts";

test("nothing is lost before the first one", () => {
  expect(new Standstills().lostSince(0)).toBe(0);
});

test("what was under way lost all that came since, and nothing of what was before", () => {
  const standstills = new Standstills();
  standstills.add(100, 150);
  standstills.add(300, 420);
  expect([50, 200, 300, 420, 500].map((sinceMs) => standstills.lostSince(sinceMs))).toEqual([170, 120, 120, 0, 0]);
});

test("a moment between two readings of the clock is not taken off", () => {
  const standstills = new Standstills();
  standstills.add(100, 150);
  expect(standstills.lostSince(120)).toBe(0); // whoever sent something then did not stand still
});

test("the last eight are remembered", () => {
  const standstills = new Standstills();
  for (let i = 0; i < 20; i++) standstills.add(100 * i, 100 * i + 10);
  expect(standstills.lostSince(-1)).toBe(80);
});
