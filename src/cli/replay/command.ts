/** `neurabalancer replay`: what another strategy would have given on traffic that there really was. */
import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { seededRandom } from "../../balancing/random.ts";
import { LEARNED_STRATEGY, STRATEGY_NAMES } from "../../balancing/registry.ts";
import type { Network } from "../../learning/models/network.ts";
import { readLog } from "../../replay/reading/logs/read-log.ts";
import { NothingToReplayError, type Reading } from "../../replay/reading/reading.ts";
import { replay } from "../../replay/replay.ts";
import { plotReplay } from "../../replay/report/plot.ts";
import { renderReplay } from "../../replay/report/table.ts";
import { MOMENT_FORMS, parseEnd, parseMoment } from "../../shared/moments.ts";
import { whole } from "../numbers.ts";
import { print, printError, printJson } from "../output.ts";
import { Progress } from "../progress.ts";
import { withSourceFlags } from "../source-flags.ts";
import { type StoreFlags, storeLocation } from "../store-location.ts";
import { replayJson } from "./json.ts";
import { type LogSource, parseLogSource } from "./log-source.ts";

const HELP = `
Fits a model of each server to what was recorded (an instance may be running), lets it foretell what is known already, and
only where that succeeds runs every strategy over the same traffic. docs/replay.md says what no replay can know.

Examples:
  $ neurabalancer replay --since 2h                                    the last two hours, from the store
  $ neurabalancer replay --since 2026-11-29T20:00 --until 2026-11-29T21:00 --pool shop
  $ neurabalancer replay --since 1h --strategies adaptive,p2c --plot replay.svg
  $ neurabalancer replay --from nginx:/var/log/nginx/replay.log         what would I gain over nginx?
  $ neurabalancer replay --from haproxy:haproxy.log.1.gz --from haproxy:haproxy.log --pool app --ran round_robin

Times:
  2h (before now; also s, m, d, w), now, today, yesterday, 02:30 (the last one), 2026-11-29, 2026-11-29T02:30,
  2026-11-29T02:30:00+01:00, milliseconds since 1970. Without an offset they are UTC, as all times that are printed.

Exit codes:
  0  done
  1  wrong usage, or the store or the log cannot be read; standard error says which
  2  nothing to replay: no requests in that window, or fewer than two servers; standard error says why
  3  the self-check did not pass: the output says why, and has no figures for other strategies`;

/** What is compared unless somebody names others; the strategy that ran always is. */
const DEFAULT_STRATEGIES: readonly string[] = [
  LEARNED_STRATEGY,
  "adaptive",
  "least_response_time",
  "least_connections",
  "peak_ewma",
  "p2c",
  "round_robin",
];
const DEFAULT_WINDOW_MS = 3_600_000;
/** Exit codes. */
const NOTHING_TO_REPLAY = 2;
const CHECK_FAILED = 3;

interface ReplayFlags extends StoreFlags {
  readonly since?: number;
  /** As it was written: what a time of day means follows from `since`. */
  readonly until?: string;
  readonly pool?: string;
  readonly instance?: string;
  readonly from: readonly LogSource[];
  readonly ran?: string;
  readonly strategies?: readonly string[];
  readonly model?: string;
  readonly runs: number;
  readonly seed: number;
  readonly format: "table" | "json";
  readonly plot?: string;
}

/** Adds the `replay` command to `program`. */
export function registerReplay(program: Command): void {
  const nowMs = Date.now();
  const moment = (text: string): number => {
    const ms = parseMoment(text, nowMs);
    if (ms === null) throw new InvalidArgumentError(`Expected ${MOMENT_FORMS}.`);
    return ms;
  };
  const end = (text: string): string => {
    moment(text);
    return text;
  };
  withSourceFlags(program.command("replay"))
    .description("show what other strategies would have given on traffic that there really was")
    .addOption(
      new Option("--since <time>", "requests from then on (default: the last hour; all of a log)").argParser(moment),
    )
    .addOption(new Option("--until <time>", "and before that (default: now; the end of a log)").argParser(end))
    .option("--pool <name>", "which pool of servers, where there are several; a backend or upstream in a log")
    .option("--instance <name>", "only what this instance recorded, where several share a store (default: all)")
    .addOption(
      new Option(
        "--from <format:file>",
        "an access log instead of the store: nginx:FILE or haproxy:FILE; may be repeated",
      )
        .default([], "the store")
        .argParser((text, before: readonly LogSource[]) => [...before, parseLogSource(text)]),
    )
    .addOption(
      new Option(
        "--strategies <names>",
        `strategies beside the one that ran, separated by commas (default: ${DEFAULT_STRATEGIES.join(",")})`,
      ).argParser(strategies),
    )
    .addOption(
      new Option("--ran <strategy>", "what balanced, where the source does not say: logs never do").argParser(strategy),
    )
    .option("--model <dir>", "three-file model that ml routes by (default: the one that the product ships with)")
    .addOption(new Option("--runs <n>", "runs of each strategy").default(5).argParser(whole(3, 100)))
    .addOption(new Option("--seed <n>", "for everything that is drawn").default(1).argParser(whole(0, 0xffffffff)))
    .addOption(new Option("--format <how>", "what is printed").choices(["table", "json"]).default("table"))
    .option("--plot <file>", "write an SVG picture")
    .option("--data-dir <dir>", "directory of the store (default: DATA_DIR)")
    .addHelpText("after", HELP)
    .action((flags: ReplayFlags) => run(flags, nowMs));
}

