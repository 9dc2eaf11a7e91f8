/** The built-in scenarios. Each is the same base fleet with one thing about it that makes routing hard. */
import { HOLDING_RECIPES } from "./holding/recipes.ts";
import type { BaseFleet, DisturbanceRecipe, Recipe } from "./recipe.ts";
import type { Disturbance, Scenario, SimulatedServer } from "./scenario.ts";

/** Ten servers of four workers, lognormal service of 20 ms, 70 % load, one balancer. */
export const DEFAULT_BASE: BaseFleet = Object.freeze({
  servers: 10,
  workers: 4,
  discipline: "fifo",
  service: { kind: "lognormal", sigma: 1 },
  meanMs: 20,
  load: 0.7,
  arrivals: { kind: "poisson" },
  networkMs: 0,
  balancers: 1,
  sharing: null,
  subset: 0,
} satisfies BaseFleet);

const SPEEDS = [2, 2, 1.5, 1, 1, 1, 0.75, 0.75, 0.5, 0.5];
/** A neighbour takes two thirds of a server's power for about three of every fifteen seconds. */
const NOISE: DisturbanceRecipe = {
  effect: { kind: "slow", factor: 3 },
  servers: "all",
  durationMs: 3000,
  everyMs: 15_000,
  random: true,
};
/** A third of a second of standstill about every five seconds. */
const GC: DisturbanceRecipe = {
  effect: { kind: "pause" },
  servers: "all",
  durationMs: 300,
  everyMs: 5000,
  random: true,
};

const RECIPES: readonly Recipe[] = [
  {
    name: "homogeneous",
    description: "Ten equal servers, nothing goes wrong: there is nothing to learn and nothing may be lost.",
  },
  {
    name: "unequal-speed",
    description: "The fastest server is four times as fast as the slowest, and nobody has configured that.",
    speeds: SPEEDS,
  },
  {
    name: "unequal-size",
    description: "Equal speed, but some servers have twice the workers and some half: room counts, not latency alone.",
    sizes: [2, 2, 2, 1, 1, 1, 1, 0.5, 0.5, 0.5],
  },
  {
    name: "noisy-neighbour",
    description: "Each server is three times as slow now and then, for some seconds: what was true soon is not.",
    disturbances: [NOISE],
  },
  {
    name: "black-hole",
    description: "One server answers everything with an error at once while its health checks pass: it looks fast.",
    disturbances: [
      { effect: { kind: "errors", share: 1 }, servers: [3], startMs: 10_000, durationMs: 20_000, everyMs: 40_000 },
    ],
  },
  {
    name: "gray-failure",
    description: "One server never answers a fifth of its requests and is slower for the rest; health checks pass.",
    disturbances: [
      { effect: { kind: "hangs", share: 0.2 }, servers: [3], startMs: 10_000, durationMs: 20_000, everyMs: 40_000 },
      { effect: { kind: "slow", factor: 1.5 }, servers: [3], startMs: 10_000, durationMs: 20_000, everyMs: 40_000 },
    ],
  },
  {
    name: "cold-start",
    description: "Two servers restart at once and are four times as slow until they are warm.",
    disturbances: [
      { effect: { kind: "down" }, servers: [8, 9], startMs: 10_000, durationMs: 2000, everyMs: 30_000 },
      { effect: { kind: "slow", factor: 4 }, servers: [8, 9], startMs: 12_000, durationMs: 8000, everyMs: 30_000 },
    ],
  },
  {
    name: "gc-pauses",
    description: "Every server stands still for a third of a second now and then; the silence is the only sign.",
    disturbances: [GC],
  },
  {
    name: "surge",
    description: "A third more requests for three of every fifteen seconds: nearly all there is room for.",
    disturbances: [
      { effect: { kind: "surge", factor: 1.35 }, servers: [], startMs: 5000, durationMs: 3000, everyMs: 15_000 },
    ],
  },
  {
    name: "stale-metrics",
    description: "Bursty traffic; balancers tell each other what they have in flight only once a second: herds form.",
    sharing: 1000,
    arrivals: { kind: "bursty", factor: 2, burstMs: 200, calmMs: 800 },
  },
  {
    name: "rolling-restart",
    description: "A deployment: one server after the other is gone for two seconds and cold for four.",
    disturbances: [
      {
        effect: { kind: "down" },
        servers: "all",
        startMs: 5000,
        durationMs: 2000,
        everyMs: 60_000,
        staggerMs: 5000,
      },
      {
        effect: { kind: "slow", factor: 3 },
        servers: "all",
        startMs: 7000,
        durationMs: 4000,
        everyMs: 60_000,
        staggerMs: 5000,
      },
    ],
  },
  {
    name: "compound",
    description: "Unequal speed, noisy neighbours and GC pauses together: the usual state of a real fleet.",
    speeds: SPEEDS,
    disturbances: [NOISE, GC],
  },
];

