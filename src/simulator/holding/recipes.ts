/** Built-in scenarios about what a server can do at once: `--scenario holding`. */
import type { Recipe } from "../recipe.ts";

/** They stand beside the twelve, on the same base fleet. */
export const HOLDING_RECIPES: readonly Recipe[] = [
  {
    name: "resized",
    description:
      "One server has twice the workers of the others, and for half of the time half as many: its limit changes.",
    sizes: [2, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    disturbances: [
      { effect: { kind: "resize", workers: 0.5 }, servers: [0], startMs: 15_000, durationMs: 15_000, everyMs: 30_000 },
    ],
  },
  {
    name: "wrong-limit",
    description:
      "All servers get twice the workers, and there is twice the traffic: limits that were right are far too small.",
    disturbances: [
      { effect: { kind: "resize", workers: 0.5 }, servers: "all", durationMs: 15_000, everyMs: 30_000 },
      { effect: { kind: "surge", factor: 0.5 }, servers: [], durationMs: 15_000, everyMs: 30_000 },
    ],
  },
  {
    name: "autoscaled",
    description: "Half of the fleet comes and goes with the traffic: nothing is known of who comes.",
    disturbances: [
      { effect: { kind: "absent" }, servers: [5, 6, 7, 8, 9], durationMs: 10_000, everyMs: 20_000 },
      { effect: { kind: "surge", factor: 0.5 }, servers: [], durationMs: 10_000, everyMs: 20_000 },
    ],
  },
  {
    name: "io-bound",
    description: "Servers that take hundreds of requests at once and are not slower for it: there is nothing to hold.",
    fleet: (base) => ({ ...base, workers: base.workers * 64, meanMs: base.meanMs * 10 }),
  },
  {
    name: "far-away",
    description:
      "The way to a server and back takes as long as the work: a place must be filled again before it is empty.",
    fleet: (base) => ({ ...base, networkMs: base.meanMs / 2 }),
  },
  {
    name: "saturated",
    description: "More requests than can be served: what counts is that nobody stands idle meanwhile.",
    fleet: (base) => ({ ...base, load: 1.1 }),
  },
];
