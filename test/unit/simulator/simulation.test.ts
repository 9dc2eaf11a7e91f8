/** What a run promises whatever the policy, and what each disturbance does. */
import { describe, expect, test } from "bun:test";
import type { FleetView, Strategy } from "../../../src/balancing/strategy.ts";
import { parsePolicy } from "../../../src/simulator/policy.ts";
import type { Sharing } from "../../../src/simulator/scenario.ts";
import { BUILT_IN, builtInScenario, DEFAULT_BASE, FAULTS } from "../../../src/simulator/scenarios.ts";
import { quantile } from "../../../src/simulator/statistics.ts";
import { disturb, meanOf, run, scenario, server } from "./support.ts";

const POLICIES = [
  "adaptive",
  "least_response_time",
  "p2c",
  "weighted_round_robin+weights",
  "consistent_hash",
  "oracle",
];
const FOUR = [server(2), server(2), server(2), server(2)];

describe.each(BUILT_IN.map(({ name }) => name))("%s", (name) => {
  test.each([1, 3])("with %d balancers: every request is answered once, shares add up to 1", (balancers) => {
    const what = builtInScenario(name, { ...DEFAULT_BASE, balancers });
    for (const policy of POLICIES) {
      const { requests, latenciesMs, failed, sent, failedBy } = run(what, policy, 4000, 5);
      expect(requests).toBe(4000);
      expect(latenciesMs).toHaveLength(4000);
      expect(sent.reduce((a, b) => a + b)).toBe(4000);
      expect(failedBy.reduce((a, b) => a + b)).toBe(failed);
      expect(latenciesMs.every((latency, i) => latency > 0 && (i === 0 || latency >= latenciesMs[i - 1]))).toBe(true);
    }
  });

  test("the same seed gives the same result, another seed another", () => {
    const what = builtInScenario(name, { ...DEFAULT_BASE, balancers: 2 });
    for (const policy of ["adaptive", "p2c"]) {
      const once = run(what, policy, 3000, 7);
      expect(run(what, policy, 3000, 7)).toEqual(once);
      expect(run(what, policy, 3000, 8).latenciesMs).not.toEqual(once.latenciesMs);
    }
  });
});

test("the ten faults are named once each", () => {
  expect(new Set(FAULTS).size).toBe(10);
  expect(() => builtInScenario("nothing")).toThrow('unknown scenario "nothing": use one of homogeneous, ');
});

test("work and arrivals are the same for every policy", () => {
  const one = scenario([server(4)], { load: 0.6 });
  const expected = run(one, "random", 3000).latenciesMs;
  for (const policy of POLICIES) expect(run(one, policy, 3000).latenciesMs).toEqual(expected);
});

test("what arrives during the warm-up is served and not measured", () => {
  const what = scenario(FOUR);
  const all = run(what, "least_connections", 5000);
  const rest = run(what, "least_connections", 5000, 1, all.simulatedMs / 2);
  expect(rest.simulatedMs).toBe(all.simulatedMs);
  expect(rest.requests).toBeGreaterThan(2000);
  expect(rest.requests).toBeLessThan(3000);
});

