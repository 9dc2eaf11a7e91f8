import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ejectionAllowance } from "../../../src/balancing/failing-servers.ts";
import { OutlierEjection, type OutlierObservation, type OutlierOptions } from "../../../src/health/outlier-ejection.ts";

const options: OutlierOptions = {
  enabled: true,
  consecutiveFailures: 5,
  failurePercent: 50,
  minimumVolume: 20,
  latencyFactor: 4,
  baseEjectionMs: 1000,
  maxEjectionMs: 10_000,
  maxEjectedPercent: 50,
};
const fine: OutlierObservation = {
  consecutiveFailures: 0,
  attempts: 100,
  failures: 0,
  meanLatencyMs: 10,
  fleetMedianLatencyMs: 10,
  probationAttempts: 0,
  probationFailures: 0,
};
const make = () => new OutlierEjection(() => 0);
const verdict = (seen: Partial<OutlierObservation>, changed: Partial<OutlierOptions> = {}) =>
  make().verdict({ ...fine, ...seen }, { ...options, ...changed });

describe("verdict", () => {
  test("failures in a row", () => {
    expect(verdict({ consecutiveFailures: 4 })).toBeUndefined();
    expect(verdict({ consecutiveFailures: 5 })).toEqual({
      cause: "consecutive_failures",
      reason: "5 failures in a row",
    });
    expect(verdict({ consecutiveFailures: 50 }, { consecutiveFailures: 0 })).toBeUndefined();
  });

  test("share of failures, given enough answers", () => {
    expect(verdict({ attempts: 20, failures: 9 })).toBeUndefined();
    expect(verdict({ attempts: 20, failures: 10 })).toEqual({
      cause: "failure_share",
      reason: "10 of 20 answers failed",
    });
    expect(verdict({ attempts: 19, failures: 19 })).toBeUndefined();
    expect(verdict({ attempts: 20, failures: 20 }, { failurePercent: 0 })).toBeUndefined();
  });

  test("latency against the fleet's median; unknown is no outlier", () => {
    const reason = "mean response 41 ms, fleet median 10 ms";
    expect(verdict({ meanLatencyMs: 41 })).toEqual({ cause: "latency", reason });
    expect(verdict({ meanLatencyMs: 40 })).toBeUndefined();
    expect(verdict({ meanLatencyMs: 41 }, { latencyFactor: 0 })).toBeUndefined();
    expect(verdict({ meanLatencyMs: 41, fleetMedianLatencyMs: Number.NaN })).toBeUndefined();
    expect(verdict({ meanLatencyMs: Number.NaN })).toBeUndefined();
  });

  test("nothing when it is off, or when the server is ejected already", () => {
    expect(verdict({ consecutiveFailures: 99 }, { enabled: false })).toBeUndefined();
    const ejection = make();
    ejection.eject(0, options);
    expect(ejection.verdict({ ...fine, consecutiveFailures: 99 }, options)).toBeUndefined();
  });
});

describe("ejection", () => {
  test("doubles up to the maximum", () => {
    const ejection = make();
    let nowMs = 0;
    const lengths = [0, 1, 2, 3, 4, 5].map(() => {
      const length = ejection.eject(nowMs, options);
      expect(ejection.advance(nowMs + length - 1, 0, options)).toBe(false);
      nowMs += length;
      expect(ejection.advance(nowMs, 0, options)).toBe(true);
      return length;
    });
    expect(lengths).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  test("jitter only prolongs, by a tenth at most", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (random) => {
        const length = new OutlierEjection(() => random).eject(0, options);
        expect(length).toBeGreaterThanOrEqual(1000);
        expect(length).toBeLessThan(1100);
      }),
    );
  });

  test("returns on probation: a first failure ejects again at once, for longer", () => {
    const ejection = make();
    ejection.eject(0, options);
    ejection.advance(1000, 0, options);
    expect(ejection.onProbation).toBe(true);
    expect(ejection.verdict(fine, options)).toBeUndefined();
    expect(ejection.verdict({ ...fine, probationAttempts: 1, probationFailures: 1 }, options)).toEqual({
      cause: "probation",
      reason: expect.stringContaining("1 of 1"),
    });
    expect(ejection.eject(1100, options)).toBe(2000);
  });

  test("probation ends with good answers; then one failure is not enough", () => {
    const ejection = make();
    ejection.eject(0, options);
    ejection.advance(1000, 0, options);
    ejection.advance(1100, 10, options);
    expect(ejection.onProbation).toBe(false);
    expect(ejection.verdict({ ...fine, probationAttempts: 1, probationFailures: 1 }, options)).toBeUndefined();
  });

  test("strikes decay with good behaviour, not with silence", () => {
    const ejection = make();
    for (const at of [0, 1000, 3000]) {
      ejection.eject(at, options);
      ejection.advance(at + 8000, 0, options);
    }
    expect(ejection.strikes).toBe(3);
    ejection.advance(60_000, 0, options); // on probation without a response
    expect(ejection.strikes).toBe(3);
    ejection.advance(60_100, 10, options);
    ejection.advance(61_999, 20, options);
    expect(ejection.strikes).toBe(2);
    ejection.advance(70_000, 30, options);
    expect(ejection.strikes).toBe(0);
    expect(ejection.eject(70_000, options)).toBe(1000);
  });

  test("ends at once when ejection is turned off or the server was restarted", () => {
    const off = make();
    off.eject(0, options);
    expect(off.advance(1, 0, { ...options, enabled: false })).toBe(true);
    expect([off.ejected, off.onProbation]).toEqual([false, false]);
    const restarted = make();
    restarted.eject(0, options);
    restarted.release(1);
    expect([restarted.ejected, restarted.onProbation]).toEqual([false, false]);
  });
});

test("the cap on ejections always leaves a server, and lets one of two or more go", () => {
  expect(ejectionAllowance(0, 50)).toBe(0);
  expect(ejectionAllowance(1, 100)).toBe(0);
  expect(ejectionAllowance(2, 10)).toBe(1);
  expect(ejectionAllowance(10, 0)).toBe(0);
  expect(ejectionAllowance(10, 50)).toBe(5);
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 512 }), fc.integer({ min: 1, max: 100 }), (total, percent) => {
      const allowance = ejectionAllowance(total, percent);
      expect(allowance).toBeGreaterThanOrEqual(1);
      expect(allowance).toBeLessThan(total);
      expect(allowance).toBeLessThanOrEqual(Math.max(1, (total * percent) / 100));
    }),
  );
});
