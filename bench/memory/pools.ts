/** What a pool, a server and a route cost: memory of NeuraBalancer with many of each, and how long it takes to start. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Child, startServer, stopAll, stopProcess } from "../common/children.ts";
import { describeMachine } from "../common/machine.ts";
import { freePort, KEEPS_NOTHING, launcherOf } from "../common/programs.ts";
import { renderTable } from "../common/table.ts";
import { serverAddress } from "../idle/addresses.ts";
import { addMemory, fileBytes, type Memory, memoryOf, NO_MEMORY } from "./mappings.ts";

const HELP = `Memory of NeuraBalancer with many pools, servers and routes, with health checks, and without requests.

  npm run bench:pools -- [options]

  --workers N    worker processes (default: 2)
  --markdown     the table as Markdown
`;
const ROOT = join(import.meta.dir, "../..");
/** Freed memory goes back to the kernel after ten seconds. */
const SETTLE_MS = 15_000;
const SERVERS = 400;
const now = (): number => performance.now();

/** What stands in the file. Every pool has as many servers. */
interface Shape {
  readonly pools: number;
  readonly servers: number;
  readonly routes: number;
}

interface Measured extends Shape {
  readonly startSeconds: number;
  readonly supervisor: Memory;
  readonly workers: readonly Memory[];
}

const ONE_POOL: Shape = { pools: 1, servers: 100, routes: 1 };
const MANY_POOLS: Shape = { pools: 100, servers: 1, routes: 100 };
const MANY_SERVERS: Shape = { pools: 100, servers: 4, routes: 100 };
const MANY_ROUTES: Shape = { pools: 100, servers: 1, routes: 1_000 };

/** The configuration file of `shape`; each route has a host of its own. */
function fileOf({ pools, servers, routes }: Shape, port: number): string {
  const lines = ["pools:"];
  for (let pool = 0; pool < pools; pool++) {
    lines.push(`  pool-${pool}:`, "    servers:");
    for (let i = 0; i < servers; i++) lines.push(`      - http://${serverAddress(pool * servers + i)}:${port}`);
  }
  lines.push("routes:");
  for (let i = 0; i < routes; i++) lines.push(`  - {host: site-${i}.example, pool: pool-${i % pools}}`);
  return `${lines.join("\n")}\n`;
}

async function measure(shape: Shape, workers: number, directory: string, backendPort: number): Promise<Measured> {
  mkdirSync(directory);
  const file = join(directory, "neurabalancer.yaml");
  writeFileSync(file, fileOf(shape, backendPort));
  const [port, adminPort] = [freePort(), freePort()];
  const startedMs = now();
  const supervisor = await startServer(
    {
      title: JSON.stringify(shape),
      command: [launcherOf(ROOT), "serve", "--config", file],
      env: {
        ...KEEPS_NOTHING,
        APP_HOST: "127.0.0.1",
        APP_PORT: String(port),
        ADMIN_PORT: String(adminPort),
        WORKERS: String(workers),
        DATA_DIR: join(directory, "data"),
        LOG_LEVEL: "warn",
      },
      logFile: join(directory, "stdout.log"),
      directory,
      readyUrl: `http://127.0.0.1:${port}/health/ready`,
    },
    now,
  );
  const startSeconds = (now() - startedMs) / 1000;
  await Bun.sleep(SETTLE_MS);
  const response = await fetch(`http://127.0.0.1:${adminPort}/api/v1/status`);
  const status = (await response.json()) as { workers: readonly { readonly pid: number }[] };
  const measured = {
    ...shape,
    startSeconds,
    supervisor: memoryOf(supervisor.pid),
    workers: status.workers.map(({ pid }) => memoryOf(pid)),
  };
  await stopProcess(supervisor);
  return measured;
}

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
const kilobytes = (bytes: number): string => (bytes / 2 ** 10).toFixed(1);

/** Bytes of the first process, of a worker, and of what all share. */
function bytesOf({ supervisor, workers }: Measured): [supervisor: number, worker: number, shared: number] {
  const all = [supervisor, ...workers].reduce(addMemory, NO_MEMORY);
  const own = workers.reduce((sum, worker) => sum + worker.own, 0) / workers.length;
  return [supervisor.own, own, fileBytes(all, true)];
}

function rowOf(measured: Measured): string[] {
  const { pools, servers, routes, startSeconds } = measured;
  const title = `${pools} × ${servers}, ${routes} ${routes === 1 ? "route" : "routes"}`;
  return [title, startSeconds.toFixed(1), ...bytesOf(measured).map(megabytes)];
}

/** What one more of `count` costs, KiB. */
function differenceOf(title: string, less: Measured, more: Measured, count: number): string[] {
  const before = bytesOf(less);
  return [title, "", ...bytesOf(more).map((bytes, at) => kilobytes((bytes - before[at]) / count))];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      workers: { type: "string", default: "2" },
      markdown: { type: "boolean", default: false },
    },
  });
  const workers = Number(values.workers);
  if (values.help || !(workers >= 1)) {
    console.log(HELP);
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), "neurabalancer-bench-"));
  try {
    const port = freePort();
    const backends = new Child<never, { type: "ready" }>(
      join(import.meta.dir, "../idle/servers-process.ts"),
      [String(SERVERS), String(port)],
      [],
    );
    await backends.next(30_000);
    const take = (name: string, shape: Shape) => measure(shape, workers, join(directory, name), port);
    const one = await take("one", ONE_POOL);
    const pools = await take("pools", MANY_POOLS);
    const servers = await take("servers", MANY_SERVERS);
    const routes = await take("routes", MANY_ROUTES);
    const { processor, kernel, runtime, date } = describeMachine(Date.now());
    const title = `${processor}, ${cpus().length} cores, ${kernel}, ${runtime}, ${date}; ${workers} workers`;
    const columns = ["pools × servers", "start, s", "supervisor, MiB", "worker, MiB", "shared, MiB"];
    console.log(renderTable({ title, columns, rows: [one, pools, servers, routes].map(rowOf) }, values.markdown));
    const each = ["one more", "", "supervisor, KiB", "worker, KiB", "shared, KiB"];
    const rows = [
      differenceOf("pool with a route", one, pools, MANY_POOLS.pools - ONE_POOL.pools),
      differenceOf("server", pools, servers, SERVERS - MANY_POOLS.pools),
      differenceOf("route", pools, routes, MANY_ROUTES.routes - MANY_POOLS.routes),
    ];
    console.log(
      renderTable({ title: "Memory that no file holds, and shared memory", columns: each, rows }, values.markdown),
    );
  } finally {
    await stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
