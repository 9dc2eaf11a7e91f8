import { expect, test } from "bun:test";
import { AbuseBudget } from "../../../../src/proxy/http2/budget.ts";

/** How often in a row it may be spent at one moment. */
function spendable(budget: AbuseBudget, nowMs: number): number {
  let times = 0;
  while (budget.spend(nowMs)) times++;
  return times;
}

test("two hundred at once, and twenty a second", () => {
  const budget = new AbuseBudget(1000);
  expect(spendable(budget, 1000)).toBe(200);
  const later = new AbuseBudget(0);
  for (let i = 0; i < 200; i++) expect(later.spend(0)).toBe(true);
  for (let ms = 50; ms <= 10_000; ms += 50) expect(later.spend(ms)).toBe(true);
  expect(later.spend(10_000)).toBe(false);
});

test("waiting brings no more than there was at first", () => {
  const budget = new AbuseBudget(0);
  budget.spend(0);
  expect(spendable(budget, 3_600_000)).toBe(200);
});

test("useful work brings more, up to a bound, and waiting does not take it away", () => {
  const budget = new AbuseBudget(0);
  for (let i = 0; i < 100; i++) budget.earn(4);
  expect(spendable(budget, 5000)).toBe(600);
  const rich = new AbuseBudget(0);
  for (let i = 0; i < 100_000; i++) rich.earn(4);
  expect(spendable(rich, 0)).toBe(2000);
});