describe("disturbances", () => {
  const quiet = meanOf(run(scenario(FOUR), "least_connections").latenciesMs);

  test("slow: takes that many times as long, and no longer than it lasts", () => {
    const idle = { load: 0.01, service: { kind: "constant" } as const };
    const effect = { kind: "slow", factor: 5 } as const;
    const always = run(scenario([server(1)], { ...idle, disturbances: [disturb(effect, [0])] }), "random", 200);
    expect(quantile(always.latenciesMs, 0.5)).toBeCloseTo(50, 6);
    const half = disturb(effect, [0], { durationMs: always.simulatedMs / 2 });
    const some = run(scenario([server(1)], { ...idle, disturbances: [half] }), "random", 200);
    expect(quantile(some.latenciesMs, 0.2)).toBeCloseTo(10, 6);
    expect(quantile(some.latenciesMs, 0.8)).toBeCloseTo(50, 6);
  });

  test("pause: what is under way waits for its end", () => {
    const effect = { kind: "pause" } as const;
    const idle = { load: 0.05, service: { kind: "constant" } as const };
    const pause = disturb(effect, [0], { startMs: 1000, durationMs: 500 });
    const { latenciesMs, failed } = run(scenario([server(8)], { ...idle, disturbances: [pause] }), "random", 300);
    expect(failed).toBe(0);
    expect(quantile(latenciesMs, 0.5)).toBeCloseTo(10, 6);
    expect(quantile(latenciesMs, 1)).toBeGreaterThan(450);
    expect(quantile(latenciesMs, 1)).toBeLessThan(560);
  });

  test("errors: a black hole draws traffic until it is ejected", () => {
    const what = scenario(FOUR, { disturbances: [disturb({ kind: "errors", share: 1 }, [2], { startMs: 3000 })] });
    const without = run(what, "least_connections-ejection");
    const ejected = run(what, "least_connections");
    expect(without.failed).toBeGreaterThan(8000);
    expect(without.failedBy[2]).toBe(without.failed);
    expect(ejected.failed).toBeLessThan(600);
    expect(ejected.ejections).toBeGreaterThan(0);
    expect(run(what, "oracle").failed).toBe(0);
  });

  test("hangs: that share fails after the timeout, and counts as so long", () => {
    const what = scenario(FOUR, {
      timeoutMs: 3000,
      disturbances: [disturb({ kind: "hangs", share: 0.1 }, [0, 1, 2, 3])],
    });
    const { failed, latenciesMs } = run(what, "random-ejection");
    expect(failed).toBeGreaterThan(1800);
    expect(failed).toBeLessThan(2200);
    expect(latenciesMs.filter((latency) => latency === 3000 || Math.abs(latency - 3000) < 1e-6)).toHaveLength(failed);
  });

  test("down: what is under way fails, connections are refused, probes take it out and bring it back", () => {
    const down = disturb({ kind: "down" }, [1], { startMs: 5000, durationMs: 10_000 });
    const what = scenario(FOUR, { disturbances: [down] });
    const probed = run(what, "round_robin-ejection", 30_000);
    expect(probed.failed).toBeGreaterThan(10);
    expect(probed.failed).toBeLessThan(1200);
    expect(probed.failedBy[1]).toBe(probed.failed);
    expect(probed.sent[1]).toBeGreaterThan(2000);
    expect(probed.sent[1]).toBeLessThan(probed.sent[0] * 0.85);
    expect(run(what, "round_robin", 30_000).failed).toBeLessThan(probed.failed);
  });

  test("surge: more requests in the same time", () => {
    const surge = disturb({ kind: "surge", factor: 2 }, []);
    const what = scenario(FOUR, { load: 0.3, disturbances: [surge] });
    const ratio = run(scenario(FOUR, { load: 0.3 }), "p2c").simulatedMs / run(what, "p2c").simulatedMs;
    expect(ratio).toBeCloseTo(2, 1);
  });

  test("those that repeat, at random or not, take their share of the time", () => {
    for (const random of [false, true]) {
      const slow = disturb({ kind: "slow", factor: 10 }, [0], { durationMs: 50, everyMs: 200, random });
      const idle = { load: 0.01, meanMs: 1, service: { kind: "constant" } as const, disturbances: [slow] };
      const { latenciesMs } = run(scenario([server(1)], idle), "random", 4000);
      const slowed = latenciesMs.filter((latency) => latency > 1.5).length / 4000;
      expect(slowed).toBeGreaterThan(0.2);
      expect(slowed).toBeLessThan(0.32);
    }
  });

  test("overlapping ones end in the state before", () => {
    const once = (effect: Parameters<typeof disturb>[0], startMs: number) =>
      disturb(effect, [0, 1, 2, 3], { startMs, durationMs: 300 });
    const disturbances = [0, 100, 200].flatMap((startMs) => [
      once({ kind: "slow", factor: 3 }, startMs),
      once({ kind: "errors", share: 0.1 }, startMs),
      once({ kind: "pause" }, startMs),
    ]);
    const later = run(scenario(FOUR, { disturbances }), "least_connections-ejection", 40_000, 1, 5000);
    expect(later.failed).toBe(0);
    expect(meanOf(later.latenciesMs)).toBeLessThan(quiet * 1.1);
  });
});

describe("a rolling restart", () => {
  test.each(["least_connections", "adaptive"])(
    "%s: servers are back soon, and few requests meet one that is gone",
    (policy) => {
      const { latenciesMs, failed, requests } = run(builtInScenario("rolling-restart"), policy, 60_000);
      const calm = run(builtInScenario("homogeneous"), policy, 60_000);
      // A tenth of the fleet is gone for two of five seconds and cold for the rest: more than that shows in the median.
      expect(quantile(latenciesMs, 0.5) / quantile(calm.latenciesMs, 0.5)).toBeLessThan(1.15);
      expect(failed / requests).toBeLessThan(0.004);
    },
  );
});

