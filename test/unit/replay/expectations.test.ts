/** What is expected of strategies on the traffic of late: of simulated fleets, so that the truth is known. */
import { beforeEach, describe, expect, test } from "bun:test";
import { readShippedNetwork } from "../../../src/learning/models/shipped-model.ts";
import { type ExpectationOptions, expectStrategies } from "../../../src/replay/expectations.ts";
import { haveHadTraffic } from "../../support/stores/traffic-of-late.ts";
import { FakeHistory } from "./reading/store/fake-history.ts";
import { arenaScenario, record } from "./support.ts";

const NOW = Date.UTC(2026, 10, 29, 20, 15);
const WINDOW_MS = 900_000;
let history: FakeHistory;

beforeEach(() => {
  history = new FakeHistory();
});

const expected = (more: Partial<ExpectationOptions> = {}) =>
  expectStrategies(history, {
    pool: "shop",
    nowMs: NOW,
    windowMs: WINDOW_MS,
    strategies: null,
    network: readShippedNetwork,
    ...more,
  });

function traffic(scenario = "unequal-speed", strategy = "least_connections", requests = 8000): void {
  const recording = record(arenaScenario(scenario), strategy, { requests });
  const servers = recording.servers.map((_, i) => `10.0.0.${i + 1}:80`);
  haveHadTraffic(history, recording, { pool: "shop", untilMs: NOW, servers });
}

describe("where the model gives again what happened", () => {
  test("every strategy has its figures, the one that ran first, beside what was measured", async () => {
    traffic();
    const found = await expected();
    expect(found).toMatchObject({ pool: "shop", verdict: "passed", reasons: [], ran: "least_connections" });
    expect(found.expectations.map(({ strategy }) => strategy).slice(0, 2)).toEqual([
      "least_connections",
      "round_robin",
    ]);
    expect(found.expectations.map(({ strategy }) => strategy)).toContain("ml");
    expect(found.expectations.filter(({ ran }) => ran)).toHaveLength(1);
    expect(found.requests).toBe(8000);
    expect(found.single_requests).toBe(8000);
    const [ran] = found.expectations;
    for (const name of ["mean_ms", "p50_ms", "p99_ms"] as const) {
      const { value, low, high } = ran[name]!;
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
      expect(Math.abs(value / found.measured![name] - 1)).toBeLessThan(0.2);
    }
    const adaptive = found.expectations.find(({ strategy }) => strategy === "adaptive")!;
    expect(adaptive.mean_ms!.value).toBeLessThan(ran.mean_ms!.value);
    expect(found.window!.until).toBe(new Date(NOW).toISOString());
    expect(found.notes.join()).toContain("the model that the product ships with");
  });

  test("a strategy that would overload servers has no times, but their names", async () => {
    traffic();
    const { expectations } = await expected({ strategies: ["round_robin"] });
    const [, robin] = expectations;
    expect(robin).toMatchObject({ strategy: "round_robin", mean_ms: null, p50_ms: null, p99_ms: null });
    expect(robin.overloaded.length).toBeGreaterThan(0);
  });

  test("of what places by keys nothing is said, and why", async () => {
    traffic("homogeneous");
    const { expectations, left_out } = await expected({ strategies: ["consistent_hash", "p2c"] });
    expect(expectations.map(({ strategy }) => strategy)).toEqual(["least_connections", "p2c"]);
    expect(left_out).toEqual([{ strategy: "consistent_hash", why: expect.stringContaining("keys are not recorded") }]);
  });

  test("the same traffic gives the same figures", async () => {
    traffic("homogeneous");
    const asked = { strategies: ["p2c"] };
    expect(await expected(asked)).toEqual(await expected(asked));
  });
});

describe("no figures, and why", () => {
  test("nothing was recorded", async () => {
    const found = await expected();
    expect(found).toMatchObject({ verdict: "nothing", expectations: [], measured: null, window: null });
    expect(found.reasons.join()).toContain("HISTORY=on");
  });

  test("there was no traffic in the window", async () => {
    traffic("homogeneous");
    const found = await expected({ nowMs: NOW + 3_600_000 });
    expect(found).toMatchObject({ verdict: "nothing", requests: 0 });
    expect(found.reasons[0]).toStartWith("There are no counts by the second of the pool shop");
  });

  test("too little traffic", async () => {
    traffic("homogeneous", "least_connections", 500);
    const found = await expected();
    expect(found).toMatchObject({ verdict: "impossible", expectations: [], requests: 500 });
    expect(found.reasons).toEqual([
      expect.stringContaining("Too few single requests"),
      "More traffic, or a longer window, would help.",
    ]);
    expect(found.measured!.p50_ms).toBeGreaterThan(0);
  });

  test("one server only", async () => {
    const recording = record(arenaScenario("homogeneous"), "random", { requests: 3000 });
    const servers = recording.servers.map(() => "10.0.0.1:80");
    haveHadTraffic(history, recording, { pool: "shop", untilMs: NOW, servers });
    const found = await expected();
    expect(found.verdict).toBe("impossible");
    expect(found.reasons).toEqual(["There is one server only: no strategy could place differently."]);
  });

  test("the model does not give again what happened", async () => {
    // What the store says balanced is not what did.
    const recording = { ...record(arenaScenario("unequal-speed"), "adaptive"), strategy: "random" };
    const servers = recording.servers.map((_, i) => `10.0.0.${i + 1}:80`);
    haveHadTraffic(history, recording, { pool: "shop", untilMs: NOW, servers });
    const found = await expected();
    expect(found).toMatchObject({ verdict: "failed", expectations: [] });
    expect(found.reasons.length).toBeGreaterThan(0);
    expect(found.measured).not.toBeNull();
  });
});
