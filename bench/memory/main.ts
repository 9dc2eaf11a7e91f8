/** What it costs to stand there: memory of NeuraBalancer and of nginx at their start, and after a load. */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { stopAll } from "../common/children.ts";
import { describeMachine } from "../common/machine.ts";
import { renderTable } from "../common/table.ts";
import { Harness } from "../proxy/harness.ts";
import { NGINX } from "../proxy/peers/nginx.ts";
import { neuraBalancer } from "../proxy/peers/ours.ts";
import { asideOf } from "../proxy/process-tree.ts";
import type { RunningProxy } from "../proxy/proxies.ts";
import { selectRows } from "../proxy/rows.ts";
import { addMemory, fileBytes, type Memory, memoryOf, NO_MEMORY } from "./mappings.ts";

const HELP = `Memory of NeuraBalancer and nginx, with equal work and workers: at the start, and after a load. What the processes of
one share counts once in its sum.

  npm run bench:memory -- [options]

  --workers N    worker processes (default: 2)
  --seconds S    length of each of the three parts of the load: 100 B answers, POST 64 KB, 64 KB answers (default: 5)
  --markdown     the tables as Markdown
`;
const ROOT = resolve(import.meta.dir, "../..");
/** After the start or the load: freed memory goes back to the kernel after ten seconds. */
const SETTLE_MS = 15_000;
const now = (): number => performance.now();

/** Of every process of a proxy, in the order of their start. */
function look(proxy: RunningProxy): Memory[] {
  return proxy.usage().pids.map(memoryOf);
}

async function load(harness: Harness, proxy: RunningProxy, seconds: number): Promise<void> {
  for (const { load } of selectRows(["small", "post-64k", "body-64k"])) {
    await harness.open(proxy, load, false);
    await harness.run(proxy, Number.MAX_SAFE_INTEGER, seconds);
    await harness.close();
  }
}

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

function cells(title: string, memory: Memory): string[] {
  const [programs, shared] = [fileBytes(memory, false), fileBytes(memory, true)];
  return [title, ...[memory.own + programs + shared, memory.own, programs, shared].map(megabytes)];
}

function rowsOf(proxy: RunningProxy, when: string, processes: readonly Memory[]): string[][] {
  const { title } = proxy.peer;
  const [first, ...others] = processes;
  const { pids } = proxy.usage();
  const aside = asideOf(pids);
  return [
    cells(`${title}, ${when}`, processes.reduce(addMemory, NO_MEMORY)),
    cells("– first process", first),
    ...others.map((other, i) => cells(`– ${aside.includes(pids[i + 1]) ? "recorder" : "worker"}`, other)),
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      workers: { type: "string", default: "2" },
      seconds: { type: "string", default: "5" },
      markdown: { type: "boolean", default: false },
    },
  });
  const [workers, seconds] = [Number(values.workers), Number(values.seconds)];
  if (values.help || !(workers >= 1) || !(seconds > 0)) {
    console.log(HELP);
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), "neurabalancer-bench-"));
  const history = neuraBalancer("history", "with history", ROOT, { name: "history", history: true });
  const peers = [neuraBalancer("neurabalancer", "NeuraBalancer", ROOT), history, NGINX].filter(
    (peer) => peer.version() !== null,
  );
  try {
    const harness = await Harness.start({
      directory,
      certFile: "",
      keyFile: "",
      workers,
      servers: "http1",
      accessLogs: [true],
      peers,
      pin: "none",
      cores: cpus().length,
      now,
    });
    const rows: string[][] = [];
    try {
      await Bun.sleep(SETTLE_MS);
      for (const proxy of harness.proxies) rows.push(...rowsOf(proxy, "at the start", look(proxy)));
      for (const proxy of harness.proxies) await load(harness, proxy, seconds);
      await Bun.sleep(SETTLE_MS);
      for (const proxy of harness.proxies) rows.push(...rowsOf(proxy, "after the load", look(proxy)));
    } finally {
      await harness.stop();
    }
    const columns = ["MiB", "all", "own", "programs", "shared memory"];
    const { processor, cores, kernel, runtime, date } = describeMachine(Date.now());
    const title = `${processor}, ${cores} cores, ${kernel}, ${runtime}, ${date}; ${workers} workers`;
    console.log(renderTable({ title, columns, rows }, values.markdown));
  } finally {
    await stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