/** Name and description of every built-in scenario. */
export const BUILT_IN: readonly { readonly name: string; readonly description: string }[] = RECIPES;

/** The ten faults that averages are taken over. `homogeneous` is no fault, and `compound` repeats three of them. */
export const FAULTS: readonly string[] = RECIPES.map(({ name }) => name).filter(
  (name) => name !== "homogeneous" && name !== "compound",
);

/** Those about what a server can do at once, beside the twelve: limits have to be found, and found again. */
export const HOLDING: readonly { readonly name: string; readonly description: string }[] = HOLDING_RECIPES;

const ALL_RECIPES: readonly Recipe[] = [...RECIPES, ...HOLDING_RECIPES];

/** Whether a built-in scenario has that name. */
export function isBuiltIn(name: string): boolean {
  return ALL_RECIPES.some((recipe) => recipe.name === name);
}

/** The built-in scenario of that name. Throws an `Error` that lists the valid names when there is none. */
export function builtInScenario(name: string, given: BaseFleet = DEFAULT_BASE): Scenario {
  const recipe = ALL_RECIPES.find((candidate) => candidate.name === name);
  if (!recipe) throw new Error(`unknown scenario "${name}": use one of ${ALL_RECIPES.map((r) => r.name).join(", ")}`);
  const base = recipe.fleet?.(given) ?? given;
  const servers = Array.from({ length: base.servers }, (_, i): SimulatedServer => {
    const size = recipe.sizes?.[i % recipe.sizes.length] ?? 1;
    const speed = recipe.speeds?.[i % recipe.speeds.length] ?? 1;
    return { workers: Math.max(1, Math.round(base.workers * size)), speed, discipline: base.discipline };
  });
  return Object.freeze({
    name,
    description: recipe.description,
    servers,
    service: base.service,
    meanMs: base.meanMs,
    ...(base.kinds === undefined ? {} : { kinds: base.kinds }),
    load: base.load,
    arrivals: recipe.arrivals ?? base.arrivals,
    disturbances: (recipe.disturbances ?? []).map((disturbance) => complete(disturbance, base)),
    timeoutMs: 2000,
    networkMs: base.networkMs,
    balancers: base.balancers,
    sharing: base.sharing ?? recipe.sharing ?? "own",
    subset: base.subset,
  });
}

function complete({ servers, effect, ...rest }: DisturbanceRecipe, base: BaseFleet): Disturbance {
  const count = base.servers;
  const all = Array.from({ length: count }, (_, i) => i);
  const workers = effect.kind === "resize" ? Math.max(1, Math.round(effect.workers * base.workers)) : 0;
  return {
    startMs: 0,
    everyMs: null,
    random: false,
    staggerMs: 0,
    ...rest,
    effect: effect.kind === "resize" ? { ...effect, workers } : effect,
    servers: servers === "all" ? all : servers.filter((server) => server < count),
  };
}
