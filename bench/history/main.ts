/** How long `neurabalancer stats` takes over millions of rows: fills a store by the recorder's own way, and asks it. */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { storeLocation } from "../../src/cli/store-location.ts";
import type { StoreLocation } from "../../src/storage/backends.ts";
import type { HistoryStore } from "../../src/storage/history-store.ts";
import { openHistoryStore } from "../../src/storage/open-store.ts";
import { describeMachine } from "../common/machine.ts";
import { launcherOf } from "../common/programs.ts";
import { median } from "../common/statistics.ts";
import { renderTable } from "../common/table.ts";
import { type PastShape, pastOf } from "./past.ts";

const HELP = `How long "neurabalancer stats" takes over a month of history.

  npm run bench:history -- [options]

  --rows N          rows of counts by the second and of single requests, four to one (default: 10000000)
  --servers N       servers (default: 10)
  --routes N        routes (default: 3)
  --rounds N        how often each question is asked; the median counts (default: 5)
  --megabytes N     HISTORY_MAX_MEGABYTES of the store (default: 1000000)
  --directory DIR   keep the store there, and use the one that is there already (default: a temporary one)
  --postgres        the database of DB_HOST, DB_NAME … instead of a file
  --filled          only ask: the database was filled before
  --markdown        the table as Markdown
`;
const ROOT = join(import.meta.dir, "../..");
const DAY_MS = 86_400_000;
const MONTH_DAYS = 31;
const FLUSH_ROWS = 20_000;

/** Questions, as they are typed. */
const QUESTIONS: readonly (readonly [title: string, args: readonly string[]])[] = [
  ["a day, by server", ["--since", "1d"]],
  ["a day by the hour", ["--since", "1d", "--by", "hour"]],
  ["a day by the minute", ["--since", "1d", "--by", "minute"]],
  ["a day by hour and server", ["--since", "1d", "--by", "hour", "--group", "server"]],
  ["a month, by server", ["--since", "30d"]],
  ["a month, by route and status", ["--since", "30d", "--group", "route,status"]],
  ["a month by the hour", ["--since", "30d", "--by", "hour"]],
  ["a month by day and server", ["--since", "30d", "--by", "day", "--group", "server"]],
  ["one server's month by the hour", ["--since", "30d", "--by", "hour", "--server", "10.0.0.1:8080"]],
  ["events of a day", ["events", "--since", "1d"]],
  ["events of a month", ["events", "--since", "30d", "--limit", "10000"]],
  ["failed requests of an hour", ["requests", "--since", "1h", "--reason", "failed"]],
  ["slowest requests of a day", ["requests", "--since", "1d", "--order", "slowest"]],
  ["servers of a day", ["servers", "--since", "1d"]],
  ["an incident of 15 minutes", ["incident", "--since", "15m"]],
];

interface Filled {
  readonly metrics: number;
  readonly requests: number;
  readonly seconds: number;
}

async function fill(location: StoreLocation, shape: PastShape, maxBytes: number): Promise<Filled> {
  const limits = { detailMs: 400 * DAY_MS, minutesMs: 400 * DAY_MS, hoursMs: 400 * DAY_MS, maxBytes };
  const store = await openHistoryStore(location, { nowMs: () => Date.now(), instance: "bench", limits });
  const startedMs = performance.now();
  let [metrics, requests, waiting, toldMs] = [0, 0, 0, startedMs];
  try {
    for (const stretch of pastOf(shape, seeded(1))) {
      store.appendMetrics(stretch.metrics);
      store.appendRequests(stretch.requests);
      store.appendGauges(stretch.gauges);
      store.appendEvents(stretch.events);
      metrics += stretch.metrics.length;
      requests += stretch.requests.length;
      waiting += stretch.metrics.length + stretch.requests.length;
      if (waiting >= FLUSH_ROWS) {
        await written(store);
        waiting = 0;
      }
      if (performance.now() - toldMs > 10_000) {
        toldMs = performance.now();
        const share = (metrics + requests) / (shape.metricRows + shape.requestRows);
        console.warn(`${(100 * share).toFixed(0)} % written`);
      }
    }
    await written(store);
  } finally {
    await store.close();
  }
  return { metrics, requests, seconds: (performance.now() - startedMs) / 1_000 };
}

