/** Scenarios drawn at random: a model that is trained on them has seen more than the built-in ones. */
import { seededRandom } from "../../balancing/random.ts";
import type { Disturbance, Effect, Scenario, Sharing, SimulatedServer } from "../../simulator/scenario.ts";
import type { ServiceDistribution } from "../../simulator/service-times.ts";

const SERVICES: readonly ServiceDistribution[] = [
  { kind: "exponential" },
  { kind: "lognormal", sigma: 0.6 },
  { kind: "lognormal", sigma: 1 },
  { kind: "lognormal", sigma: 1.4 },
  { kind: "bimodal", share: 0.05, ratio: 15 },
  { kind: "pareto", alpha: 1.5, ratio: 300 },
];

/** The scenario of a seed: always the same one. Times are in proportion to the work of a request, within bounds. */
export function randomScenario(seed: number): Scenario {
  const { next } = seededRandom(seed);
  const between = (low: number, high: number) => low + (high - low) * next();
  const logBetween = (low: number, high: number) => low * (high / low) ** next();
  const oneOf = <T>(values: readonly T[]): T => values[(next() * values.length) | 0];

  const count = 3 + ((next() * 10) | 0);
  const workers = oneOf([1, 2, 4, 4, 8, 16]);
  const discipline = next() < 0.7 ? "fifo" : "ps";
  const speedSpread = next() < 0.5 ? 0 : between(0.2, 0.7);
  const sizeSpread = next() < 0.6 ? 0 : between(0.3, 0.8);
  const servers = Array.from({ length: count }, (): SimulatedServer => {
    const speed = Math.exp(speedSpread * between(-1, 1));
    return { workers: Math.max(1, Math.round(workers * Math.exp(sizeSpread * between(-1, 1)))), speed, discipline };
  });
  const all = servers.map((_, i) => i);
  const some = () => all.filter(() => next() < 0.4);
  const disturbances: Disturbance[] = [];
  const add = (effect: Effect, on: readonly number[], durationMs: number, everyMs: number | null, random = true) =>
    disturbances.push({ effect, servers: on, startMs: between(0, 5000), durationMs, everyMs, random, staggerMs: 0 });
  if (next() < 0.4) add({ kind: "slow", factor: between(1.5, 4) }, all, between(1000, 5000), between(8000, 25_000));
  if (next() < 0.4) add({ kind: "pause" }, next() < 0.5 ? all : some(), between(80, 500), between(2500, 12_000));
  if (next() < 0.2) add({ kind: "errors", share: between(0.05, 1) }, [0], between(3000, 10_000), 20_000);
  if (next() < 0.15) add({ kind: "down" }, [count - 1], between(1000, 4000), 15_000);
  if (next() < 0.2) add({ kind: "surge", factor: between(1.1, 1.4) }, [], between(1000, 4000), 12_000);
  const scenario: Scenario = {
    name: `random-${seed}`,
    description: "Drawn at random.",
    servers,
    service: oneOf(SERVICES),
    meanMs: logBetween(3, 120),
    load: between(0.4, 0.85),
    arrivals: next() < 0.7 ? { kind: "poisson" } : { kind: "bursty", factor: 2, burstMs: 200, calmMs: 800 },
    disturbances,
    timeoutMs: 2000,
    balancers: oneOf([1, 1, 2, 4, 8]),
    sharing: oneOf<Sharing>(["own", "own", "live", 100, 1000]),
  };
  return Object.freeze(scenario);
}
