/** `neurabalancer simulate`: how policies fare on simulated fleets. */
import { readFileSync, writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { LEARNED_STRATEGY } from "../balancing/registry.ts";
import type { Network } from "../learning/models/network.ts";
import { classicalPolicies, ORACLE_NAME, type Policy, parsePolicy, strategyOf } from "../simulator/policy.ts";
import type { BaseFleet } from "../simulator/recipe.ts";
import { plotStudy } from "../simulator/report/plot.ts";
import { renderStudy } from "../simulator/report/table.ts";
import type { RequestKind, Scenario, Sharing } from "../simulator/scenario.ts";
import { parseScenarioFile } from "../simulator/scenario-file.ts";
import { BUILT_IN, builtInScenario, DEFAULT_BASE, FAULTS, HOLDING } from "../simulator/scenarios.ts";
import type { ServiceDistribution } from "../simulator/service-times.ts";
import { runStudy } from "../simulator/study.ts";
import { number, whole } from "./numbers.ts";
import { print, printJson } from "./output.ts";

const HELP = `
Requests, servers and time are simulated; the strategies, health checks, ejection and slow start are the product's own.
A policy is a strategy, with +weights behind it for weights that match the servers, +classes for classes of requests, +limits
for requests that are held by learned limits (+true_limits: by the right ones), and -ejection for no ejection.
The oracle knows every queue and the work in every request: regret is the mean latency above it.

Examples:
  $ neurabalancer simulate --scenario gc-pauses
  $ neurabalancer simulate --policies adaptive,least_connections+weights --scenario all --balancers 8
  $ neurabalancer simulate --scenario faults --compare --summary         against every classical policy in hindsight
  $ neurabalancer simulate --file fleet.json --seeds 10 --json
  $ neurabalancer simulate --policies ml,adaptive --model ./trained       a model of "neurabalancer train"
  $ neurabalancer simulate --kinds 70:0.3,25:1,5:8 --policies ml,ml+classes      routes that cost differently
  $ neurabalancer simulate --scenario all --plot comparison.svg

Scenarios (docs/simulator.md explains them, and how to write your own):
${[...BUILT_IN, ...HOLDING].map(({ name, description }) => `  ${name.padEnd(16)} ${description}`).join("\n")}`;

const DEFAULT_POLICIES = "ml,adaptive,least_response_time,least_connections,peak_ewma,p2c,round_robin";
const WARM_UP_MS = 2000;
/** Between two lines of progress on a terminal. */
const PROGRESS_MS = 200;

const SERVICES: Readonly<Record<string, ServiceDistribution>> = {
  constant: { kind: "constant" },
  exponential: { kind: "exponential" },
  lognormal: { kind: "lognormal", sigma: 1 },
  bimodal: { kind: "bimodal", share: 0.1, ratio: 10 },
  pareto: { kind: "pareto", alpha: 1.5, ratio: 1000 },
};

interface SimulateFlags {
  readonly scenario?: readonly string[];
  readonly file: readonly string[];
  readonly policies: readonly string[];
  readonly compare?: boolean;
  readonly summary?: boolean;
  readonly requests: number;
  readonly seeds: number;
  readonly seed: number;
  readonly servers: number;
  readonly workers: number;
  readonly discipline: "fifo" | "ps";
  readonly service: string;
  readonly sigma?: number;
  readonly meanMs: number;
  readonly kinds?: readonly RequestKind[];
  readonly load: number;
  readonly networkMs: number;
  readonly balancers: number;
  readonly sharing?: Sharing;
  readonly subset: number;
  readonly model?: string;
  readonly json?: boolean;
  readonly plot?: string;
}

/** Adds the `simulate` command to `program`. */
export function registerSimulate(program: Command): void {
  const base = DEFAULT_BASE;
  program
    .command("simulate")
    .description("compare balancing policies on simulated fleets and faults")
    .addOption(
      new Option(
        "--scenario <names>",
        "built-in scenarios, separated by commas; all, faults (the ten), or holding (about limits)",
      ).argParser(list),
    )
    .addOption(new Option("--file <file>", "a scenario of your own; may be repeated").default([]).argParser(collect))
    .addOption(
      new Option("--policies <names>", "policies, separated by commas")
        .default(list(DEFAULT_POLICIES), DEFAULT_POLICIES)
        .argParser(list),
    )
    .option("--compare", "add every classical policy, with and without weights and ejection")
    .option("--summary", "only the summary over all scenarios")
    .addOption(new Option("--requests <n>", "requests per run").default(100_000).argParser(whole(100, 100_000_000)))
    .addOption(new Option("--seeds <n>", "runs of each, with consecutive seeds").default(3).argParser(whole(1, 1000)))
    .addOption(new Option("--seed <n>", "the first seed").default(1).argParser(whole(0, 0xffffffff)))
    .addOption(new Option("--servers <n>", "servers").default(base.servers).argParser(whole(1, 2048)))
    .addOption(new Option("--workers <n>", "workers per server").default(base.workers).argParser(whole(1, 10_000)))
    .addOption(new Option("--discipline <how>", "queue, or share the workers").choices(["fifo", "ps"]).default("fifo"))
    .addOption(
      new Option("--service <name>", "distribution of the work").choices(Object.keys(SERVICES)).default("lognormal"),
    )
    .addOption(new Option("--sigma <x>", "spread of lognormal work (default: 1)").argParser(number(0.01, 4)))
    .addOption(new Option("--mean-ms <ms>", "mean work").default(base.meanMs).argParser(number(0.001, 1_000_000)))
    .addOption(
      new Option(
        "--kinds <list>",
        "routes with their part of the requests and what one costs beside another: 70:0.3,25:1,5:8",
      ).argParser(kinds),
    )
    .addOption(new Option("--load <share>", "of what the fleet can do").default(base.load).argParser(number(0.001, 10)))
    .addOption(
      new Option("--network-ms <ms>", "from a balancer to a server")
        .default(base.networkMs)
        .argParser(number(0, 60_000)),
    )
    .addOption(new Option("--balancers <n>", "balancers").default(base.balancers).argParser(whole(1, 256)))
    .addOption(
      new Option(
        "--sharing <how>",
        "what balancers see of each other's requests: live, own, cluster (as instances with one Redis), or everything so many ms ago",
      ).argParser(sharing),
    )
    .addOption(
      new Option("--subset <n>", "servers that each balancer uses; 0 = all").default(0).argParser(whole(0, 2048)),
    )
    .option("--model <dir>", "three-file model that ml routes by (default: the one that the product ships with)")
    .option("--json", "print JSON")
    .option("--plot <file>", "write an SVG picture")
    .addHelpText("after", HELP)
    .action(simulate);
}

async function simulate(flags: SimulateFlags): Promise<void> {
  const scenarios = readScenarios(flags);
  const policies = readPolicies(flags, await readModel(flags));
  const seeds = Array.from({ length: flags.seeds }, (_, i) => flags.seed + i);
  const onProgress = process.stderr.isTTY ? progressLine() : undefined;
  const study = runStudy({ scenarios, policies, requests: flags.requests, seeds, warmUpMs: WARM_UP_MS, onProgress });
  if (flags.plot !== undefined) writeFileSync(flags.plot, plotStudy(study));
  if (flags.json) printJson(study);
  else print(renderStudy(study, flags.summary !== true));
}

function readScenarios(flags: SimulateFlags): Scenario[] {
  const service = SERVICES[flags.service];
  const base: BaseFleet = {
    ...DEFAULT_BASE,
    servers: flags.servers,
    workers: flags.workers,
    discipline: flags.discipline,
    service: service.kind === "lognormal" ? { ...service, sigma: flags.sigma ?? service.sigma } : service,
    meanMs: flags.meanMs,
    kinds: flags.kinds,
    load: flags.load,
    networkMs: flags.networkMs,
    balancers: flags.balancers,
    sharing: flags.sharing ?? null,
    subset: flags.subset,
  };
  const names = flags.scenario ?? (flags.file.length > 0 ? [] : ["homogeneous", "compound"]);
  const builtIn = names.flatMap((name) => {
    if (name === "all") return BUILT_IN.map((scenario) => scenario.name);
    if (name === "holding") return HOLDING.map((scenario) => scenario.name);
    return name === "faults" ? FAULTS : [name];
  });
  const scenarios = [...new Set(builtIn)].map((name) => builtInScenario(name, base));
  for (const file of flags.file) scenarios.push(readScenarioFile(file));
  return scenarios;
}

function readScenarioFile(file: string): Scenario {
  const text = readFileSync(file, "utf8");
  try {
    return parseScenarioFile(text);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message.replaceAll("\n", `\n${file}: `)}`);
  }
}

async function readModel({ policies, model }: SimulateFlags): Promise<Network | undefined> {
  if (!policies.some((text) => strategyOf(text) === LEARNED_STRATEGY)) {
    if (model === undefined) return undefined;
    throw new Error(`--model is for the policy ${LEARNED_STRATEGY}, which is not among --policies`);
  }
  // Loaded only here: they bring what reads ONNX, which nothing else of the command line needs.
  if (model !== undefined) return (await import("../learning/models/files/onnx/reader.ts")).readNetworkAt(model);
  return (await import("../learning/models/shipped-model.ts")).readShippedNetwork();
}

function readPolicies({ policies, compare }: SimulateFlags, network: Network | undefined): Policy[] {
  const named = policies.map((text) => parsePolicy(text, network));
  const all = compare ? [...named, ...classicalPolicies()] : named;
  const distinct = [...new Map(all.map((policy) => [policy.name, policy])).values()];
  return distinct.sort((a, b) => Number(a.name === ORACLE_NAME) - Number(b.name === ORACLE_NAME));
}

function progressLine(): (done: number, total: number) => void {
  const begun = performance.now();
  let shown = begun;
  return (done, total) => {
    const now = performance.now();
    if (done < total && now - shown < PROGRESS_MS) return;
    shown = now;
    const leftSeconds = Math.ceil((((now - begun) / done) * (total - done)) / 1000);
    process.stderr.write(done < total ? `\r\x1b[K${done} of ${total} runs, ${leftSeconds} s left` : "\r\x1b[K");
  };
}

function list(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.some((name) => name === "")) throw new InvalidArgumentError("Expected names separated by commas.");
  return names;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function kinds(text: string): readonly RequestKind[] {
  return list(text).map((kind) => {
    const parts = kind.split(":");
    if (parts.length !== 2) throw new InvalidArgumentError("Expected <share>:<cost> for each, separated by commas.");
    return { share: number(0.001, 1e6)(parts[0]), cost: number(0.001, 1e6)(parts[1]) };
  });
}

function sharing(text: string): Sharing {
  return text === "live" || text === "own" || text === "cluster" ? text : number(1, 1_000_000)(text);
}
