import { expect, test } from "bun:test";
import { createStrategy, isSameStrategy, STRATEGIES, STRATEGY_NAMES } from "../../../src/balancing/registry.ts";
import { fleetOf } from "./fleet.ts";

const dependencies = { fleet: fleetOf([0]), random: () => 0 };

test("lists each strategy once, named as in configuration, described in one line", () => {
  expect(new Set(STRATEGY_NAMES).size).toBe(STRATEGIES.length);
  for (const { name, description } of STRATEGIES) {
    expect(name).toMatch(/^[a-z0-9_]+$/);
    expect(description).toMatch(/^[A-Z][^\n]{10,118}\.$/);
  }
  expect(STRATEGY_NAMES).toContain("least_connections");
});

test("an unknown name fails and the error lists the valid ones", () => {
  expect(() => createStrategy("least_conn", dependencies)).toThrow(
    `unknown strategy "least_conn": use one of ${STRATEGY_NAMES.join(", ")}`,
  );
  expect(() => createStrategy("toString", dependencies)).toThrow("unknown strategy");
});

test("only consistent_hash asks for a key", () => {
  const usingKeys = STRATEGY_NAMES.filter((name) => createStrategy(name, dependencies).usesKey === true);
  expect(usingKeys).toEqual(["consistent_hash"]);
});

test("options reach the strategy", () => {
  for (const hashBalanceFactor of [0.99, 0, -1, Number.NaN]) {
    expect(() => createStrategy("consistent_hash", dependencies, { hashBalanceFactor })).toThrow(RangeError);
  }
  createStrategy("consistent_hash", dependencies, { hashBalanceFactor: Number.POSITIVE_INFINITY });
});

test("a strategy is made anew when it is another, or an option of its own changes", () => {
  const settings = { strategy: "consistent_hash", hashBalanceFactor: 1.25 };
  expect(isSameStrategy(settings, { ...settings })).toBe(true);
  expect(isSameStrategy(settings, { ...settings, hashBalanceFactor: 2 })).toBe(false);
  expect(isSameStrategy(settings, { ...settings, strategy: "p2c" })).toBe(false);
  const other = { ...settings, strategy: "p2c" };
  expect(isSameStrategy(other, { ...other, hashBalanceFactor: 2 })).toBe(true); // what p2c has learned is kept
});
