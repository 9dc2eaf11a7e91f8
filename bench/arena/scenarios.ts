/** What is played: the simulator's scenarios, and some whose point is on sockets. */

import type { BaseFleet } from "../../src/simulator/recipe.ts";
import type { Disturbance, Effect, Scenario } from "../../src/simulator/scenario.ts";
import { BUILT_IN, builtInScenario } from "../../src/simulator/scenarios.ts";

/** Its point are balancers that know little of each other; here each proxy is alone before its fleet. */
const LEFT_OUT: readonly string[] = ["stale-metrics"];

/** A kind of request: its path tells which, and how much work it is. */
export interface RequestClass {
  /** First segment of its path. */
  readonly path: string;
  /** Share of all requests. */
  readonly share: number;
  /** Mean work, in means of all requests. */
  readonly work: number;
}

interface OwnScenario {
  readonly name: string;
  readonly description: string;
  /** Where requests are not all of one kind. */
  readonly classes?: readonly RequestClass[];
  /** What is different from the base fleet where nothing goes wrong. */
  readonly change: (base: Scenario) => Partial<Scenario>;
}

/** Little, usual and heavy requests: the weights of their works, 0.3, 1 and 8, over their mean. */
const CLASSES: readonly RequestClass[] = [
  { path: "items", share: 0.7, work: 0.3 / 0.86 },
  { path: "search", share: 0.25, work: 1 / 0.86 },
  { path: "reports", share: 0.05, work: 8 / 0.86 },
];

const OWN: readonly OwnScenario[] = [
  {
    name: "small-fleet",
    description: "Three servers of two workers at 85 % load: what waits in the wrong queue waits for long.",
    change: () => ({ servers: sized(2, 2, 2), load: 0.85 }),
  },
  {
    name: "classes",
    description:
      "Unequal speed, and three kinds of requests, of which the heaviest is 27 times the work of the lightest.",
    classes: CLASSES,
    change: ({ servers }) => ({
      servers: servers.map((server, i) => ({ ...server, speed: [2, 2, 1.5, 1, 1, 1, 0.75, 0.75, 0.5, 0.5][i % 10] })),
    }),
  },
  {
    name: "resize",
    description: "Four servers of eight workers, of which one has two for twelve of every 24 seconds.",
    change: () => ({
      servers: sized(8, 8, 8, 8),
      load: 0.65,
      disturbances: [again({ kind: "resize", workers: 2 }, { startMs: 8000, durationMs: 12_000, everyMs: 24_000 })],
    }),
  },
  {
    name: "stalls",
    description:
      "Servers of 8, 2, 1 and 4 workers at 75 % load, on a machine that stands still for 50 to 500 ms now and then.",
    change: () => ({
      servers: sized(8, 2, 1, 4),
      load: 0.75,
      disturbances: [
        again({ kind: "freeze", of: "machine" }, { startMs: 3000, durationMs: 50, everyMs: 5300 }),
        again({ kind: "freeze", of: "machine" }, { startMs: 5000, durationMs: 200, everyMs: 7100 }),
        again({ kind: "freeze", of: "machine" }, { startMs: 8000, durationMs: 500, everyMs: 13_700 }),
      ],
    }),
  },
];

/** Everything that can be played: the simulator's in its order, and then what is only here. */
export const SCENARIOS: readonly string[] = [...BUILT_IN, ...OWN]
  .map(({ name }) => name)
  .filter((name) => !LEFT_OUT.includes(name));

/** The scenario of that name. Throws an `Error` when there is none. */
export function arenaScenario(name: string, base: BaseFleet): Scenario {
  const own = OWN.find((candidate) => candidate.name === name);
  if (own === undefined) return builtInScenario(name, base);
  const plain = builtInScenario("homogeneous", base);
  return Object.freeze({ ...plain, name, description: own.description, ...own.change(plain) });
}

/** The kinds of requests in that scenario; null = all are of one. */
export function classesOf(name: string): readonly RequestClass[] | null {
  return OWN.find((candidate) => candidate.name === name)?.classes ?? null;
}

/** Which of `classes` a number of 0 … 1 stands for. */
export function drawClass(classes: readonly RequestClass[], drawn: number): RequestClass {
  let from = 0;
  for (const one of classes) {
    from += one.share;
    if (drawn < from) return one;
  }
  return classes[classes.length - 1];
}

function sized(...workers: readonly number[]): Scenario["servers"] {
  return workers.map((count) => ({ workers: count, speed: 1, discipline: "fifo" }));
}

function again(effect: Effect, times: Pick<Disturbance, "startMs" | "durationMs" | "everyMs">): Disturbance {
  return { effect, servers: [0], random: false, staggerMs: 0, ...times };
}
