import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { seededRandom } from "../../../src/balancing/random.ts";
import { ArrivalProcess } from "../../../src/simulator/arrivals.ts";
import { CLASSICAL_NAMES, classicalPolicies, isClassical, parsePolicy } from "../../../src/simulator/policy.ts";
import { RequestTable } from "../../../src/simulator/request-table.ts";
import type { Arrivals } from "../../../src/simulator/scenario.ts";
import { type ServiceDistribution, serviceSampler } from "../../../src/simulator/service-times.ts";
import { estimate, geometricEstimate, quantile } from "../../../src/simulator/statistics.ts";
import { NextEvents, TimerHeap } from "../../../src/simulator/timer-heap.ts";

const keys = fc.float({ noNaN: true, min: 0, max: 1000 });

describe("queues", () => {
  test("a timer heap gives back what it got, in order, however pushes and pops alternate", () => {
    fc.assert(
      fc.property(fc.array(fc.option(keys)), (steps) => {
        const heap = new TimerHeap(1);
        const model: { key: number; value: number }[] = [];
        for (const [value, key] of steps.entries()) {
          if (key !== null) {
            heap.push(key, value);
            model.push({ key, value });
          } else if (model.length > 0) {
            model.sort((a, b) => a.key - b.key);
            expect(heap.topKey).toBe(model[0].key);
            const popped = heap.pop();
            const at = model.findIndex((entry) => entry.value === popped);
            expect(model[at].key).toBe(model[0].key);
            model.splice(at, 1);
          }
          expect(heap.size).toBe(model.length);
        }
      }),
    );
    expect(new TimerHeap().topKey).toBe(Number.POSITIVE_INFINITY);
  });

  test("next events knows the earliest after any changes", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(6), fc.oneof(keys, fc.constant(Number.POSITIVE_INFINITY)))), (changes) => {
        const events = new NextEvents(7);
        const model = new Array<number>(7).fill(Number.POSITIVE_INFINITY);
        for (const [source, time] of changes) {
          events.set(source, time);
          model[source] = time;
          expect(events.earliestMs).toBe(Math.min(...model));
          expect(model[events.earliest]).toBe(Math.min(...model));
        }
      }),
    );
  });

  test("a pool never gives a request out twice, and keeps its columns when it grows", () => {
    const pool = new RequestTable(2);
    const taken = Array.from({ length: 100 }, () => pool.take());
    expect(new Set(taken).size).toBe(100);
    for (const request of taken) pool.work[request] = request;
    pool.give(taken[3]);
    pool.give(taken[50]);
    expect(new Set([pool.take(), pool.take()])).toEqual(new Set([taken[3], taken[50]]));
    expect(new Set(taken)).not.toContain(pool.take());
    expect(pool.work[taken[99]]).toBe(taken[99]);
  });
});

describe("service times", () => {
  test.each<ServiceDistribution>([
    { kind: "constant" },
    { kind: "exponential" },
    { kind: "lognormal", sigma: 1 },
    { kind: "bimodal", share: 0.1, ratio: 10 },
    { kind: "pareto", alpha: 1.5, ratio: 1000 },
    { kind: "pareto", alpha: 0.8, ratio: 100 },
  ])("%j have a mean of 1", (distribution) => {
    const n = 200_000;
    const sample = serviceSampler(distribution, seededRandom(1).next);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      const x = sample();
      if (!(x > 0)) throw new Error(`work of ${x}`);
      sum += x;
      squares += x * x;
    }
    const mean = sum / n;
    const deviation = Math.sqrt(squares / n - mean * mean);
    expect(Math.abs(mean - 1)).toBeLessThanOrEqual((5 * deviation) / Math.sqrt(n) + 1e-12);
  });

  test("a bounded Pareto variate stays within its ratio", () => {
    const sample = serviceSampler({ kind: "pareto", alpha: 1.1, ratio: 50 }, seededRandom(2).next);
    const values = Array.from({ length: 20_000 }, sample);
    expect(Math.max(...values) / Math.min(...values)).toBeLessThanOrEqual(50);
    expect(Math.max(...values) / Math.min(...values)).toBeGreaterThan(40);
  });
});