async function run(flags: ReplayFlags, nowMs: number): Promise<void> {
  const progress = new Progress(process.stderr, () => performance.now());
  try {
    const { recording, notes } = await read(flags, nowMs, progress);
    progress.clear();
    const names = chosenStrategies(flags, recording.strategy);
    const network = names.includes(LEARNED_STRATEGY) ? await readModel(flags) : undefined;
    const result = await replay(recording, {
      strategies: names,
      seed: flags.seed,
      runs: flags.runs,
      network,
      onProgress: (done, total) => progress.update("replaying", done, total),
    });
    progress.clear();
    const passed = result.selfCheck.verdict === "passed";
    if (flags.plot !== undefined && passed) writeFileSync(flags.plot, plotReplay(recording, result));
    if (flags.format === "json") printJson(replayJson(recording, result, notes));
    else print(renderReplay(recording, result, notes));
    if (passed) return;
    if (flags.plot !== undefined) printError(`neurabalancer: ${flags.plot} was not written: there is nothing to plot`);
    process.exitCode = CHECK_FAILED;
  } catch (error) {
    progress.clear();
    if (!(error instanceof NothingToReplayError)) throw error;
    printError(`neurabalancer: ${error.message}`);
    process.exitCode = NOTHING_TO_REPLAY;
  }
}

async function read(flags: ReplayFlags, nowMs: number, progress: Progress): Promise<Reading> {
  const { from, pool = null, ran = null, seed } = flags;
  const endMs = (behindMs: number) => (flags.until === undefined ? null : parseEnd(flags.until, behindMs, nowMs));
  const lastMs = from.length > 0 ? Number.POSITIVE_INFINITY : nowMs;
  const firstMs = (untilMs: number) => (from.length > 0 ? Number.NEGATIVE_INFINITY : untilMs - DEFAULT_WINDOW_MS);
  const sinceMs = flags.since ?? firstMs(endMs(Number.NEGATIVE_INFINITY) ?? lastMs);
  const untilMs = endMs(sinceMs) ?? lastMs;
  if (sinceMs >= untilMs) throw new Error("--since must be before --until");
  const random = seededRandom(seed).next;
  const onProgress = (phase: string, count: number) => progress.count(phase, count);
  const common = { sinceMs, untilMs, pool, strategy: ran, random, onProgress };
  const reading = from.length > 0 ? await readFromLog(flags, common) : await readFromStore(flags, common);
  const { servers } = reading.recording;
  if (servers.length >= 2) return reading;
  throw new NothingToReplayError(
    `replay compares ways to choose among servers, and there was only one: ${servers.map(({ name }) => name).join("")}`,
  );
}

type Common = Omit<Parameters<typeof readLog>[0], "format" | "files">;

function readFromLog({ from, instance, dataDir }: ReplayFlags, common: Common): Promise<Reading> {
  const formats = new Set(from.map(({ format }) => format));
  if (formats.size > 1) throw new Error("all files of --from are parts of one log: they must have one format");
  if (instance !== undefined) throw new Error("--instance: only without --from");
  if (dataDir !== undefined) throw new Error("--data-dir: only without --from");
  return readLog({ ...common, format: from[0].format, files: from.map(({ file }) => file) });
}

async function readFromStore(flags: ReplayFlags, common: Common): Promise<Reading> {
  // Loaded only here: it brings what reads databases, which logs do not need.
  const { openHistoryReader } = await import("../../storage/open-store.ts");
  const { readStore } = await import("../../replay/reading/store/read-store.ts");
  const reader = openHistoryReader(await storeLocation(flags));
  try {
    return await readStore(reader, { ...common, instance: flags.instance ?? null });
  } finally {
    await reader.close();
  }
}

/** Those that were named, or the usual ones; in any case the one that ran, as the yardstick, at the head. */
function chosenStrategies({ strategies, model }: ReplayFlags, ran: string | null): readonly string[] {
  const names = [...new Set([...(ran === null ? [] : [ran]), ...(strategies ?? DEFAULT_STRATEGIES)])];
  if (model === undefined || names.includes(LEARNED_STRATEGY)) return names;
  throw new Error(`--model is for the strategy ${LEARNED_STRATEGY}, which is not among --strategies`);
}

async function readModel({ model }: ReplayFlags): Promise<Network> {
  // Loaded only here: they bring what reads ONNX, which nothing else of the command needs.
  if (model !== undefined) return (await import("../../learning/models/files/onnx/reader.ts")).readNetworkAt(model);
  return (await import("../../learning/models/shipped-model.ts")).readShippedNetwork();
}

function strategies(text: string): readonly string[] {
  return text.split(",").map((name) => strategy(name.trim()));
}

function strategy(name: string): string {
  const known: readonly string[] = STRATEGY_NAMES;
  if (known.includes(name)) return name;
  throw new InvalidArgumentError(`Unknown strategy "${name}": use one of ${known.join(", ")}.`);
}
