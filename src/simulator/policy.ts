/** What is compared: a strategy, and what stands beside it. */
import type { HeldFleet } from "../balancing/holding/room.ts";
import { createStrategy, LEARNED_STRATEGY, STRATEGY_NAMES } from "../balancing/registry.ts";
import type { Strategy, StrategyDependencies } from "../balancing/strategy.ts";
import type { Network } from "../learning/models/network.ts";
import { GreedyOracle, type OracleSight } from "./greedy-oracle.ts";
import type { Holding } from "./holding/holding.ts";
import { LearnedHolding } from "./holding/learned-holding.ts";
import { TrueLimits } from "./holding/true-limits.ts";
import type { Scenario } from "./scenario.ts";
import { PRODUCT_LEARNER, SimulatedLearner, type SimulatedLearnerOptions } from "./simulated-learner.ts";

export interface Policy {
  /** As written on the command line. */
  readonly name: string;
  /** Health probes take servers out that are down. */
  readonly probes: boolean;
  /** Outliers are ejected, by the product's defaults. */
  readonly ejection: boolean;
  /** Servers are given weights in proportion to workers × speed; otherwise all have weight 1. */
  readonly trueWeights: boolean;
  /** Classes of requests are told apart, and what they cost is learned; left out = they are not. */
  readonly classes?: true;
  /**
   * A strategy for one balancer. `sight` is for oracles: nothing that serves traffic can have it. `mate` is the strategy
   * of another worker of the same instance, if there is one already: what such workers share in memory they share here.
   */
  readonly create: (dependencies: StrategyDependencies, sight: OracleSight, mate?: Strategy) => Strategy;
  /**
   * What one instance holds requests by; left out = every request is sent at once.
   * @param fleet as it sees it, live.
   */
  readonly createHolding?: (scenario: Scenario, fleet: HeldFleet, sight: OracleSight, seed: number) => Holding;
}

/** The name of the greedy oracle (see greedy-oracle.ts). */
export const ORACLE_NAME = "oracle";

/** Options behind a strategy's name, in this order: `least_connections+weights-ejection`. */
const WITH_WEIGHTS = "+weights";
const WITHOUT_EJECTION = "-ejection";
/** Requests are held by learned limits, as the product does it. */
const WITH_LIMITS = "+limits";
/** Requests are held by limits that are known to be right: one queue for the fleet. */
const WITH_TRUE_LIMITS = "+true_limits";
/** Classes of requests are told apart, as the product does it. */
const WITH_CLASSES = "+classes";
/** A strategy's name and its options. */
const POLICY = /^([a-z0-9_]+)(\+weights)?(\+classes)?(\+limits|\+true_limits)?(-ejection)?$/;

/** The yardstick: nothing that serves traffic can know what it knows. */
export const ORACLE: Policy = Object.freeze({
  name: ORACLE_NAME,
  probes: false, // it knows
  ejection: false,
  trueWeights: false,
  create: ({ random }, sight) => new GreedyOracle(sight, random),
} satisfies Policy);

/** Strategies that are not classical are measured against those that are. */
const LEARNED: readonly string[] = ["adaptive", LEARNED_STRATEGY];
/** Placement by key is not meant to be fast, and the simulator has no keys worth the name. */
const NOT_COMPARED: readonly string[] = ["consistent_hash"];

/** The names of the strategies of which a simulation can say something. */
export const COMPARED_NAMES: readonly string[] = STRATEGY_NAMES.filter((name) => !NOT_COMPARED.includes(name));

/** The names of the classical strategies that take part in comparisons. */
export const CLASSICAL_NAMES: readonly string[] = COMPARED_NAMES.filter((name) => !LEARNED.includes(name));

/** Every way to run the classical strategies: plain, without ejection, and with the servers' true weights. */
export function classicalPolicies(): readonly Policy[] {
  const weighted = ["weighted_round_robin", "least_connections", "p2c"];
  return CLASSICAL_NAMES.flatMap((name) => {
    const variants = weighted.includes(name) ? ["", WITH_WEIGHTS] : [""];
    return variants.flatMap((variant) => [parsePolicy(name + variant), parsePolicy(name + variant + WITHOUT_EJECTION)]);
  });
}

/** Whether `policy` is one that needs no learning and no yardstick: what others are compared with. */
export function isClassical(policy: Policy): boolean {
  return (
    policy.createHolding === undefined && policy.classes !== true && CLASSICAL_NAMES.includes(strategyOf(policy.name))
  );
}

/** `ml` by `network`, with the learner of the product unless `options` say otherwise. */
export function learnedPolicy(network: Network, options: SimulatedLearnerOptions = PRODUCT_LEARNER): Policy {
  return Object.freeze({ name: LEARNED_STRATEGY, probes: true, ejection: true, trueWeights: false, create: learned });

  function learned(dependencies: StrategyDependencies, _sight: OracleSight, mate?: Strategy): Strategy {
    const other = mate instanceof SimulatedLearner ? mate : undefined;
    return new SimulatedLearner(dependencies, network, options, other);
  }
}

/**
 * Reads a strategy with its options, `<strategy>[+weights][+classes][+limits|+true_limits][-ejection]`, or `oracle`. Throws an `Error`
 * that says what there is.
 * @param network what `ml` routes by; needed for that alone.
 */
export function parsePolicy(text: string, network?: Network): Policy {
  const [, strategy, weights, classes, limits, ejection] = POLICY.exec(text) ?? [];
  const isPlain = weights === undefined && classes === undefined && ejection === undefined;
  const isOracle = strategy === ORACLE_NAME && isPlain;
  const known: readonly string[] = STRATEGY_NAMES;
  if (!isOracle && !known.includes(strategy)) {
    throw new Error(
      `unknown policy "${text}": use ${ORACLE_NAME} or one of ${STRATEGY_NAMES.join(", ")}, with ${WITH_WEIGHTS} for true ` +
        `weights, ${WITH_CLASSES} for classes of requests, ${WITH_LIMITS} or ${WITH_TRUE_LIMITS} for learned or true limits, and ${WITHOUT_EJECTION} for no ejection ` +
        "behind it",
    );
  }
  const holding = holdingBy(limits);
  if (isOracle) return Object.freeze({ ...ORACLE, name: text, ...holding });
  return Object.freeze({
    name: text,
    probes: true,
    ejection: ejection === undefined,
    trueWeights: weights !== undefined,
    ...(classes === undefined ? {} : ({ classes: true } as const)),
    create: creatorOf(strategy, network),
    ...holding,
  });
}

function holdingBy(limits: string | undefined): Pick<Policy, "createHolding"> {
  switch (limits) {
    case WITH_LIMITS:
      return { createHolding: (_scenario, fleet, _sight, seed) => new LearnedHolding(fleet, seed) };
    case WITH_TRUE_LIMITS:
      return { createHolding: (scenario, { id }, sight) => new TrueLimits(sight, scenario, id) };
    default:
      return {};
  }
}

function creatorOf(strategy: string, network: Network | undefined): Policy["create"] {
  if (strategy !== LEARNED_STRATEGY) return (dependencies) => createStrategy(strategy, dependencies);
  if (network === undefined) throw new Error(`the policy ${LEARNED_STRATEGY} needs a model to route by`);
  return learnedPolicy(network).create;
}

/** The strategy in a policy's name: `least_connections` of `least_connections+weights-ejection`. */
export function strategyOf(text: string): string {
  return /^[a-z0-9_]*/.exec(text)![0];
}
