/** How soon the guardrail of holding acts and how often without reason, on simulated fleets (docs/learning.md quotes these figures). */
import { describe, expect, test } from "bun:test";
import type { HeldFleet } from "../../../../src/balancing/holding/room.ts";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { HoldingJudge } from "../../../../src/learning/judge/holding/holding-judge.ts";
import type { Holding } from "../../../../src/simulator/holding/holding.ts";
import { parsePolicy } from "../../../../src/simulator/policy.ts";
import type { BaseFleet } from "../../../../src/simulator/recipe.ts";
import { capacityPerMs } from "../../../../src/simulator/scenario.ts";
import { builtInScenario, DEFAULT_BASE } from "../../../../src/simulator/scenarios.ts";
import { runSimulation } from "../../../../src/simulator/simulation.ts";

/** What the judge said, as `seconds kind`, of limits that are so many times what is true and stay so. */
function course(name: string, base: Partial<BaseFleet>, factor: number, seconds: number, seed: number): string[] {
  const scenario = builtInScenario(name, { ...DEFAULT_BASE, ...base });
  const judge = new HoldingJudge(seededRandom(seed).next, 0);
  const said: string[] = [];
  const createHolding = (_: unknown, { id }: HeldFleet): Holding => ({
    limits: {
      limit: Int32Array.from(scenario.servers, ({ workers }) => Math.max(1, Math.round(workers * factor))),
      limitId: id,
      ownLimit: new Int32Array(id.length),
    },
    get on() {
      return judge.holding;
    },
    patienceMs: 50 * scenario.meanMs,
    tick(_candidates, _count, { length }, nowMs) {
      const event = judge.tick(nowMs, length);
      if (event !== undefined) said.push(`${Math.round(nowMs / 1000)} ${event.kind}`);
    },
    onOutcome({ latencyMs, heldMs, failed, nowMs }) {
      judge.observe({ arrivedMs: nowMs - heldMs - latencyMs, heldMs, latencyMs, failed });
    },
  });
  const requests = Math.round(scenario.load * capacityPerMs(scenario) * 1000 * seconds);
  runSimulation(scenario, { ...parsePolicy("adaptive"), createHolding }, { requests, seed, warmUpMs: 0 });
  return said;
}

const FEW = { servers: 4, meanMs: 60 };

describe("limits that are too small and do not heal", () => {
  test.each([
    ["by half, at 1,400 requests/s", {}, 0.5, 300],
    ["by a quarter, at 1,400 requests/s: a fifth slower", {}, 0.75, 400],
    ["by three quarters, at 187 requests/s", FEW, 0.25, 500],
  ] as const)("%s: holding is turned off", (_, base, factor, seconds) => {
    for (const seed of [1, 2]) {
      const [first] = course("homogeneous", base, factor, seconds, seed);
      expect(first).toMatch(/holding_stopped$/);
    }
  });

  test("it is tried again after a while, and turned off again", () => {
    const kinds = course("homogeneous", {}, 0.5, 330, 1).map((said) => said.split(" ")[1]);
    expect(kinds.slice(0, 3)).toEqual(["holding_stopped", "holding_probation_started", "holding_probation_failed"]);
  });
});

describe("limits that do no harm: an hour without a word", () => {
  test.each([
    ["gc-pauses", { servers: 4, load: 0.8 }, 1],
    ["noisy-neighbour", { servers: 4, load: 0.8, meanMs: 60 }, 1.25],
    // More than can be served: somebody is always held, and it is nobody's fault.
    ["homogeneous", { servers: 2, load: 1.02, meanMs: 60 }, 1],
  ] as const)("%s", (name, base, factor) => {
    expect(course(name, base, factor, 3600, 1)).toEqual([]);
  });
});
