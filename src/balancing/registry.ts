/** The one list of strategies: what `LB_STRATEGY` may name, and what the documentation shows. */
import { Adaptive } from "./adaptive.ts";
import { ConsistentHash } from "./consistent-hash.ts";
import { LeastConnections } from "./least-connections.ts";
import { LeastResponseTime } from "./least-response-time.ts";
import { Ml } from "./ml.ts";
import { PowerOfTwoChoices } from "./p2c.ts";
import { PeakEwma } from "./peak-ewma.ts";
import { RandomChoice } from "./random-choice.ts";
import { RoundRobin } from "./round-robin.ts";
import type { Strategy, StrategyDependencies, StrategyOptions } from "./strategy.ts";
import { WeightedRoundRobin } from "./weighted-round-robin.ts";

/** One strategy as configuration and documentation know it. */
export interface StrategyEntry {
  readonly name: string;
  /** One line for the reference. */
  readonly description: string;
  /** Throws a `RangeError` when an option of this strategy is out of range. */
  readonly create: (dependencies: StrategyDependencies, options: StrategyOptions) => Strategy;
}

/** Every strategy. The order is that of the documentation. */
export const STRATEGIES = [
  {
    name: "round_robin",
    description: "Each server in turn, whatever its weight.",
    create: (dependencies) => new RoundRobin(dependencies),
  },
  {
    name: "weighted_round_robin",
    description: "Each server in turn, as often as its weight says, evenly spread (smooth).",
    create: (dependencies) => new WeightedRoundRobin(dependencies),
  },
  {
    name: "least_connections",
    description: "The server with the fewest requests in flight for its weight; ties at random.",
    create: (dependencies) => new LeastConnections(dependencies),
  },
  {
    name: "random",
    description: "A random server, with chances proportional to the weights.",
    create: (dependencies) => new RandomChoice(dependencies),
  },
  {
    name: "p2c",
    description: "Power of two choices: of two random servers, the one with fewer requests in flight for its weight.",
    create: (dependencies) => new PowerOfTwoChoices(dependencies),
  },
  {
    name: "peak_ewma",
    description: "Of two random servers, the one with the lower peak-sensitive latency times requests in flight.",
    create: (dependencies) => new PeakEwma(dependencies),
  },
  {
    name: "least_response_time",
    description: "The server with the lowest average latency times requests in flight, over all servers.",
    create: (dependencies) => new LeastResponseTime(dependencies),
  },
  {
    name: "adaptive",
    description: "The server with the lowest latency expected from its speed and load, both learned from answers.",
    create: (dependencies) => new Adaptive(dependencies),
  },
  {
    name: "ml",
    description: "The server with the lowest cost expected by a model that learns from answers while it serves.",
    create: (dependencies) => new Ml(dependencies),
  },
  {
    name: "consistent_hash",
    description: "The same key (client address, header or cookie) to the same server, with bounded load.",
    create: (dependencies, options) => new ConsistentHash(dependencies, options),
  },
] as const satisfies readonly StrategyEntry[];

/** A name of the list. */
export type StrategyName = (typeof STRATEGIES)[number]["name"];

/** The names, in the order of the list. */
export const STRATEGY_NAMES: readonly StrategyName[] = STRATEGIES.map((strategy) => strategy.name);

/** The one that has a learner process beside it. */
export const LEARNED_STRATEGY: StrategyName = "ml";

/** Makes the strategy of that name. Throws an `Error` that lists the valid names when there is none. */
export function createStrategy(
  name: string,
  dependencies: StrategyDependencies,
  options: StrategyOptions = {},
): Strategy {
  const entry = STRATEGIES.find((strategy) => strategy.name === name);
  if (!entry) throw new Error(`unknown strategy "${name}": use one of ${STRATEGY_NAMES.join(", ")}`);
  return entry.create(dependencies, options);
}
