/** The command line of the arena. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { BaseFleet } from "../../src/simulator/recipe.ts";
import { DEFAULT_BASE } from "../../src/simulator/scenarios.ts";
import type { Contestant } from "./contestant.ts";
import { CONTESTANTS, DEFAULT_CONTESTANTS, QUICK_CONTESTANTS, selectContestants } from "./contestants.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Twice the simulator's, so that timers of a millisecond and two cores are enough. */
const DEFAULT_MEAN_MS = 40;
/** Each contestant takes a tenth of a core, its clients and servers included; most of each core has to stay free. */
const PARALLEL = 3 * cpus().length;

export const HELP = `Compares how well requests are routed: NeuraBalancer's strategies, nginx and HAProxy before equal fleets of emulated
servers, with the same requests and the same faults at the same moments. See docs/arena.md.

  npm run bench:arena -- [options]

  --scenarios a,b    only these: ${SCENARIOS.join(", ")}
  --contestants a,b  only these (--list shows all)
  --rounds N         rounds, each with a seed of its own (default 1)
  --seconds S        length of one run (default 60)
  --mean-ms M        mean work of a request (default ${DEFAULT_MEAN_MS}); less work means more requests per second
  --load L           arrivals as a share of what the fleet can do (default ${DEFAULT_BASE.load})
  --servers N        servers of a fleet (default ${DEFAULT_BASE.servers})
  --workers N        requests that a server works on at a time (default ${DEFAULT_BASE.workers})
  --seed N           seed of the first round (default 1)
  --parallel N       contestants that run at the same moment (default ${PARALLEL}: three for each core)
  --quick            fewer contestants and runs of 30 seconds
  --list             say who can take part
  --markdown         the tables as Markdown
  --json FILE        everything that was measured
  --plot FILE        an SVG picture of the tables
`;

export interface Options {
  readonly scenarios: readonly string[];
  readonly contestants: readonly Contestant[];
  readonly rounds: number;
  readonly durationMs: number;
  readonly base: BaseFleet;
  readonly seed: number;
  readonly parallel: number;
  readonly markdown: boolean;
  readonly jsonFile: string | null;
  readonly plotFile: string | null;
}

/** Reads the arguments; a text is to be shown instead of running. Throws an `Error` for the user. */
export function parseOptions(args: readonly string[]): Options | string {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h" },
      list: { type: "boolean" },
      quick: { type: "boolean", default: false },
      scenarios: { type: "string" },
      contestants: { type: "string" },
      rounds: { type: "string", default: "1" },
      seconds: { type: "string" },
      "mean-ms": { type: "string", default: String(DEFAULT_MEAN_MS) },
      load: { type: "string", default: String(DEFAULT_BASE.load) },
      servers: { type: "string", default: String(DEFAULT_BASE.servers) },
      workers: { type: "string", default: String(DEFAULT_BASE.workers) },
      seed: { type: "string", default: "1" },
      parallel: { type: "string", default: String(PARALLEL) },
      markdown: { type: "boolean", default: false },
      json: { type: "string" },
      plot: { type: "string" },
    },
  });
  if (values.help) return HELP;
  if (values.list) return listing();
  const names = values.quick ? QUICK_CONTESTANTS : DEFAULT_CONTESTANTS;
  const base: BaseFleet = {
    ...DEFAULT_BASE,
    servers: whole("--servers", values.servers, 1, 250),
    workers: whole("--workers", values.workers, 1, 1000),
    meanMs: within("--mean-ms", values["mean-ms"], 1, 10_000),
    load: within("--load", values.load, 0.01, 2),
  };
  return {
    scenarios: values.scenarios === undefined ? SCENARIOS : selectScenarios(list(values.scenarios)),
    contestants: selectContestants(values.contestants === undefined ? names : list(values.contestants)),
    rounds: whole("--rounds", values.rounds, 1, 1000),
    durationMs: 1000 * within("--seconds", values.seconds ?? (values.quick ? "30" : "60"), 1, 3600),
    base,
    seed: whole("--seed", values.seed, 0, Number.MAX_SAFE_INTEGER),
    parallel: whole("--parallel", values.parallel, 1, 100),
    markdown: values.markdown,
    jsonFile: values.json ?? null,
    plotFile: values.plot ?? null,
  };
}

function selectScenarios(names: readonly string[]): string[] {
  const unknown = names.filter((name) => !SCENARIOS.includes(name));
  if (unknown.length > 0) throw new Error(`no scenario ${unknown.join(", ")}; there are ${SCENARIOS.join(", ")}`);
  return SCENARIOS.filter((name) => names.includes(name));
}

function listing(): string {
  const width = Math.max(...CONTESTANTS.map(({ name }) => name.length));
  return CONTESTANTS.map(({ name, description }) => `${name.padEnd(width)}  ${description}\n`).join("");
}

function list(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

function within(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most))
    throw new Error(`${name} is a number from ${least} to ${most}, not "${text}"`);
  return value;
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = within(name, text, least, most);
  if (!Number.isInteger(value)) throw new Error(`${name} is a whole number, not "${text}"`);
  return value;
}
