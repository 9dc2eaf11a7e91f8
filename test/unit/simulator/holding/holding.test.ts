import { describe, expect, test } from "bun:test";
import { readShippedNetwork } from "../../../../src/learning/models/shipped-model.ts";
import { parsePolicy } from "../../../../src/simulator/policy.ts";
import { capacityPerMs, type Scenario } from "../../../../src/simulator/scenario.ts";
import { builtInScenario, DEFAULT_BASE } from "../../../../src/simulator/scenarios.ts";
import { type EndedRequest, runSimulation } from "../../../../src/simulator/simulation.ts";
import { quantile } from "../../../../src/simulator/statistics.ts";
import { disturb, meanOf, run, scenario, server } from "../support.ts";

const network = readShippedNetwork();
const ONE_QUEUE = "least_connections+true_limits-ejection";

function p99(what: Scenario, policy: string, seed: number, requests = 40_000): number {
  return quantile(run(what, parsePolicy(policy, network), requests, seed, 5000).latenciesMs, 0.99);
}

/** Every request, as its balancer saw it. */
function ended(what: Scenario, policy: string, requests: number, seed = 1): EndedRequest[] {
  const all: EndedRequest[] = [];
  const onRequest = (one: EndedRequest) => void all.push({ ...one });
  runSimulation(what, parsePolicy(policy, network), { requests, seed, warmUpMs: 0, onRequest });
  return all;
}

/** Requests per millisecond that ended while others still arrived, after a first quarter. */
function throughput(what: Scenario, policy: string, requests: number): number {
  const all = ended(what, policy, requests);
  const untilMs = Math.max(...all.map(({ arrivedMs }) => arrivedMs));
  const within = ({ arrivedMs, latencyMs }: EndedRequest) =>
    arrivedMs + latencyMs > untilMs / 4 && arrivedMs + latencyMs <= untilMs;
  return all.filter(within).length / (untilMs * 0.75);
}

describe("one queue with true limits", () => {
  test("makes one server of many: M/M/6 of three with two workers", () => {
    const requests = 60_000;
    const one = [1, 2, 3, 4].map((seed) =>
      meanOf(run(scenario([server(6)], { load: 0.85 }), "random-ejection", requests, seed).latenciesMs),
    );
    const three = [1, 2, 3, 4].map((seed) =>
      meanOf(run(scenario([server(2), server(2), server(2)], { load: 0.85 }), ONE_QUEUE, requests, seed).latenciesMs),
    );
    // The same arrivals and the same work, served in the same order by as many workers: the very same times.
    for (const [i, mean] of three.entries()) expect(mean).toBeCloseTo(one[i], 6);
  });

  test("nobody is overtaken", () => {
    const what = scenario([server(1), server(1)], { load: 1.2, service: { kind: "constant" } });
    const all = ended(what, ONE_QUEUE, 2000);
    for (let i = 1; i < all.length; i++) expect(all[i].arrivedMs).toBeGreaterThanOrEqual(all[i - 1].arrivedMs);
  });

  test("no more is in flight at a server than it has workers", () => {
    const all = ended(scenario([server(2), server(2)], { load: 1.1 }), ONE_QUEUE, 5000);
    expect(Math.max(...all.map(({ inFlight }) => inFlight))).toBe(1);
  });
});

describe("learned limits of instances that hear of each other a moment ago", () => {
  const fleet = { ...DEFAULT_BASE, servers: 3, load: 0.9, sharing: "cluster" } as const;

  test.each([2, 8])("cost nothing, with %d of them, and spare requests the servers that stand still", (balancers) => {
    const ratios = [1, 2, 3].map((seed) => {
      const what = builtInScenario("gc-pauses", { ...fleet, balancers });
      return p99(what, "ml+limits", seed, 25_000) / p99(what, "ml", seed, 25_000);
    });
    expect(ratios.reduce((product, ratio) => product * ratio, 1) ** (1 / ratios.length)).toBeLessThan(1.01);
  });

  test("hold requests, and cost the mean nothing", () => {
    const what = builtInScenario("homogeneous", { ...fleet, balancers: 4, meanMs: 50 });
    const { held, overdue, latenciesMs } = run(what, parsePolicy("ml+limits", network), 20_000, 1, 5000);
    expect(held).toBeGreaterThan(100);
    expect(overdue).toBeLessThan(held);
    const without = run(what, parsePolicy("ml", network), 20_000, 1, 5000);
    expect(meanOf(latenciesMs)).toBeLessThan(1.02 * meanOf(without.latenciesMs));
  });
});

