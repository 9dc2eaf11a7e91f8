import { expect, test } from "bun:test";
import { toProxySettings } from "../../../../../src/config/proxy-settings.ts";
import { isAnyBalanced, learnedPools } from "../../../../../src/control/processes/learner/learned-pools.ts";
import { configOf } from "../../../../support/configuration.ts";

const poolsOf = (env: Record<string, string>) => learnedPools(toProxySettings(configOf(env), { nowMs: 0 }));

test("a pool with `ml` is balanced, whatever is kept of others", () => {
  for (const LEARNING_SAMPLES of ["on", "off"]) {
    const pools = poolsOf({ LB_STRATEGY: "ml", LEARNING_SAMPLES });
    expect(pools).toEqual([{ row: 0, name: "default", limits: true, classes: true }]);
    expect(isAnyBalanced(pools)).toBe(true);
  }
});

test("one with another strategy is observed while samples are kept", () => {
  const pools = poolsOf({ LB_STRATEGY: "least_connections" });
  expect(pools).toEqual([{ row: 0, name: "default", observed: true, samples: true }]);
  expect(isAnyBalanced(pools)).toBe(false);
  expect(poolsOf({ LB_STRATEGY: "adaptive", LEARNING_SAMPLES: "off" })).toEqual([]);
});

test("limits are learned where `ml` balances, unless they are off, and elsewhere where they are asked for", () => {
  expect(poolsOf({ LB_STRATEGY: "ml", CONCURRENCY_LIMITS: "off" })).toMatchObject([{ name: "default" }]);
  expect(poolsOf({ LB_STRATEGY: "ml", CONCURRENCY_LIMITS: "off" })[0]).not.toHaveProperty("limits");
  const asked = { LB_STRATEGY: "round_robin", CONCURRENCY_LIMITS: "learned" };
  expect(poolsOf({ ...asked, LEARNING_SAMPLES: "off" })).toEqual([
    { row: 0, name: "default", observed: true, limits: true },
  ]);
  expect(poolsOf({ ...asked, LEARNING_SAMPLES: "on" })).toEqual([
    { row: 0, name: "default", observed: true, samples: true, limits: true },
  ]);
});

test("and so are classes of requests", () => {
  const none = { CONCURRENCY_LIMITS: "off", LEARNING_SAMPLES: "off" };
  expect(poolsOf({ ...none, LB_STRATEGY: "ml" })).toEqual([{ row: 0, name: "default", classes: true }]);
  expect(poolsOf({ ...none, LB_STRATEGY: "adaptive" })).toEqual([]);
  expect(poolsOf({ ...none, LB_STRATEGY: "adaptive", REQUEST_CLASSES: "on" })).toEqual([
    { row: 0, name: "default", observed: true, classes: true },
  ]);
});
