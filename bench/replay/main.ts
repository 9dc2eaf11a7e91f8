/** Replay against the truth: see `HELP` in options.ts, and docs/replay.md. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../src/balancing/random.ts";
import { LEARNED_STRATEGY } from "../../src/balancing/registry.ts";
import { readShippedNetwork } from "../../src/learning/models/shipped-model.ts";
import { readStore } from "../../src/replay/reading/store/read-store.ts";
import type { Recording } from "../../src/replay/recording.ts";
import { replay } from "../../src/replay/replay.ts";
import { DEFAULT_BASE } from "../../src/simulator/scenarios.ts";
import { openHistoryReader } from "../../src/storage/open-store.ts";
import { runTogether } from "../arena/measure.ts";
import type { RunSpec } from "../arena/plan.ts";
import { stopAll } from "../common/children.ts";
import { describeMachine } from "../common/machine.ts";
import { runAsProgram } from "../common/run-as-program.ts";
import { keepRun, readRun, type ScenarioRun } from "./kept.ts";
import { type Options, parseOptions } from "./options.ts";
import { contestantOf, dataDirectory } from "./recorded-contestant.ts";
import { type Proof, progressOf, renderProofs, writeInto } from "./report.ts";

const ROOT = join(import.meta.dir, "../..");
/** Paths of the arena's requests; what asks whether the proxy is there has another. */
const WORK = "/work/";
/** Later than any request. */
const END_OF_TIME_MS = 8.64e15;

const say = (text: string): void => console.error(text);
let directory = "";

async function cleanUp(): Promise<void> {
  await stopAll();
  if (directory !== "") rmSync(directory, { recursive: true, force: true });
}

/** What the recorded contestant's own history holds of the run. */
async function readRecording(data: string, strategy: string, spec: RunSpec): Promise<Recording> {
  const reader = openHistoryReader({ kind: "sqlite", directory: data });
  try {
    let firstMs = END_OF_TIME_MS;
    for await (const rows of reader.requests({ sinceMs: 0, untilMs: END_OF_TIME_MS })) {
      for (const { atMs, path } of rows) if (path.startsWith(WORK)) firstMs = Math.min(firstMs, atMs);
    }
    if (firstMs === END_OF_TIME_MS) throw new Error("nothing of the run is in the history that was to be recorded");
    const sinceMs = 1000 * Math.floor(firstMs / 1000);
    const untilMs = sinceMs + 1000 * Math.ceil(spec.durationMs / 1000);
    const random = seededRandom(spec.seed).next;
    const options = { sinceMs, untilMs, pool: null, instance: null, strategy, random };
    return (await readStore(reader, options)).recording;
  } finally {
    await reader.close();
  }
}

async function runScenario(scenario: string, options: Options): Promise<ScenarioRun> {
  const { durationMs, seed, meanMs, load } = options;
  const [recorded] = options.strategies;
  const spec: RunSpec = { scenario, base: { ...DEFAULT_BASE, meanMs, load }, durationMs, seed };
  const own = join(directory, scenario);
  const contestants = options.strategies.map((strategy) => contestantOf(ROOT, strategy, strategy === recorded));
  const { outcomes, conditions } = await runTogether(contestants, spec, own, () => Number.NaN);
  const recording = await readRecording(dataDirectory(own, recorded), recorded, spec);
  rmSync(own, { recursive: true, force: true });
  return {
    scenario,
    recorded,
    recording,
    lateMs: Math.max(conditions.sentLateP99Ms, conditions.answeredLateP99Ms),
    meanMs,
    busy: conditions.busy,
    measured: outcomes.map(({ contestant, figures }) => ({
      strategy: contestant.name,
      p50Ms: figures.p50Ms,
      p99Ms: figures.p99Ms,
      errorShare: Object.values(figures.failures).reduce((a, b) => a + b, 0) / figures.requests,
    })),
  };
}

async function prove(scenario: string, options: Options): Promise<Proof> {
  const { from, keep, seed, runs } = options;
  const run = from === null ? await runScenario(scenario, options) : await readRun(from, scenario);
  if (keep !== null) await keepRun(keep, run);
  const strategies = run.measured.map(({ strategy }) => strategy);
  const network = strategies.includes(LEARNED_STRATEGY) ? await readShippedNetwork() : undefined;
  const { recording, ...rest } = run;
  return { ...rest, result: await replay(recording, { strategies, seed, runs, network }) };
}

async function run(options: Options): Promise<void> {
  if (process.platform !== "linux") throw new Error("the arena gives each server a loopback address: it needs Linux");
  directory = mkdtempSync(`/dev/shm/replay-neurabalancer-${process.pid}-`);
  const proofs: Proof[] = [];
  const begunMs = performance.now();
  try {
    for (const [done, scenario] of options.scenarios.entries()) {
      const spentMs = performance.now() - begunMs;
      if (done > 0 && (spentMs * (done + 1)) / done > options.mostMs) {
        say(`no time is left for ${options.scenarios.slice(done).join(", ")}`);
        break;
      }
      try {
        const proof = await prove(scenario, options);
        proofs.push(proof);
        say(progressOf(proof));
      } catch (error) {
        say(`${scenario}: ${(error as Error).message}`); // the others are not lost by it
      }
    }
  } finally {
    await cleanUp();
  }
  if (proofs.length === 0) throw new Error("nothing was measured");
  const report = { machine: describeMachine(Date.now()), command: options.command, proofs };
  console.log(renderProofs(report, options.markdown));
  if (options.document !== null) await writeInto(options.document, renderProofs(report, true));
  if (options.jsonFile !== null) await Bun.write(options.jsonFile, `${JSON.stringify(report, null, 1)}\n`);
}

await runAsProgram({ name: "bench:replay", parse: parseOptions, run, cleanUp });