describe("learned limits", () => {
  test.each([
    [1, "own"],
    [3, "own"],
    [3, "live"],
    [3, 100],
  ] as const)(
    "%d balancers, sharing %p: every request ends once, and the same seed gives the same",
    (balancers, sharing) => {
      const what = builtInScenario("compound", { ...DEFAULT_BASE, load: 0.9, balancers, sharing });
      const policy = parsePolicy("ml+limits", network);
      const once = run(what, policy, 20_000, 3);
      expect(once.sent.reduce((a, b) => a + b)).toBe(20_000);
      expect(run(what, policy, 20_000, 3)).toEqual(once);
      // Who only hears of the others now and then holds nothing.
      if (sharing === 100) expect(once.held).toBe(0);
      else if (balancers === 1 || sharing === "live") expect(once.held).toBeGreaterThan(0);
    },
  );

  test("shorten the tail of a small fleet", () => {
    const what = builtInScenario("homogeneous", { ...DEFAULT_BASE, servers: 3, workers: 1, load: 0.8 });
    for (const seed of [1, 2, 3]) expect(p99(what, "ml+limits", seed) / p99(what, "ml", seed)).toBeLessThan(0.93);
  });

  test("halve that of servers that share their workers and have noisy neighbours", () => {
    const base = { ...DEFAULT_BASE, servers: 5, workers: 2, load: 0.8, discipline: "ps" } as const;
    const what = builtInScenario("gc-pauses", base);
    for (const seed of [1, 2]) expect(p99(what, "ml+limits", seed) / p99(what, "ml", seed)).toBeLessThan(0.9);
  });

  test.each(["homogeneous", "unequal-speed", "unequal-size", "gc-pauses"])(
    "change nothing where there is room: %s at 70 %%",
    (name) => {
      const what = builtInScenario(name);
      expect(p99(what, "ml+limits", 1) / p99(what, "ml", 1)).toBeLessThan(1.02);
    },
  );

  test("are not taken in by heavy requests among light ones", () => {
    const kinds = [
      { share: 70, cost: 0.3 },
      { share: 25, cost: 1 },
      { share: 5, cost: 8 },
    ];
    const what = { ...builtInScenario("unequal-speed", { ...DEFAULT_BASE, load: 0.9 }), kinds };
    for (const seed of [1, 2]) expect(p99(what, "ml+limits", seed) / p99(what, "ml", seed)).toBeLessThan(1.1);
  });

  test("hold nothing before servers that take hundreds at once", () => {
    expect(run(builtInScenario("io-bound"), parsePolicy("ml+limits", network), 30_000).held).toBe(0);
  });

  test.each([0, 10])("leave nobody idle when there is too much to do, network of %d ms", (networkMs) => {
    for (const base of [{}, { servers: 3, workers: 1 }, { servers: 5, workers: 2, discipline: "ps" }] as const) {
      const what = builtInScenario("saturated", { ...DEFAULT_BASE, ...base, networkMs });
      const rate = (policy: string) => throughput(what, policy, 40_000);
      expect(rate("ml+limits") / rate("round_robin")).toBeGreaterThan(0.98);
      expect(rate("ml+limits")).toBeLessThan(capacityPerMs(what) * 1.02);
    }
  });

  test("heal within seconds when all servers get twice the workers and there is twice the traffic", () => {
    const what = builtInScenario("wrong-limit", { ...DEFAULT_BASE, load: 0.8 });
    const all = ended(what, "adaptive+limits", 80_000);
    const means = [20_000, 50_000].map((fromMs) =>
      meanOf(
        all.filter(({ arrivedMs }) => arrivedMs >= fromMs && arrivedMs < fromMs + 10_000).map((one) => one.latencyMs),
      ),
    );
    // From five seconds on after the change: what requests take in a fleet that is not held back is 23 ms.
    for (const mean of means) expect(mean).toBeLessThan(40);
  });
});

describe("the network", () => {
  test("a request takes the way there and back longer, whatever becomes of it", () => {
    const near = scenario([server(1)], { load: 0.3, service: { kind: "constant" } });
    const far = { ...near, networkMs: 7 };
    const added = (what: Scenario) => meanOf(run(what, "round_robin-ejection", 2000).latenciesMs);
    expect(added(far) - added(near)).toBeCloseTo(14, 6);
    const broken = { ...far, disturbances: [disturb({ kind: "errors", share: 1 }, [0])] };
    expect(Math.min(...ended(broken, "round_robin-ejection", 50).map(({ latencyMs }) => latencyMs))).toBeCloseTo(15, 6);
  });
});

describe("servers that change", () => {
  test("a server with more workers takes up at once what waits, and finishes what is beyond when it has fewer", () => {
    const what = scenario([server(1)], {
      load: 1,
      service: { kind: "constant" },
      disturbances: [disturb({ kind: "resize", workers: 10 }, [0], { startMs: 1000, durationMs: 1000 })],
    });
    const all = ended(what, "round_robin-ejection", 400);
    const during = all.filter(({ arrivedMs }) => arrivedMs > 1000 && arrivedMs < 1900);
    expect(Math.max(...during.map(({ latencyMs }) => latencyMs))).toBeLessThan(15);
    const before = all.filter(({ arrivedMs }) => arrivedMs < 950);
    expect(Math.max(...before.map(({ latencyMs }) => latencyMs))).toBeGreaterThan(40);
    expect(all).toHaveLength(400);
  });

  test("who is absent gets nothing, and comes back unknown", () => {
    const what = scenario([server(2), server(2)], {
      load: 0.4,
      disturbances: [disturb({ kind: "absent" }, [1], { startMs: 2000, durationMs: 2000 })],
    });
    const all = ended(what, "adaptive", 800);
    const to = (from: number, until: number) =>
      new Set(all.filter(({ arrivedMs }) => arrivedMs >= from && arrivedMs < until).map((one) => one.server));
    expect(to(0, 2000)).toEqual(new Set([0, 1]));
    expect(to(2000, 4000)).toEqual(new Set([0]));
    expect(to(4000, 8000)).toEqual(new Set([0, 1]));
    expect(all.some(({ failed }) => failed)).toBe(false);
  });
});

test.each(["p2c+limits+true_limits", "p2c-ejection+limits", "oracle+weights+limits", "+limits"])(
  "%j is no policy",
  (name) => {
    expect(() => parsePolicy(name)).toThrow(/^unknown policy /);
  },
);
