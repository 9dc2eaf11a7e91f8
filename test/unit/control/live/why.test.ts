/** A sentence says why a server gets what it gets. */
import { describe, expect, test } from "bun:test";
import { type WhyPool, type WhyServer, why } from "../../../../src/control/live/why.ts";

const SERVER: WhyServer = {
  state: "up",
  reason: "health check passed",
  share: 0.5,
  weight: 1,
  effective: 1,
  inFlight: 3,
  limit: null,
  hardLimit: 0,
  p50: 12,
  expectedMs: null,
};
const POOL: WhyPool = {
  strategy: "adaptive",
  panic: false,
  usable: 2,
  weights: 2,
  inFlight: 4.5,
  p50: 31,
  expectedMs: null,
  fastestMs: 12,
};
const said = (server: Partial<WhyServer>, pool: Partial<WhyPool> = {}) =>
  why({ ...SERVER, ...server }, { ...POOL, ...pool });

describe("why a server gets what it gets", () => {
  test("by its speed, as it was or as it is expected", () => {
    expect(said({})).toBe(
      "fastest: 12 ms of late against 31 ms of the fleet; gets 50 %, as its weight alone would give (50 %)",
    );
    expect(said({ expectedMs: 60, share: 0.1 }, { expectedMs: 31, fastestMs: 5 })).toBe(
      "slow: 60 ms expected at this load against 31 ms of the fleet; gets 10 %, less than its weight alone would give (50 %)",
    );
    expect(said({ p50: null }, { p50: null, fastestMs: null })).toStartWith("nothing is known of its speed yet");
  });

  test("by load, weight, turn or key, as the strategy goes", () => {
    expect(said({}, { strategy: "least_connections" })).toStartWith("3 in flight, 4.5 on average");
    expect(said({ effective: 3 }, { strategy: "weighted_round_robin", weights: 7 })).toStartWith("by weight: 3 of 7");
    expect(said({}, { strategy: "round_robin" })).toStartWith("in turn with 1 other, whatever its weight");
    expect(said({}, { strategy: "consistent_hash" })).toStartWith("gets the requests whose key is its own");
    expect(said({ share: 1 }, { usable: 1 })).toBe("the only one that takes requests");
  });

  test("says what holds it back", () => {
    expect(said({ effective: 0.4, share: null })).toContain("slow start: 40 % of its weight");
    expect(said({ inFlight: 20, hardLimit: 20, limit: 8, share: null })).toContain("full: 20 of 20");
    expect(said({ inFlight: 8, hardLimit: 20, limit: 8, share: null })).toContain(
      "at its limit: 8 of the 8 that it works on at once",
    );
    expect(said({ inFlight: 7, hardLimit: 20, limit: 8, share: null })).not.toContain("limit");
    expect(said({ state: "starting", share: null })).toContain("no health check has succeeded yet");
  });

  test("says why it gets nothing", () => {
    expect(said({ state: "down", reason: "health check failed: 503" })).toBe(
      "gets nothing, it is down: health check failed: 503",
    );
    expect(said({ state: "draining", reason: "drained by an operator" })).toBe(
      "finishes 3 and gets nothing new: drained by an operator",
    );
    expect(said({ state: "standby", reason: "a backup" })).toBe("stands by: a backup");
    expect(said({ state: "down", share: null }, { panic: true })).toBe(
      "down, and gets requests all the same: so few servers are well that all are asked (panic)",
    );
  });
});