async function written(store: HistoryStore): Promise<void> {
  if (await store.flush()) return;
  throw new Error(`the store does not write: ${store.status().problem?.message ?? "rows were left"}`);
}

/** Park and Miller's generator. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** What a command takes from its start to its end, milliseconds. */
interface Took {
  readonly wallMs: number;
  /** Of all its threads: less than that where the machine has other work. */
  readonly cpuMs: number;
}

function timed(args: readonly string[], env: Readonly<Record<string, string>>): Took {
  const startedMs = performance.now();
  const { exitCode, stderr, resourceUsage } = Bun.spawnSync([launcherOf(ROOT), "stats", ...args, "--json"], {
    cwd: "/",
    env: { PATH: process.env.PATH, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`stats ${args.join(" ")}: ${stderr.toString()}`);
  const wallMs = performance.now() - startedMs;
  return { wallMs, cpuMs: Number(resourceUsage.cpuTime.total) / 1_000 };
}

function sizesOf(directory: string): string {
  const files = readdirSync(directory).filter((name) => /\.db(-wal)?$/.test(name));
  return files.map((name) => `${name} ${(statSync(join(directory, name)).size / 2 ** 20).toFixed(0)} MiB`).join(", ");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      rows: { type: "string", default: "10000000" },
      servers: { type: "string", default: "10" },
      routes: { type: "string", default: "3" },
      rounds: { type: "string", default: "5" },
      megabytes: { type: "string", default: "1000000" },
      directory: { type: "string" },
      postgres: { type: "boolean", default: false },
      filled: { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
    },
  });
  const [rows, servers, routes, rounds, megabytes] = [
    values.rows,
    values.servers,
    values.routes,
    values.rounds,
    values.megabytes,
  ].map(Number);
  if (values.help || !(rows >= 1 && servers >= 1 && routes >= 1 && rounds >= 1 && megabytes >= 16)) {
    console.log(HELP);
    return;
  }
  const directory = values.directory ?? mkdtempSync(join(tmpdir(), "neurabalancer-bench-"));
  try {
    const location: StoreLocation = values.postgres ? await storeLocation({}) : { kind: "sqlite", directory };
    if (values.postgres === (location.kind === "sqlite")) throw new Error("--postgres needs DB_HOST");
    const untilMs = Math.floor(Date.now() / 1_000) * 1_000 - 2_000;
    const [metricRows, requestRows] = [rows * 0.8, rows * 0.2];
    const shape = { sinceMs: untilMs - MONTH_DAYS * DAY_MS, untilMs, metricRows, requestRows, servers, routes };
    const isThere = values.filled || (!values.postgres && readdirSync(directory).includes("history.db"));
    if (!isThere) {
      const filled = await fill(location, shape, megabytes * 2 ** 20);
      const perSecond = Math.round((filled.metrics + filled.requests) / filled.seconds);
      console.log(
        `${filled.metrics} rows of counts by the second and ${filled.requests} requests were written in ${filled.seconds.toFixed(0)} s, ${perSecond} rows/s, minutes and hours with them`,
      );
    }
    if (!values.postgres) console.log(sizesOf(directory));
    const names = Object.keys(process.env).filter((name) => name.startsWith("DB_"));
    const database = Object.fromEntries(names.map((name) => [name, process.env[name] ?? ""]));
    const env = values.postgres ? database : { DATA_DIR: directory };
    const { processor, kernel, runtime, date } = describeMachine(Date.now());
    const title = `${processor}, ${cpus().length} cores, ${kernel}, ${runtime}, ${date}; ${values.postgres ? "PostgreSQL" : "SQLite"}, ${rounds} rounds`;
    const measured = [["the command alone (--help)", ["--help"]] as const, ...QUESTIONS].map(([question, args]) => {
      const took = Array.from({ length: rounds }, () => timed(args, env));
      const walls = took.map(({ wallMs }) => wallMs);
      return [question, median(walls), Math.max(...walls), median(took.map(({ cpuMs }) => cpuMs))] as const;
    });
    const columns = ["question", "median, ms", "longest, ms", "CPU, ms"];
    const cells = measured.map(([question, ...figures]) => [question, ...figures.map((ms) => ms.toFixed(0))]);
    console.log(renderTable({ title, columns, rows: cells }, values.markdown));
  } finally {
    if (values.directory === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

await main();