describe("several balancers", () => {
  const fleet = Array.from({ length: 6 }, () => server(1));
  const mean = (balancers: number, sharing: Sharing): number =>
    meanOf(run(scenario(fleet, { load: 0.85, balancers, sharing }), "least_connections", 30_000).latenciesMs);

  test("that see everything are as good as one; those that see only their own are worse", () => {
    const one = mean(1, "own");
    expect(mean(8, "live")).toBeLessThan(one * 1.15);
    expect(mean(8, "live")).toBeGreaterThan(one * 0.85);
    expect(mean(8, "own")).toBeGreaterThan(one * 1.3);
  });

  test("a view that is hardly older than a request is nearly live; an old one makes herds", () => {
    expect(mean(8, 1)).toBeLessThan(mean(8, "own"));
    expect(mean(8, 500)).toBeGreaterThan(mean(8, "own"));
  });

  test("with one Redis are no herd, and notice together who is slow", () => {
    expect(mean(8, "cluster")).toBeLessThan(mean(8, "own") * 1.05);
    const unequal = (sharing: Sharing): number =>
      meanOf(
        run(
          scenario([server(4), server(4), server(2), server(2), server(1), server(1)], { balancers: 8, sharing }),
          "least_connections",
          30_000,
        ).latenciesMs,
      );
    expect(unequal("cluster")).toBeLessThan(unequal("own"));
  });

  test("with one Redis: what each is told of is what the others have, and all of it is gone in the end", () => {
    const views: FleetView[] = [];
    let most = 0;
    const policy = {
      ...parsePolicy("random"),
      create: ({ fleet: view }: { fleet: FleetView }): Strategy => {
        views.push(view);
        return {
          pick: (candidates) => {
            const { peers, inFlight } = view;
            most = Math.max(most, peers!.inFlight[0]);
            for (const slot of candidates) expect(inFlight[slot]).toBeGreaterThanOrEqual(peers!.inFlight[slot]);
            return candidates[0];
          },
        };
      },
    };
    run(scenario(fleet, { load: 0.05, balancers: 4, sharing: "cluster" }), policy, 2000);
    expect(most).toBeGreaterThan(0);
    for (const { inFlight, peers } of views) expect(Array.from(inFlight)).toEqual(Array.from(peers!.inFlight));
  });

  test("with subsets each uses its part, all of the fleet is used, and more where too many are down", () => {
    const six = Array.from({ length: 6 }, () => server(2));
    const even = run(scenario(six, { balancers: 6, subset: 2 }), "round_robin", 12_000);
    for (const count of even.sent) expect(count).toBeGreaterThan(1500);
    const down = [disturb({ kind: "down" }, [0, 1, 2])];
    const some = run(scenario(six, { load: 0.2, balancers: 6, subset: 2, disturbances: down }), "round_robin", 12_000);
    expect(some.failed / some.requests).toBeLessThan(0.02);
  });

  test("each has a strategy of its own, and the in-flight it is told is what it saw", () => {
    const seen: number[] = [];
    let strategies = 0;
    const policy = {
      ...parsePolicy("random"),
      create: ({ fleet: view }: { fleet: { inFlight: Int32Array } }): Strategy => {
        strategies++;
        return {
          pick: (candidates) => candidates[seen.push(view.inFlight[candidates[0]]) % 2 ? 0 : 1],
          onOutcome: (_slot, _latency, _failed, _now, inFlightAtDispatch) => {
            expect(inFlightAtDispatch).toBeGreaterThanOrEqual(0);
          },
        };
      },
    };
    run(scenario(FOUR, { balancers: 3 }), policy, 2000);
    expect(strategies).toBe(3);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...seen)).toBeGreaterThan(0);
  });
});

describe("adaptive", () => {
  test("finds slow servers by itself: as good as least_connections with true weights", () => {
    const what = scenario([server(4, 2), server(4, 2), server(4, 1), server(4, 0.5)], { load: 0.6 });
    const p99 = (policy: string) => quantile(run(what, policy, 40_000, 2, 2000).latenciesMs, 0.99);
    expect(p99("adaptive")).toBeLessThan(p99("least_connections"));
    expect(p99("adaptive")).toBeLessThan(p99("least_connections+weights") * 1.1);
  });

  test("leaves a black hole without being told", () => {
    const what = scenario(FOUR, { disturbances: [disturb({ kind: "errors", share: 1 }, [2], { startMs: 3000 })] });
    expect(run(what, "adaptive-ejection").failed).toBeLessThan(400);
  });

  test("does not join a herd over old news", () => {
    const what = builtInScenario("stale-metrics", { ...DEFAULT_BASE, balancers: 8 });
    const p99 = (policy: string) => quantile(run(what, policy, 40_000, 1, 2000).latenciesMs, 0.99);
    expect(p99("adaptive") * 2).toBeLessThan(p99("least_connections"));
  });
});
