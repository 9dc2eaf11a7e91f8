/** The one list of strategies: what `LB_STRATEGY` may name, and what the documentation shows. */

import { adaptive } from "./adaptive.ts";
import { type ConsistentHashOptions, consistentHash } from "./consistent-hash.ts";
import { leastConnections } from "./least-connections.ts";
import { leastResponseTime } from "./least-response-time.ts";
import { ml } from "./ml.ts";
import { powerOfTwoChoices } from "./p2c.ts";
import { peakEwma } from "./peak-ewma.ts";
import { randomChoice } from "./random-choice.ts";
import { roundRobin } from "./round-robin.ts";
import type { Strategy, StrategyDependencies, StrategyEntry } from "./strategy.ts";
import { weightedRoundRobin } from "./weighted-round-robin.ts";

/** What strategies may be told: each reads its own. */
export type StrategyOptions = ConsistentHashOptions;

/** Every strategy. The order is that of the documentation. */
export const STRATEGIES = [
  roundRobin,
  weightedRoundRobin,
  leastConnections,
  randomChoice,
  powerOfTwoChoices,
  peakEwma,
  leastResponseTime,
  adaptive,
  ml,
  consistentHash,
] as const satisfies readonly StrategyEntry<StrategyOptions>[];

/** A name of the list. */
export type StrategyName = (typeof STRATEGIES)[number]["name"];

/** The names, in the order of the list. */
export const STRATEGY_NAMES: readonly StrategyName[] = STRATEGIES.map(({ name }) => name);

/** The one that has a learner process beside it. */
export const LEARNED_STRATEGY: StrategyName = ml.name;

/** A strategy's name with the options of all strategies, as settings have them. */
export interface StrategySettings extends StrategyOptions {
  readonly strategy: string;
}

/** Makes the strategy of that name. Throws an `Error` that lists the valid names when there is none. */
export function createStrategy(
  name: string,
  dependencies: StrategyDependencies,
  options: StrategyOptions = {},
): Strategy {
  return entryOf(name).create(dependencies, options);
}

/** True when the strategy need not be made anew: it is the same one, and none of its own options has changed. */
export function isSameStrategy(present: StrategySettings, wanted: StrategySettings): boolean {
  if (wanted.strategy !== present.strategy) return false;
  return (entryOf(wanted.strategy).options ?? []).every((option) => wanted[option] === present[option]);
}

function entryOf(name: string): StrategyEntry<StrategyOptions> {
  const entry = STRATEGIES.find((strategy) => strategy.name === name);
  if (!entry) throw new Error(`unknown strategy "${name}": use one of ${STRATEGY_NAMES.join(", ")}`);
  return entry;
}
