/** Replay against the truth, where there is no noise: the simulator runs the other strategies over the very same requests. */
import { describe, expect, test } from "bun:test";
import { warmUpOf } from "../../../src/replay/check/self-check.ts";
import { part } from "../../../src/replay/fit/part.ts";
import { replay } from "../../../src/replay/replay.ts";
import { recordedFigures } from "../../../src/replay/simulate/figures.ts";
import { disturb } from "../simulator/support.ts";
import { arenaScenario, record, steady } from "./support.ts";

const REQUESTS = 12_000;
/** They compute for a second or two, on a machine that does nothing else. */
const PATIENCE_MS = 60_000;

describe("what other strategies would have given", () => {
  test.each([
    ["homogeneous", ["round_robin", "p2c"]],
    ["unequal-speed", ["peak_ewma", "adaptive"]],
  ])(
    "%s, recorded under least_connections",
    async (name, strategies) => {
      const scenario = arenaScenario(name);
      const recording = record(scenario, "least_connections", { requests: REQUESTS });
      const { selfCheck, forecasts } = await replay(recording, { strategies, seed: 7, runs: 3 });
      expect(selfCheck.reasons).toEqual([]);
      expect(selfCheck.verdict).toBe("passed");
      for (const { strategy, ran, p99Ms, p50Ms, shares } of forecasts) {
        const truth = record(scenario, strategy, { requests: REQUESTS });
        const was = recordedFigures(truth, warmUpOf(truth.durationMs), truth.durationMs);
        expect(ran).toBe(false);
        expect(Math.abs(p99Ms.value / was.p99Ms - 1)).toBeLessThan(0.15);
        expect(Math.abs(p50Ms.value / was.p50Ms - 1)).toBeLessThan(0.15);
        expect(p99Ms.low).toBeLessThanOrEqual(p99Ms.value);
        for (const [i, share] of shares.entries()) expect(Math.abs(share - was.shares[i])).toBeLessThan(0.05);
      }
    },
    PATIENCE_MS,
  );
});

describe("the self-check", () => {
  test("gives no figures where the second half is of another kind", async () => {
    const well = record(arenaScenario("homogeneous"), "least_connections");
    const { durationMs, requests } = well;
    const latencyMs = requests.latencyMs.map((ms, i) => (requests.atMs[i] > durationMs / 2 ? 3 * ms : ms));
    const changed = { ...well, requests: { ...requests, latencyMs } };
    const result = await replay(changed, { strategies: ["p2c"], seed: 1, runs: 3 });
    expect(result.selfCheck.verdict).toBe("failed");
    expect(result.selfCheck.reasons[0]).toContain("p99 was");
    expect(result.forecasts).toEqual([]);
  });

  test.each([
    ["two of ten servers are three times as slow", { kind: "slow", factor: 3 }, [1, 2]],
    ["all are a third slower", { kind: "slow", factor: 4 / 3 }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ["one fails some", { kind: "errors", share: 0.3 }, [1]],
  ] as const)(
    "gives none where in the second half %s",
    async (_, effect, servers) => {
      const usual = arenaScenario("homogeneous");
      const changed = { ...usual, disturbances: [disturb(effect, servers, { startMs: 10_000, durationMs: 20_000 })] };
      const recording = record(changed, "p2c", { requests: 14_000 });
      const { selfCheck } = await replay(recording, { strategies: ["p2c"], seed: 1, runs: 3 });
      expect(selfCheck.verdict).toBe("failed");
    },
    PATIENCE_MS,
  );

  test("takes servers that have no queue", async () => {
    // Half of the requests take 5 ms and half 15: the median is now here and now there.
    const { selfCheck } = await replay(steady([5, 15]), { strategies: ["p2c"], seed: 1, runs: 3 });
    expect(selfCheck.reasons).toEqual([]);
  });

  test("says so when servers were sent more than they can do", async () => {
    const recording = record(arenaScenario("unequal-speed"), "round_robin", { requests: 14_000 });
    const { selfCheck } = await replay(recording, { strategies: ["p2c"], seed: 1, runs: 3 });
    expect(selfCheck.reasons.at(-1)).toContain("more was sent to");
  });

  test("says that it needs more requests, and more servers", async () => {
    const recording = record(arenaScenario("homogeneous"), "least_connections", { requests: 3000 });
    const few = await replay(part(recording, 0, 2000), { strategies: ["p2c"], seed: 1, runs: 3 });
    expect(few.selfCheck.verdict).toBe("impossible");
    expect(few.selfCheck.reasons[0]).toContain("too few single requests");
    const { requests, servers } = recording;
    const one = {
      ...recording,
      servers: servers.slice(0, 1),
      requests: { ...requests, server: requests.server.fill(0) },
    };
    const alone = await replay(one, { strategies: ["p2c"], seed: 1, runs: 3 });
    expect(alone.selfCheck.reasons[0]).toContain("one server only");
  });

  test("sends every request where it went when nobody knows what balanced", async () => {
    const recording = { ...record(arenaScenario("homogeneous"), "round_robin"), strategy: null };
    const { selfCheck, notes } = await replay(recording, { strategies: ["p2c"], seed: 1, runs: 3 });
    expect(selfCheck.strategy).toBeNull();
    expect(selfCheck.verdict).toBe("passed");
    expect(notes.join(" ")).toContain("not known");
  });
});

test("the same seed gives the same figures", async () => {
  const recording = record(arenaScenario("gc-pauses"), "p2c", { requests: 4000 });
  const once = await replay(recording, { strategies: ["round_robin"], seed: 5, runs: 3 });
  expect(await replay(recording, { strategies: ["round_robin"], seed: 5, runs: 3 })).toEqual(once);
});

test("unknown strategies, and ml without a model, are errors", async () => {
  const recording = record(arenaScenario("homogeneous"), "p2c", { requests: 100 });
  await expect(replay(recording, { strategies: ["fastest"], seed: 1, runs: 3 })).rejects.toThrow("unknown policy");
  await expect(replay(recording, { strategies: ["ml"], seed: 1, runs: 3 })).rejects.toThrow("needs a model");
});
