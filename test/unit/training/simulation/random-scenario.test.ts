import { expect, test } from "bun:test";
import { parseScenarioFile } from "../../../../src/simulator/scenario-file.ts";
import { randomScenario } from "../../../../src/training/simulation/random-scenario.ts";
import { run } from "../../simulator/support.ts";

const SEEDS = Array.from({ length: 300 }, (_, i) => i * 7919);
const scenarios = SEEDS.map(randomScenario);

test("each would be accepted as a scenario file, and means the same there", () => {
  for (const scenario of scenarios) {
    const disturbances = scenario.disturbances.map((disturbance) => ({
      ...disturbance,
      // A surge concerns no server; a file says so by naming none.
      servers: disturbance.servers.length === 0 ? "all" : disturbance.servers,
    }));
    const read = parseScenarioFile(JSON.stringify({ ...scenario, disturbances }));
    expect(read.servers).toEqual(scenario.servers);
    expect(read.service).toEqual(scenario.service);
    expect(read.disturbances.map(({ effect }) => effect)).toEqual(scenario.disturbances.map(({ effect }) => effect));
  }
});

test("the same seed gives the same one", () => {
  expect(SEEDS.map(randomScenario)).toEqual(scenarios);
});

test("they are diverse", () => {
  const distinct = (of: (scenario: (typeof scenarios)[number]) => unknown) => new Set(scenarios.map(of)).size;
  expect(distinct(({ servers }) => servers.length)).toBeGreaterThanOrEqual(8);
  expect(distinct(({ service }) => JSON.stringify(service))).toBe(6);
  expect(distinct(({ balancers }) => balancers)).toBe(4);
  expect(distinct(({ servers }) => servers[0].discipline)).toBe(2);
  const effects = new Set(scenarios.flatMap(({ disturbances }) => disturbances.map(({ effect }) => effect.kind)));
  expect(effects).toEqual(new Set(["slow", "pause", "errors", "down", "surge"]));
  const means = scenarios.map(({ meanMs }) => meanMs).sort((a, b) => a - b);
  expect(means[0]).toBeLessThan(5);
  expect(means[means.length - 1]).toBeGreaterThan(80);
  expect(scenarios.some(({ disturbances }) => disturbances.length === 0)).toBe(true);
});

test("they can be run", () => {
  for (const scenario of scenarios.slice(0, 10)) expect(run(scenario, "adaptive", 500).requests).toBe(500);
});
