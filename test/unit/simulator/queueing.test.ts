/** Against queueing theory: what has a formula must come out of the simulator within its confidence interval. */
import { describe, expect, test } from "bun:test";
import { quantile } from "../../../src/simulator/statistics.ts";
import { meanOf, run, scenario, server } from "./support.ts";

const SEEDS = [1, 2, 3, 4, 5, 6];

/** Mean over seeds, and six standard errors: a right simulator is outside once in 10^8. */
function overSeeds(simulate: (seed: number) => number): { mean: number; tolerance: number } {
  const values = SEEDS.map(simulate);
  const mean = meanOf(values);
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1);
  return { mean, tolerance: 6 * Math.sqrt(variance / values.length) };
}

/** Probability of waiting in M/M/c at load rho (Erlang 1917). */
function erlangC(c: number, rho: number): number {
  const a = c * rho;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < c; k++) {
    term *= a / k;
    sum += term;
  }
  const last = (term * a) / c / (1 - rho);
  return last / (sum + last);
}

describe("mean response time", () => {
  test.each([0.3, 0.7, 0.85])("M/M/1 at load %d: 1 / (1 - rho) service times", (load) => {
    const { mean, tolerance } = overSeeds((seed) =>
      meanOf(run(scenario([server(1)], { load }), "random-ejection", 60_000, seed, 2000).latenciesMs),
    );
    expect(tolerance).toBeLessThan(10 / (1 - load) / 4);
    expect(Math.abs(mean - 10 / (1 - load))).toBeLessThan(tolerance);
  });

  test.each([
    [4, 0.7],
    [16, 0.9],
  ])("M/M/%d at load %d: service and Erlang's wait", (workers, load) => {
    const { mean, tolerance } = overSeeds((seed) =>
      meanOf(run(scenario([server(workers)], { load }), "random-ejection", 60_000, seed, 2000).latenciesMs),
    );
    const expected = 10 + (erlangC(workers, load) * 10) / (workers * (1 - load));
    expect(tolerance).toBeLessThan(expected / 4);
    expect(Math.abs(mean - expected)).toBeLessThan(tolerance);
  });

  test("M/G/1 with processor sharing does not depend on the distribution", () => {
    for (const service of [{ kind: "bimodal", share: 0.1, ratio: 10 } as const, { kind: "constant" } as const]) {
      const { mean, tolerance } = overSeeds((seed) =>
        meanOf(
          run(scenario([server(1, 1, "ps")], { load: 0.6, service }), "random-ejection", 40_000, seed, 2000)
            .latenciesMs,
        ),
      );
      expect(tolerance).toBeLessThan(25 / 4);
      expect(Math.abs(mean - 10 / (1 - 0.6))).toBeLessThan(tolerance);
    }
  });

  test("M/D/1 waits half as long as M/M/1 (Pollaczek & Khinchine)", () => {
    const service = { kind: "constant" } as const;
    const { mean, tolerance } = overSeeds((seed) =>
      meanOf(run(scenario([server(1)], { load: 0.7, service }), "random-ejection", 40_000, seed, 2000).latenciesMs),
    );
    expect(Math.abs(mean - 10 * (1 + 0.7 / (2 * 0.3)))).toBeLessThan(tolerance);
  });

  test("scales with the mean and with speed", () => {
    const base = meanOf(run(scenario([server(2)]), "random").latenciesMs);
    expect(meanOf(run(scenario([server(2)], { meanMs: 1000 }), "random-ejection").latenciesMs)).toBeCloseTo(
      base * 100,
      3,
    );
    expect(meanOf(run(scenario([server(2, 4)]), "random-ejection").latenciesMs)).toBeCloseTo(base / 4, 6);
  });
});

describe("the order of policies", () => {
  const fleet = scenario(
    Array.from({ length: 8 }, () => server(1)),
    { load: 0.85 },
  );
  const means = new Map(
    ["oracle", "least_connections", "p2c", "round_robin", "random"].map((name) => [
      name,
      meanOf(run(fleet, name, 40_000, 3, 2000).latenciesMs),
    ]),
  );
  const mean = (name: string): number => means.get(name)!;

  test("random splitting is n independent queues", () => {
    expect(mean("random")).toBeGreaterThan((10 / 0.15) * 0.7);
    expect(mean("random")).toBeLessThan((10 / 0.15) * 1.4);
  });

  test("round robin beats random, two choices beat round robin, the shortest queue beats two", () => {
    expect(mean("round_robin")).toBeLessThan(mean("random"));
    expect(mean("p2c")).toBeLessThan(mean("round_robin"));
    expect(mean("least_connections")).toBeLessThan(mean("p2c"));
  });

  test("the oracle beats them all, but not one queue for all servers", () => {
    expect(mean("oracle")).toBeLessThan(mean("least_connections"));
    expect(mean("oracle")).toBeGreaterThan(10 + ((erlangC(8, 0.85) * 10) / (8 * 0.15)) * 0.8);
  });
});

test("an idle fleet answers in the service time", () => {
  const { latenciesMs } = run(
    scenario([server(4), server(4)], { load: 0.01, service: { kind: "constant" } }),
    "p2c",
    500,
  );
  expect(quantile(latenciesMs, 0)).toBeCloseTo(10, 9);
  expect(quantile(latenciesMs, 1)).toBeCloseTo(10, 9);
});
