/** The command line of the herd test. */
import { parseArgs } from "node:util";
import { STRATEGY_NAMES } from "../../src/balancing/registry.ts";
import { SCENARIOS } from "../arena/scenarios.ts";

/** How the same requests are balanced. */
export const ARRANGEMENTS = ["one", "apart", "shared"] as const;
/** `one`: one instance; `apart`: several that know nothing of each other; `shared`: several with one Redis. */
export type Arrangement = (typeof ARRANGEMENTS)[number];

/** Text of `--help`. */
export const HELP = `Compares several balancers before one fleet with one: the same requests come to any of them by chance, over real sockets.
Each round runs one balancer, several that know nothing of each other, and several with one Redis, in turn, before a fleet of emulated
servers each (the arena's, docs/arena.md). What counts is p99 beside that of one balancer, the median over the rounds.

  npm run bench:herd -- [options]

  --strategies a,b    (default least_connections,ml)
  --arrangements a,b  of ${ARRANGEMENTS.join(", ")} (default all; one is always there)
  --scenario NAME     as in bench:arena (default homogeneous)
  --instances N       how many balancers (default 8)
  --servers N         (default 10)
  --workers N         requests that a server works on at a time (default 4)
  --mean-ms M         mean work of a request (default 80)
  --load L            arrivals as a share of what the fleet can do (default 0.7)
  --rounds N          rounds, each with a seed of its own (default 5)
  --seconds S         length of one run (default 12)
  --seed N            of the first round (default 1)
  --json FILE         everything that was measured
`;

/** What was asked for. */
export interface Options {
  readonly strategies: readonly string[];
  readonly arrangements: readonly Arrangement[];
  readonly scenario: string;
  readonly instances: number;
  readonly servers: number;
  readonly workers: number;
  readonly meanMs: number;
  readonly load: number;
  readonly rounds: number;
  readonly durationMs: number;
  readonly seed: number;
  readonly jsonFile: string | null;
}

/** Reads the arguments; a text is to be shown instead of running. Throws an `Error` for the user. */
export function parseOptions(args: readonly string[]): Options | string {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h" },
      strategies: { type: "string", default: "least_connections,ml" },
      arrangements: { type: "string", default: ARRANGEMENTS.join(",") },
      scenario: { type: "string", default: "homogeneous" },
      instances: { type: "string", default: "8" },
      servers: { type: "string", default: "10" },
      workers: { type: "string", default: "4" },
      "mean-ms": { type: "string", default: "80" },
      load: { type: "string", default: "0.7" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "12" },
      seed: { type: "string", default: "1" },
      json: { type: "string" },
    },
  });
  if (values.help) return HELP;
  const asked = among("--arrangements", values.arrangements.split(","), ARRANGEMENTS);
  const { scenario } = values;
  among("--scenario", [scenario], SCENARIOS);
  return {
    strategies: among("--strategies", values.strategies.split(","), STRATEGY_NAMES),
    arrangements: ARRANGEMENTS.filter((arrangement) => arrangement === "one" || asked.includes(arrangement)),
    scenario,
    instances: whole("--instances", values.instances, 2, 32),
    servers: whole("--servers", values.servers, 1, 250),
    workers: whole("--workers", values.workers, 1, 1000),
    meanMs: within("--mean-ms", values["mean-ms"], 1, 10_000),
    load: within("--load", values.load, 0.01, 2),
    rounds: whole("--rounds", values.rounds, 1, 1000),
    durationMs: 1000 * within("--seconds", values.seconds, 1, 3600),
    seed: whole("--seed", values.seed, 0, Number.MAX_SAFE_INTEGER),
    jsonFile: values.json ?? null,
  };
}

function among<Name extends string>(option: string, given: readonly string[], names: readonly Name[]): Name[] {
  const known: readonly string[] = names;
  const unknown = given.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`${option}: no ${unknown.join(", ")}; there are ${names.join(", ")}`);
  return given as Name[];
}

function within(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most)) {
    throw new Error(`${option} is a number from ${least} to ${most}, not "${text}"`);
  }
  return value;
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = within(option, text, least, most);
  if (!Number.isInteger(value)) throw new Error(`${option} is a whole number, not "${text}"`);
  return value;
}