describe("arrivals", () => {
  /** Counts of arrivals in consecutive spans. */
  function counts(arrivals: Arrivals, spanMs: number, spans: number): number[] {
    const process = new ArrivalProcess(arrivals, 1, seededRandom(4).next);
    const found = new Array<number>(spans).fill(0);
    while (process.nextMs < spanMs * spans) {
      const atMs = process.nextMs;
      if (process.advance()) found[Math.floor(atMs / spanMs)]++;
    }
    return found;
  }

  function dispersion(values: readonly number[]): number {
    const mean = values.reduce((a, b) => a + b) / values.length;
    return values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length / mean;
  }

  test("are Poisson: counts have the rate as mean and as variance", () => {
    const found = counts({ kind: "poisson" }, 100, 2000);
    expect(found.reduce((a, b) => a + b) / 200_000).toBeCloseTo(1, 1.5);
    expect(dispersion(found)).toBeGreaterThan(0.85);
    expect(dispersion(found)).toBeLessThan(1.15);
  });

  test("are bursty at the same mean rate", () => {
    const found = counts({ kind: "bursty", factor: 5, burstMs: 200, calmMs: 800 }, 100, 20_000);
    expect(found.reduce((a, b) => a + b) / 2_000_000).toBeCloseTo(1, 1);
    expect(dispersion(found)).toBeGreaterThan(5);
  });
});

describe("policies", () => {
  test("are read from their names", () => {
    expect(parsePolicy("p2c")).toMatchObject({ name: "p2c", ejection: true, trueWeights: false, probes: true });
    expect(parsePolicy("p2c-ejection")).toMatchObject({ ejection: false, trueWeights: false });
    expect(parsePolicy("least_connections+weights-ejection")).toMatchObject({ ejection: false, trueWeights: true });
    expect(parsePolicy("oracle")).toMatchObject({ probes: false, ejection: false });
  });

  test.each(["", "p3c", "p2c+", "p2c-ejection+weights", "p2c+weights+weights", "oracle-ejection"])(
    "%j is refused, and what there is is said",
    (name) => {
      expect(() => parsePolicy(name)).toThrow(/^unknown policy ".*": use oracle or one of round_robin, /);
    },
  );

  test("classical ones are those that need no learning across servers, in every variant", () => {
    expect(CLASSICAL_NAMES).toContain("least_response_time");
    expect(CLASSICAL_NAMES).not.toContain("adaptive");
    const names = classicalPolicies().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain("least_connections+weights-ejection");
    expect(classicalPolicies().every(isClassical)).toBe(true);
    expect(isClassical(parsePolicy("oracle"))).toBe(false);
  });
});

describe("statistics", () => {
  test("quantiles interpolate", () => {
    const values = Float64Array.of(1, 2, 3, 4);
    expect([0, 0.5, 1].map((q) => quantile(values, q))).toEqual([1, 2.5, 4]);
    expect(quantile(new Float64Array(0), 0.5)).toBeNaN();
  });

  test("intervals are Student's", () => {
    expect(estimate([5])).toEqual({ value: 5, halfWidth: null });
    expect(estimate([1, 2, 3]).halfWidth).toBeCloseTo(4.303 / Math.sqrt(3), 6);
    // 97.5 % quantile for 20 degrees of freedom: 2.086.
    const many = Array.from({ length: 21 }, (_, i) => (i % 2 === 0 ? 1 : -1));
    const deviation = Math.sqrt((21 - 1 / 21) / 20);
    expect(estimate(many).halfWidth! / (deviation / Math.sqrt(21))).toBeCloseTo(2.086, 2);
  });

  test("geometric means are of ratios", () => {
    expect(geometricEstimate([0.5, 2]).value).toBeCloseTo(1, 12);
    expect(geometricEstimate([3, 3, 3]).halfWidth).toBeCloseTo(0, 12);
  });
});
