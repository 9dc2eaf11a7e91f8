/** `neurabalancer stats`: what happened, read from the store, beside a running instance or without one. */
import { type Command, Option } from "commander";
import { answer } from "../../history/answer.ts";
import { parametersOf, readQuestion, SUBJECTS, type Subject } from "../../history/questions.ts";
import { openHistoryReader } from "../../storage/open-store.ts";
import { print, printCsv, printError, printJson } from "../output.ts";
import { withSourceFlags } from "../source-flags.ts";
import { type StoreFlags, storeLocation } from "../store-location.ts";
import { csvOf } from "./csv.ts";
import { textOf } from "./text.ts";

const HELP = `
What is asked for:
  traffic   requests, rate, share, errors, p50, p95, p99, retries, time in the queue: exact counts, whatever is sampled
  events    who was ejected, when and why; what changed, and who changed it
  requests  single ones, as far as they were kept: a sample, failed and slow ones first; each stands for "weight"
  servers   how much of the time each was up, down, ejected, draining or standby
  incident  what was different from the hour before

Times:
  90s, 15m, 2h, 3d, 1w (before now), now, today, yesterday, 02:30, 2026-11-29, 2026-11-29T02:30, 2026-11-29T02:30+01:00.
  They are UTC unless an offset says otherwise; all times that are shown are UTC.

Examples:
  $ neurabalancer stats                                            the last hour, by server
  $ neurabalancer stats --since yesterday --until today --by hour
  $ neurabalancer stats --since 02:00 --until 03:00 --by minute --server 10.0.0.5:80 --format csv
  $ neurabalancer stats --since 3d --group route,status --pool shop
  $ neurabalancer stats events --since 12h --kind ejection,health,change
  $ neurabalancer stats requests --since 02:00 --until 03:00 --reason failed
  $ neurabalancer stats incident --since 02:10 --until 02:25

It reads the store in DATA_DIR, or the database of DB_HOST; an instance may be running. A running instance answers the same
at its admin port: GET /api/v1/stats (docs/http-api.md). docs/history.md explains the figures.

Exit codes:
  0  done, also when nothing was found; standard error says why then
  1  there is no store, it cannot be read, or the question is not understood; standard error says which`;

/** How an answer is printed. */
const FORMATS = ["table", "json", "csv"] as const;

interface StatsFlags extends StoreFlags {
  readonly format: (typeof FORMATS)[number];
  readonly json?: boolean;
  /** Parameters of the question, as they were written. */
  readonly [parameter: string]: string | boolean | undefined;
}

/** What each parameter is, for --help. */
const DESCRIPTIONS: Readonly<Record<string, readonly [usage: string, description: string]>> = {
  since: ["<time>", "from when on (default: 1h; events and servers 1d; incident 15m)"],
  until: ["<time>", "until when (default: now)"],
  pool: ["<name>", "only this pool of servers"],
  server: ["<host:port>", "only this server, as it is configured"],
  route: ["<name>", "only this route"],
  instance: ["<name>", "only what this instance recorded, where several share the store (INSTANCE_NAME)"],
  by: ["<step>", "traffic: a row for each minute, hour or day"],
  group: ["<names>", "traffic: rows for each pool, server, address, route, status; several with commas, or none"],
  kind: ["<kinds>", "events: only these, with commas between, such as ejection,reload"],
  reason: ["<reasons>", "requests: only those kept as sample, slow, failed"],
  id: ["<request_id>", "requests: this one, as the access log has it"],
  status: ["<status>", "requests: only those answered so, such as 503 or 5xx"],
  order: ["<order>", "requests: newest (default), oldest or slowest first"],
  limit: ["<n>", "events and requests: at most so many"],
};

/** Adds the `stats` command to `program`. */
export function registerStats(program: Command): void {
  const command = withSourceFlags(program.command("stats"))
    .description("show what happened: traffic, errors, response times, events")
    .argument("[what]", `${SUBJECTS.join(", ")} (default: traffic)`);
  for (const [name, [usage, description]] of Object.entries(DESCRIPTIONS)) {
    command.option(`--${name} ${usage}`, description);
  }
  command
    .addOption(new Option("--format <format>", "how to print it").choices(FORMATS).default("table"))
    .option("--json", "as --format json")
    .option("--data-dir <dir>", "directory of the store (default: DATA_DIR)")
    .addHelpText("after", HELP)
    .action((what: string | undefined, flags: StatsFlags) => stats(what ?? "traffic", flags));
}

async function stats(what: string, flags: StatsFlags): Promise<void> {
  if (!isSubject(what)) throw new Error(`"${what}" cannot be asked for: ${SUBJECTS.join(", ")} can`);
  const nowMs = Date.now();
  const question = readQuestion(what, givenParameters(flags), nowMs);
  const { dataDir, config, envFile } = flags;
  const reader = openHistoryReader(await storeLocation({ dataDir, config, envFile }));
  try {
    const answered = await answer(reader, question, nowMs);
    const format = flags.json === true ? "json" : flags.format;
    if (format === "json") return printJson(answered);
    if (format === "csv") printCsv(csvOf(answered));
    else print(textOf(answered));
    for (const note of answered.notes) printError(`Note: ${note}${note.endsWith("?") ? "" : "."}`);
  } finally {
    await reader.close();
  }
}

function isSubject(text: string): text is Subject {
  return (SUBJECTS as readonly string[]).includes(text);
}

/** Those of any question: one that this question does not take is refused with the others' names. */
function givenParameters(flags: StatsFlags): Record<string, string> {
  const names = new Set(SUBJECTS.flatMap(parametersOf));
  const given = Object.entries(flags).filter(([name, value]) => names.has(name) && typeof value === "string");
  return Object.fromEntries(given) as Record<string, string>;
}
