/**
 * `npm run bench:idle`: the CPU and memory that it takes to stand still with many servers, beside HAProxy with the same
 * checks; and what a scrape of `/metrics` takes, and holds up. See docs/performance.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Child, startServer, stopAll } from "../common/children.ts";
import { describeMachine, machineLine } from "../common/machine.ts";
import { freePort } from "../common/programs.ts";
import { renderTable } from "../common/table.ts";
import { type Case, type Contestant, contestants } from "./contestants.ts";
import { type Standing, scrape, standings } from "./measure.ts";
import { Watchers } from "./watchers.ts";

const HELP = `What it costs to stand still: CPU and memory of each process without a request, beside HAProxy with the same checks.

  npm run bench:idle -- [options]

  --servers N    servers (default: 500)
  --seconds S    length of each measurement (default: 20)
  --settle S     pause before it: compilers and first checks are not what it costs to stand still (default: 15)
  --watchers N   readers of the live stream where it is watched (default: 1)
  --only a,b     only these: checks, watched, no-checks, ml, samples, limits, haproxy
  --markdown     the tables as Markdown
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h" },
    servers: { type: "string", default: "500" },
    seconds: { type: "string", default: "20" },
    settle: { type: "string", default: "15" },
    watchers: { type: "string", default: "1" },
    only: { type: "string" },
    markdown: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const servers = number("servers");
const seconds = number("seconds");
const settleSeconds = number("settle");
const watchers = number("watchers");
const only = values.only?.split(",");

const directory = mkdtempSync(join(tmpdir(), "bench-idle-"));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void finish(130));
try {
  const backendPort = freePort();
  const fleet = new Child<never, { readonly type: "ready" }>(
    join(import.meta.dir, "servers-process.ts"),
    [String(servers), String(backendPort)],
    [],
  );
  await fleet.next(30_000);
  const cpu: string[][] = [];
  const memory: string[][] = [];
  const scrapes: string[][] = [];
  for (const contestant of contestants({ servers, backendPort, directory }, watchers)) {
    if (only !== undefined && !only.includes(contestant.name)) continue;
    await measure(contestant, { cpu, memory, scrapes });
  }
  console.log(machineLine(describeMachine(Date.now())));
  const columns = ["", "supervisor", "workers", "learner", "all"];
  const title = `CPU without a request, percent of a core, ${servers} servers`;
  console.log(renderTable({ title, columns, rows: cpu }, values.markdown));
  const memoryTitle = "Resident memory, MiB: what processes share, some 45 MiB of the runtime's code, counts for each";
  console.log(renderTable({ title: memoryTitle, columns, rows: memory }, values.markdown));
  console.log(
    renderTable(
      {
        title: "GET /metrics, five in a row: median; and meanwhile the longest wait for the supervisor",
        columns: ["", "bytes", "ms", "longest wait, ms"],
        rows: scrapes,
      },
      values.markdown,
    ),
  );
  await finish(0);
} catch (error) {
  console.error(error);
  await finish(1);
}

interface Rows {
  readonly cpu: string[][];
  readonly memory: string[][];
  readonly scrapes: string[][];
}

async function measure(contestant: Contestant, { cpu, memory, scrapes }: Rows): Promise<void> {
  const run: Case = contestant.prepare();
  const child = await startServer(run, () => performance.now());
  const streams = run.adminUrl === null ? null : new Watchers(run.adminUrl, contestant.watchers);
  await Bun.sleep(settleSeconds * 1000);
  const bytesBefore = streams?.bytes ?? 0;
  const { supervisor, workers, learner, all } = await standings(child.pid, seconds, () => performance.now());
  const bytesRead = (streams?.bytes ?? 0) - bytesBefore;
  const kinds = [supervisor, workers, learner, all];
  const row = (tell: (standing: Standing) => string): string[] => [
    contestant.title,
    ...kinds.map((standing) => (standing === null ? "" : tell(standing))),
  ];
  cpu.push(row(({ cpu: share }) => (share * 100).toFixed(1)));
  memory.push(row(({ rssBytes }) => (rssBytes / 2 ** 20).toFixed(0)));
  if (contestant.watchers > 0) {
    console.log(
      `Each that watches read ${(bytesRead / contestant.watchers / seconds / 1024).toFixed(1)} KiB a second.`,
    );
  }
  if (run.adminUrl !== null) {
    const { bytes, ms, longestWaitMs } = await scrape(run.adminUrl, () => performance.now());
    scrapes.push([contestant.title, String(bytes), ms.toFixed(1), longestWaitMs.toFixed(1)]);
  }
  await streams?.stop();
  await run.stop(child);
}

function number(name: "servers" | "seconds" | "settle" | "watchers"): number {
  const value = Number(values[name]);
  if (!(value > 0)) throw new RangeError(`--${name} takes a number above 0`);
  return value;
}

async function finish(code: number): Promise<never> {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
  process.exit(code);
}
