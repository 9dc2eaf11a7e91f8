/** The command line of the proof of replay. */
import { parseArgs } from "node:util";
import { STRATEGY_NAMES } from "../../src/balancing/registry.ts";
import { DEFAULT_BASE } from "../../src/simulator/scenarios.ts";
import { SCENARIOS } from "../arena/scenarios.ts";

/** One of each kind of trouble. */
const DEFAULT_SCENARIOS: readonly string[] = [
  "homogeneous",
  "unequal-speed",
  "unequal-size",
  "noisy-neighbour",
  "gray-failure",
  "cold-start",
  "gc-pauses",
  "surge",
];
const DEFAULT_STRATEGIES = "least_connections,round_robin,p2c,peak_ewma,adaptive";

export const HELP = `Checks replay against the truth: records a run of the arena under one strategy, through the product's own history, says by
replay what others would have given, and runs them, at the same moment, over the same requests and faults.

  npm run bench:replay -- [options]

  --scenarios a,b    only these: ${SCENARIOS.join(", ")}
                     (default ${DEFAULT_SCENARIOS.join(",")})
  --strategies a,b   the first one is recorded, the others are predicted (default ${DEFAULT_STRATEGIES})
  --seconds S        length of one run (default 60: twice the period of most faults, so that both halves have as many)
  --minutes M        begins no scenario that would end later than this (default 12)
  --mean-ms M        mean work of a request (default 60); where the machine is busy, more makes its delays matter less
  --load L           arrivals as a share of what the fleet can do (default ${DEFAULT_BASE.load})
  --seed N           (default 1)
  --runs N           simulated runs of each strategy (default 5)
  --markdown         the table as Markdown
  --write FILE       puts the table into a document, between its two "bench:replay" comments
  --json FILE        everything that was found
  --keep DIR         keeps what was recorded and measured
  --from DIR         runs nothing: takes what was kept there
`;

export interface Options {
  readonly scenarios: readonly string[];
  readonly strategies: readonly string[];
  readonly durationMs: number;
  /** Of all of them together. */
  readonly mostMs: number;
  readonly meanMs: number;
  readonly load: number;
  readonly seed: number;
  readonly runs: number;
  readonly markdown: boolean;
  readonly document: string | null;
  readonly jsonFile: string | null;
  /** Where runs are kept. */
  readonly keep: string | null;
  /** Where runs were kept that are looked at again, instead of running. */
  readonly from: string | null;
  /** As it was called. */
  readonly command: string;
}

/** Reads the arguments; a text is to be shown instead of running. Throws an `Error` for the user. */
export function parseOptions(args: readonly string[]): Options | string {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h" },
      scenarios: { type: "string", default: DEFAULT_SCENARIOS.join(",") },
      strategies: { type: "string", default: DEFAULT_STRATEGIES },
      seconds: { type: "string", default: "60" },
      minutes: { type: "string", default: "12" },
      "mean-ms": { type: "string", default: "60" },
      load: { type: "string", default: String(DEFAULT_BASE.load) },
      seed: { type: "string", default: "1" },
      runs: { type: "string", default: "5" },
      markdown: { type: "boolean", default: false },
      write: { type: "string" },
      json: { type: "string" },
      keep: { type: "string" },
      from: { type: "string" },
    },
  });
  if (values.help) return HELP;
  const strategies = known("strategy", values.strategies, STRATEGY_NAMES);
  if (strategies.length < 2) throw new Error("--strategies names the recorded one and at least one other");
  return {
    scenarios: known("scenario", values.scenarios, SCENARIOS),
    strategies,
    durationMs: 1000 * within("--seconds", values.seconds, 10, 3600),
    mostMs: 60_000 * within("--minutes", values.minutes, 1, 600),
    meanMs: within("--mean-ms", values["mean-ms"], 1, 10_000),
    load: within("--load", values.load, 0.01, 2),
    seed: within("--seed", values.seed, 0, Number.MAX_SAFE_INTEGER),
    runs: within("--runs", values.runs, 3, 100),
    markdown: values.markdown,
    document: values.write ?? null,
    jsonFile: values.json ?? null,
    keep: values.keep ?? null,
    from: values.from ?? null,
    command: ["npm run bench:replay", ...(args.length > 0 ? ["--", ...args] : [])].join(" "),
  };
}

function known(what: string, text: string, names: readonly string[]): string[] {
  const asked = text.split(",").filter((name) => name !== "");
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no ${what} ${unknown.join(", ")}; there are ${names.join(", ")}`);
  return asked;
}

function within(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most))
    throw new Error(`${name} is a number from ${least} to ${most}, not "${text}"`);
  return value;
}
