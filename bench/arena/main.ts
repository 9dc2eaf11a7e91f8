/** The arena: see `HELP` in options.ts, and docs/arena.md for the method. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stopAll } from "../common/children.ts";
import { describeMachine } from "../common/machine.ts";
import { runAsProgram } from "../common/run-as-program.ts";
import type { Contestant } from "./contestant.ts";
import { batchesOf, DIRECT } from "./contestants.ts";
import { type Conditions, type Outcome, runTogether } from "./measure.ts";
import { type Options, parseOptions } from "./options.ts";
import type { RunSpec } from "./plan.ts";
import { renderPlot } from "./plot.ts";
import { conditionsLine, type Report, renderReport } from "./report.ts";
import { type ScenarioRuns, summariseAll, summariseScenario } from "./summary.ts";
import { type Theory, theoryOf } from "./theory.ts";

const say = (text: string): void => console.error(text);

/** Who is there; says who is not, and where they come from. */
function present(contestants: readonly Contestant[]): { found: Contestant[]; missing: string[] } {
  const missing = contestants
    .filter((contestant) => contestant.version() === null)
    .map(({ name }) => `${name} (install the system's package, e.g. apt install ${name.split("-")[0]})`);
  return { found: contestants.filter((contestant) => contestant.version() !== null), missing };
}

async function runScenario(
  scenario: string,
  contestants: readonly Contestant[],
  options: Options,
): Promise<ScenarioRuns> {
  const outcomes = new Map<string, Outcome[]>(contestants.map(({ name }) => [name, []]));
  const conditions: Conditions[] = [];
  const theory: Theory[] = [];
  const p95Of = (name: string): number => outcomes.get(name)!.at(-1)!.figures.p95Ms;
  for (let round = 0; round < options.rounds; round++) {
    const { base, durationMs, seed } = options;
    const spec: RunSpec = { scenario, base, durationMs, seed: seed + round };
    for (const [batch, together] of batchesOf(contestants, options.parallel).entries()) {
      const own = join(directory, `${scenario}-${round}-${batch}`);
      const result = await runTogether(together, spec, own, p95Of);
      rmSync(own, { recursive: true, force: true });
      for (const outcome of result.outcomes) outcomes.get(outcome.contestant.name)!.push(outcome);
      conditions.push(result.conditions);
    }
    if (outcomes.has(DIRECT)) theory.push(...[theoryOf(spec)].filter((found) => found !== null));
  }
  return {
    scenario,
    contestants: contestants.map(({ name, side }) => ({
      name,
      side,
      rounds: outcomes.get(name)!.map(({ figures, record }) => ({ figures, record })),
    })),
    theory,
    conditions,
  };
}

/** One line when a scenario is done, for those who wait. */
function progress(runs: ScenarioRuns, meanMs: number): string {
  const { scenario, bestPeer, contestants } = summariseScenario(runs);
  const cells = contestants.map(({ name, p99 }) => `${name} ${p99.value.toFixed(0)}`);
  return `${scenario}: p99 ms: ${cells.join(", ")}; best peer ${bestPeer ?? "none"}\n  ${conditionsLine(runs, meanMs)}`;
}

/** Everybody's files; empty until there are any. */
let directory = "";

async function cleanUp(): Promise<void> {
  await stopAll();
  if (directory !== "") rmSync(directory, { recursive: true, force: true });
}

async function run(options: Options): Promise<void> {
  if (process.platform !== "linux") throw new Error("the arena gives each server a loopback address: it needs Linux");
  const { found, missing } = present(options.contestants);
  for (const text of missing) say(`missing: ${text}`);
  if (found.length === 0) throw new Error("nobody is here to take part");
  directory = mkdtempSync(`/dev/shm/arena-neurabalancer-${process.pid}-`);
  const scenarios: ScenarioRuns[] = [];
  try {
    for (const scenario of options.scenarios) {
      const runs = await runScenario(scenario, found, options);
      scenarios.push(runs);
      say(progress(runs, options.base.meanMs));
    }
  } finally {
    await cleanUp();
  }
  const { base, durationMs, rounds, seed, parallel } = options;
  const report: Report = {
    machine: describeMachine(Date.now()),
    versions: [...new Set(found.map((contestant) => contestant.version() ?? ""))].filter((text) => text !== ""),
    missing,
    settings:
      `base fleet: ${base.servers} servers of ${base.workers} workers, ${base.meanMs} ms of work, ${Math.round(base.load * 100)} % load, ` +
      `${durationMs / 1000} s, ${rounds} ${rounds === 1 ? "round" : "rounds"} from seed ${seed}, ${Math.min(parallel, found.length)} contestants at a time`,
    meanMs: base.meanMs,
    scenarios,
  };
  console.log(renderReport(report, options.markdown));
  const figures = scenarios.map(summariseScenario);
  if (options.jsonFile !== null) {
    const content = { ...report, figures, overall: summariseAll(figures) };
    await Bun.write(options.jsonFile, `${JSON.stringify(content, null, 1)}\n`);
  }
  if (options.plotFile !== null) await Bun.write(options.plotFile, renderPlot(report));
}

await runAsProgram({ name: "bench:arena", parse: parseOptions, run, cleanUp });
