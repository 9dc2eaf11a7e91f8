/** One run of the herd test: instances before a fleet of their own, and the clients before them. */
import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { checkRecord, idleTime, startChild, warmUpOf } from "../arena/measure.ts";
import type { Address, ClientFigures, FromClients, FromServers, ToClients, ToServers } from "../arena/messages.ts";
import { environment } from "../arena/peers/ours.ts";
import type { RunSpec } from "../arena/plan.ts";
import { startServer, stopProcess } from "../common/children.ts";
import { freePort, launcherOf } from "../common/programs.ts";

const ROOT = join(import.meta.dir, "../..");
const CLIENT_TIMEOUT_MS = 10_000;
/** An attempt without a response for so many mean service times has failed. */
const TRY_TIMEOUT_MEANS = 100;
/** From the word to begin to the beginning: clients connect, and instances that share find each other. */
const LEAD_MS = 2500;
const ANSWER_MS = 10_000;

/** Who balances in a run. */
export interface Instances {
  readonly strategy: string;
  readonly count: number;
  /** Where they share; `null` = they know nothing of each other. */
  readonly redisAddr: string | null;
  /** Empty; for their files. */
  readonly directory: string;
}

/** What came of a run. */
export interface HerdRun {
  readonly figures: ClientFigures;
  /** How late requests were sent and answers given, 99 of 100, milliseconds: both are part of the latencies. */
  readonly lateP99Ms: number;
  /** Share of the machine's cores that was in use, by whomever. */
  readonly busy: number;
}

/** Runs them. Rejects when one does not start, or when clients and servers disagree. */
export async function runInstances(instances: Instances, spec: RunSpec): Promise<HerdRun> {
  const servers = await startChild<ToServers, FromServers>("servers-process.ts");
  const clients = await startChild<ToClients, FromClients>("clients-process.ts");
  const started: Bun.Subprocess[] = [];
  try {
    const listening = await servers.ask({ type: "listen", spec, fleets: 1 }, ANSWER_MS);
    if (listening.type !== "listening") throw new Error(`the servers say ${listening.type}`);
    const [fleet] = listening.addresses;
    const targets = await startInstances(instances, fleet, spec, started);
    const startsAtMs = Date.now() + LEAD_MS;
    await servers.ask({ type: "begin", startsAtMs }, ANSWER_MS);
    const idleBefore = idleTime();
    const done = await clients.ask(
      {
        spec,
        contestants: [targets],
        choice: "any",
        startsAtMs,
        warmUpMs: warmUpOf(spec),
        timeoutMs: CLIENT_TIMEOUT_MS,
      },
      LEAD_MS + spec.durationMs + CLIENT_TIMEOUT_MS + ANSWER_MS,
    );
    const idleAfter = idleTime();
    if (done.type !== "done") throw new Error(done.type === "failed" ? done.message : `the clients say ${done.type}`);
    const ended = await servers.ask({ type: "end" }, ANSWER_MS);
    if (ended.type !== "ended") throw new Error(`the servers say ${ended.type}`);
    const [figures] = done.figures;
    checkRecord({ contestant: { name: instances.strategy }, figures, record: ended.fleets[0] });
    return {
      figures,
      lateP99Ms: done.lateP99Ms + ended.lateP99Ms,
      busy: 1 - (idleAfter.idleMs - idleBefore.idleMs) / (idleAfter.totalMs - idleBefore.totalMs),
    };
  } finally {
    await Promise.all([...started, servers.process, clients.process].map(stopProcess));
  }
}

/** @param started gets each as soon as it runs, so that all are ended whatever happens. */
async function startInstances(
  { strategy, count, redisAddr, directory }: Instances,
  servers: readonly Address[],
  spec: RunSpec,
  started: Bun.Subprocess[],
): Promise<Address[]> {
  const { workers, meanMs } = spec.base;
  const addresses: Address[] = [];
  // As many at a time as there are cores: each has to be ready in time.
  for (let first = 0; first < count; first += cpus().length) {
    const together = Math.min(cpus().length, count - first);
    addresses.push(...(await Promise.all(Array.from({ length: together }, (_, i) => startInstance(first + i)))));
  }
  return addresses;

  async function startInstance(index: number): Promise<Address> {
    const own = join(directory, String(index));
    mkdirSync(own, { recursive: true });
    const port = freePort();
    const setup = {
      directory: own,
      port,
      servers,
      workers: servers.map(() => workers),
      plannedWorkers: workers,
      tryTimeoutMs: TRY_TIMEOUT_MEANS * meanMs,
      p95Ms: null,
    };
    const env = {
      ...environment(setup, strategy),
      DATA_DIR: join(own, "data"),
      INSTANCE_NAME: `instance-${index}`,
      ...(redisAddr !== null && { REDIS_ADDR: redisAddr, CLUSTER_NAME: "herd" }),
    };
    const program = {
      command: [launcherOf(ROOT), "serve"],
      env,
      logFile: join(own, "out.log"),
      title: `instance ${index}`,
      directory: own,
      readyUrl: `http://127.0.0.1:${port}/health`,
    };
    started.push(await startServer(program, () => performance.now()));
    return { host: "127.0.0.1", port };
  }
}
