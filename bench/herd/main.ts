/** The herd test: see `HELP` in options.ts, and docs/scaling.md for what it says. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_BASE } from "../../src/simulator/scenarios.ts";
import { hasRedis, RedisServer } from "../../test/support/databases/redis-server.ts";
import { stopAll } from "../common/children.ts";
import { describeMachine } from "../common/machine.ts";
import { runAsProgram } from "../common/run-as-program.ts";
import { median, ratios } from "../common/statistics.ts";
import { type HerdRun, runInstances } from "./measure.ts";
import { type Arrangement, type Options, parseOptions } from "./options.ts";

/** Empty until there is one. */
let directory = "";
let redis: RedisServer | null = null;

async function cleanUp(): Promise<void> {
  await stopAll();
  await redis?.remove();
  redis = null;
  if (directory !== "") rmSync(directory, { recursive: true, force: true });
}

/** One line of the report. */
interface Row {
  readonly strategy: string;
  readonly arrangement: Arrangement;
  readonly runs: readonly HerdRun[];
  /** p99 of each round beside that of one balancer. */
  readonly p99Ratios: readonly number[];
}

async function run(options: Options): Promise<void> {
  if (process.platform !== "linux") throw new Error("each server has a loopback address: this needs Linux");
  if (options.arrangements.includes("shared") && !hasRedis) {
    throw new Error("redis-server is not here: install it, or leave it out with --arrangements apart");
  }
  directory = mkdtempSync(`/dev/shm/herd-neurabalancer-${process.pid}-`);
  try {
    const rows = await measureAll(options);
    const { processor, cores, kernel, runtime, date } = describeMachine(Date.now());
    console.log(`${date}: ${processor}, ${cores} cores, ${kernel}, ${runtime}`);
    console.log(render(rows, options));
    if (options.jsonFile !== null) await Bun.write(options.jsonFile, `${JSON.stringify({ options, rows }, null, 1)}\n`);
  } finally {
    await cleanUp();
  }
}

async function measureAll(options: Options): Promise<Row[]> {
  const { strategies, arrangements, rounds, scenario, durationMs, seed } = options;
  const { servers, workers, meanMs, load } = options;
  const cases = strategies.flatMap((strategy) =>
    arrangements.map((arrangement) => ({ strategy, arrangement, runs: [] as HerdRun[] })),
  );
  for (let round = 0; round < rounds; round++) {
    const base = { ...DEFAULT_BASE, servers, workers, meanMs, load };
    const spec = { scenario, base, durationMs, seed: seed + round };
    // Another one begins each time: what comes later finds the machine warmer.
    for (let i = 0; i < cases.length; i++) {
      const { strategy, arrangement, runs } = cases[(round + i) % cases.length];
      runs.push(await runOne(strategy, arrangement, options, spec));
      const { figures, busy } = runs.at(-1)!;
      console.error(
        `round ${round + 1} of ${rounds}: ${strategy}, ${arrangement}: p99 ${figures.p99Ms.toFixed(0)} ms, ${(100 * busy).toFixed(0)} % busy`,
      );
    }
  }
  return cases.map((row) => {
    const one = cases.find(({ strategy, arrangement }) => strategy === row.strategy && arrangement === "one")!;
    return { ...row, p99Ratios: ratios(p99Of(row.runs), p99Of(one.runs)) };
  });
}

async function runOne(
  strategy: string,
  arrangement: Arrangement,
  { instances }: Options,
  spec: Parameters<typeof runInstances>[1],
): Promise<HerdRun> {
  const own = join(directory, "run");
  if (arrangement === "shared") redis = await RedisServer.start();
  try {
    const count = arrangement === "one" ? 1 : instances;
    return await runInstances({ strategy, count, redisAddr: redis?.addr ?? null, directory: own }, spec);
  } finally {
    await redis?.remove();
    redis = null;
    rmSync(own, { recursive: true, force: true });
  }
}

function p99Of(runs: readonly HerdRun[]): number[] {
  return runs.map(({ figures }) => figures.p99Ms);
}

function render(rows: readonly Row[], options: Options): string {
  const { instances, servers, workers, meanMs, load, scenario, rounds, durationMs } = options;
  const perSecond = (1000 * load * servers * workers) / meanMs;
  const settings =
    `${instances} instances, ${servers} servers of ${workers} workers, ${meanMs} ms, ${Math.round(load * 100)} % load ` +
    `(about ${perSecond.toFixed(0)} requests/s), ${scenario}, ${rounds} rounds of ${durationMs / 1000} s`;
  const lines = rows.map(({ strategy, arrangement, runs, p99Ratios }) => {
    const over = (read: (run: HerdRun) => number): number => median(runs.map(read));
    const failed = runs.reduce((sum, { figures }) => sum + figures.sent - figures.succeeded, 0);
    const cells = [
      strategy,
      arrangement,
      over(({ figures }) => figures.p50Ms).toFixed(0),
      over(({ figures }) => figures.p99Ms).toFixed(0),
      median(p99Ratios).toFixed(3),
      p99Ratios.map((ratio) => ratio.toFixed(2)).join(" "),
      String(failed),
      over(({ lateP99Ms }) => lateP99Ms).toFixed(1),
      `${(100 * over(({ busy }) => busy)).toFixed(0)} %`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    settings,
    "",
    "| Strategy | Balancers | p50, ms | p99, ms | p99 / one's, median | by round | failed | late, p99, ms | busy |",
    "|---|---|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

await runAsProgram({ name: "bench:herd", parse: parseOptions, run, cleanUp });
