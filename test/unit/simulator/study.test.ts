import { describe, expect, test } from "bun:test";
import { parsePolicy } from "../../../src/simulator/policy.ts";
import { plotStudy } from "../../../src/simulator/report/plot.ts";
import { renderStudy } from "../../../src/simulator/report/table.ts";
import { builtInScenario, DEFAULT_BASE } from "../../../src/simulator/scenarios.ts";
import { runStudy } from "../../../src/simulator/study.ts";

const SMALL = { ...DEFAULT_BASE, servers: 5 };
const progress: [number, number][] = [];
const study = runStudy({
  scenarios: ["homogeneous", "unequal-speed"].map((name) => builtInScenario(name, SMALL)),
  policies: ["adaptive", "least_connections", "round_robin"].map((name) => parsePolicy(name)),
  requests: 4000,
  seeds: [1, 2, 3],
  warmUpMs: 500,
  onProgress: (done, total) => progress.push([done, total]),
});

test("adds the oracle and tells its progress run by run", () => {
  expect(study.scenarios[0].policies.map(({ policy }) => policy)).toEqual([
    "adaptive",
    "least_connections",
    "round_robin",
    "oracle",
  ]);
  expect(progress).toEqual(Array.from({ length: 24 }, (_, i) => [i + 1, 24]));
});

test("shares add up to 1, regret is measured from the oracle, the best classical policy has ratio 1", () => {
  for (const { policies, bestClassical } of study.scenarios) {
    expect(bestClassical).toBe("least_connections");
    for (const { policy, shares, regret, p99Ratio, p50, p99, p999 } of policies) {
      expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
      expect(p50.value).toBeLessThan(p99.value);
      expect(p99.value).toBeLessThan(p999.value);
      if (policy === "oracle") expect(regret).toEqual({ value: 0, halfWidth: 0 });
      else expect(regret.value).toBeGreaterThan(0);
      if (policy === "least_connections") expect(p99Ratio!.value).toBe(1);
      if (policy === "round_robin") expect(p99Ratio!.value).toBeGreaterThan(1);
    }
  }
});

test("the summary is the geometric mean over the scenarios, with the worst of them", () => {
  for (const { policy, p99Ratio, worstRatio, worstScenario } of study.summary) {
    const byScenario = study.scenarios.map(
      ({ policies }) => policies.find((p) => p.policy === policy)!.p99Ratio!.value,
    );
    expect(p99Ratio.value).toBeCloseTo(Math.sqrt(byScenario[0] * byScenario[1]), 9);
    expect(worstRatio).toBeCloseTo(Math.max(...byScenario), 9);
    expect(study.scenarios.map(({ scenario }) => scenario)).toContain(worstScenario);
  }
});

test("without a classical policy there is nothing to compare with", () => {
  const alone = runStudy({
    scenarios: [builtInScenario("homogeneous", SMALL)],
    policies: [parsePolicy("adaptive")],
    requests: 500,
    seeds: [1],
    warmUpMs: 0,
  });
  expect(alone.summary).toEqual([]);
  expect(alone.scenarios[0].bestClassical).toBeNull();
  expect(renderStudy(alone, false)).toContain("homogeneous");
});

describe("reports", () => {
  test("the table has a line for each policy and scenario, and the summary", () => {
    const text = renderStudy(study, true);
    expect(text.match(/^ {2}adaptive /gm)).toHaveLength(3);
    expect(text).toContain("homogeneous: Ten equal servers");
    expect(text).toContain("in each of 2 scenarios");
    expect(text).toContain("3 seeds");
    expect(renderStudy(study, false)).not.toContain("Ten equal servers");
  });

  test("the picture is well-formed XML and shows every policy in every scenario", () => {
    const svg = plotStudy(study);
    expect(svg).toStartWith("<svg ");
    expect(svg).not.toContain("NaN");
    expect(svg.match(/<title>round_robin: /g)).toHaveLength(2);
    const open: string[] = [];
    for (const [tag, name] of svg.matchAll(/<\/?([a-z]+)[^>]*>/g)) {
      if (tag.startsWith("</")) expect(open.pop()).toBe(name);
      else if (!tag.endsWith("/>")) open.push(name);
    }
    expect(open).toEqual([]);
  });
});
