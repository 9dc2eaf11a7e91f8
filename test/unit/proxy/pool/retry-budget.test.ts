import { describe, expect, test } from "bun:test";
import { RetryBudget } from "../../../../src/proxy/pool/retry-budget.ts";

const taken = (budget: RetryBudget, tries: number, nowMs: number) =>
  Array.from({ length: tries }, () => budget.tryTake(nowMs)).filter(Boolean).length;

describe("RetryBudget", () => {
  test("a share of requests, beyond the floor it begins with", () => {
    const budget = new RetryBudget(0.2, 3, 0);
    expect(taken(budget, 10, 0)).toBe(3);
    for (let i = 0; i < 100; i++) budget.onRequest();
    const retries = taken(budget, 100, 0);
    expect(retries).toBeGreaterThanOrEqual(19); // floating point may hold the last one back
    expect(retries).toBeLessThanOrEqual(20);
  });

  test("the floor comes back with time", () => {
    const budget = new RetryBudget(0.2, 3, 0);
    taken(budget, 3, 0);
    expect(taken(budget, 10, 1000)).toBe(3);
    expect(taken(budget, 10, 1001)).toBe(0);
  });

  test("what is saved up is bounded", () => {
    const budget = new RetryBudget(0.2, 3, 0);
    for (let i = 0; i < 1_000_000; i++) budget.onRequest();
    expect(taken(budget, 100_000, 1e9)).toBeLessThanOrEqual(201);
  });

  test("a ratio of 0 allows none, ever", () => {
    const budget = new RetryBudget(0, 3, 0);
    for (let i = 0; i < 100; i++) budget.onRequest();
    expect(taken(budget, 10, 1e6)).toBe(0);
  });
});
