/** One run: contestants before fleets of their own, the clients before them, and what both sides saw. */
import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { Child, type ServerProgram, startServer, stopProcess } from "../common/children.ts";
import { freePort } from "../common/programs.ts";
import type { Contestant } from "./contestant.ts";
import type {
  Address,
  ClientFigures,
  FleetRecord,
  FromClients,
  FromServers,
  ToClients,
  ToServers,
} from "./messages.ts";
import { type RunSpec, scenarioOf } from "./plan.ts";
import { StallPlayer, stallsOf } from "./stalls.ts";

/** As in the simulator: what is due before this is served and not measured, at most a tenth of a run. */
const WARM_UP_MS = 2000;
const MOST_WARM_UP = 0.1;
/** A client that has waited for so long gives up. */
const CLIENT_TIMEOUT_MS = 10_000;
/** An attempt without a response for so many mean service times has failed, for every contestant. */
const TRY_TIMEOUT_MEANS = 100;
/** From the word to begin to the beginning: the clients make their plan and connect meanwhile. */
const LEAD_MS = 1500;
const ANSWER_MS = 10_000;

/** Where the run took place, so that one sees whether the machine was in its way. */
export interface Conditions {
  /** How late requests were sent and answers given, 99 of 100; both are part of the latencies. */
  readonly sentLateP99Ms: number;
  readonly answeredLateP99Ms: number;
  /** Share of the machine's cores that was in use, by whomever. */
  readonly busy: number;
}

/** What came of one contestant. */
export interface Outcome {
  readonly contestant: Contestant;
  readonly figures: ClientFigures;
  readonly record: FleetRecord;
}

export interface RunResult {
  readonly outcomes: readonly Outcome[];
  readonly conditions: Conditions;
}

/** The length of the warm-up of a run, milliseconds. */
export function warmUpOf({ durationMs }: RunSpec): number {
  return Math.min(WARM_UP_MS, MOST_WARM_UP * durationMs);
}

/**
 * Runs the contestants at the same moment. Rejects when one does not start, or when clients and servers disagree.
 * @param directory for their files; made here.
 * @param p95Of the p95 of a contestant that has run before.
 */
export async function runTogether(
  contestants: readonly Contestant[],
  spec: RunSpec,
  directory: string,
  p95Of: (name: string) => number,
): Promise<RunResult> {
  const now = (): number => performance.now();
  const servers = await startChild<ToServers, FromServers>("servers-process.ts");
  const clients = await startChild<ToClients, FromClients>("clients-process.ts");
  const proxies: Bun.Subprocess[] = [];
  let stalls: StallPlayer | undefined;
  try {
    const listening = await servers.ask({ type: "listen", spec, fleets: contestants.length }, ANSWER_MS);
    if (listening.type !== "listening") throw new Error(`the servers say ${listening.type}`);
    const targets: (readonly Address[])[] = [];
    for (const [index, contestant] of contestants.entries()) {
      const fleet = listening.addresses[index];
      const program = prepare(contestant, fleet, spec, join(directory, contestant.name), p95Of);
      if (program !== null) proxies.push(await startServer(program.start, now));
      targets.push(program === null ? fleet : [program.address]);
    }
    const startsAtMs = Date.now() + LEAD_MS;
    await servers.ask({ type: "begin", startsAtMs }, ANSWER_MS);
    stalls = new StallPlayer(
      stallsOf(spec),
      proxies.map(({ pid }) => pid),
      startsAtMs,
    );
    const idleBefore = idleTime();
    const message: ToClients = {
      spec,
      contestants: targets,
      choice: "least",
      startsAtMs,
      warmUpMs: warmUpOf(spec),
      timeoutMs: CLIENT_TIMEOUT_MS,
    };
    const done = await clients.ask(message, LEAD_MS + spec.durationMs + CLIENT_TIMEOUT_MS + ANSWER_MS);
    const idleAfter = idleTime();
    if (done.type !== "done") throw new Error(done.type === "failed" ? done.message : `the clients say ${done.type}`);
    const ended = await servers.ask({ type: "end" }, ANSWER_MS);
    if (ended.type !== "ended") throw new Error(`the servers say ${ended.type}`);
    const outcomes = contestants.map((contestant, index): Outcome => {
      const outcome = { contestant, figures: done.figures[index], record: ended.fleets[index] };
      checkRecord(outcome);
      return outcome;
    });
    const busy = 1 - (idleAfter.idleMs - idleBefore.idleMs) / (idleAfter.totalMs - idleBefore.totalMs);
    return { outcomes, conditions: { sentLateP99Ms: done.lateP99Ms, answeredLateP99Ms: ended.lateP99Ms, busy } };
  } finally {
    stalls?.end();
    await Promise.all([...proxies, servers.process, clients.process].map(stopProcess));
  }
}

/** Throws an `Error` when clients got answers that no server gave: then the figures mean nothing. */
export function checkRecord({
  contestant,
  figures,
  record,
}: Pick<Outcome, "figures" | "record"> & { readonly contestant: Pick<Contestant, "name"> }): void {
  const { succeeded } = figures;
  const { answered, received } = record;
  const attempts = received.reduce((sum, count) => sum + count, 0);
  if (succeeded <= answered && answered <= attempts && figures.failures.wrong === 0) return;
  throw new Error(
    `${contestant.name}: clients got ${succeeded} right and ${figures.failures.wrong} wrong answers, ` +
      `servers answered ${answered} requests in ${attempts} attempts`,
  );
}

/** Starts one of the arena's own processes. */
export async function startChild<In, Out extends { readonly type: string }>(script: string): Promise<Child<In, Out>> {
  const child = new Child<In, Out>(join(import.meta.dir, script), [], []);
  await child.next(ANSWER_MS);
  return child;
}

function prepare(
  { name, prepare: configure, hedges }: Contestant,
  servers: readonly Address[],
  spec: RunSpec,
  directory: string,
  p95Of: (name: string) => number,
): { readonly start: ServerProgram; readonly address: Address } | null {
  if (configure === null) return null;
  mkdirSync(directory, { recursive: true });
  const port = freePort();
  const p95Ms = hedges === null ? null : p95Of(hedges);
  const workers = scenarioOf(spec).servers.map((server) => server.workers);
  const plannedWorkers = Math.max(1, Math.round(workers.reduce((sum, count) => sum + count, 0) / workers.length));
  const tryTimeoutMs = TRY_TIMEOUT_MEANS * spec.base.meanMs;
  const setup = { directory, port, servers, workers, plannedWorkers, tryTimeoutMs, p95Ms };
  const readyUrl = `http://127.0.0.1:${port}/health`;
  return { start: { ...configure(setup), title: name, directory, readyUrl }, address: { host: "127.0.0.1", port } };
}

/** What the machine's cores have done nothing for, and all they had, milliseconds. */
export function idleTime(): { idleMs: number; totalMs: number } {
  let idleMs = 0;
  let totalMs = 0;
  for (const { times } of cpus()) {
    idleMs += times.idle;
    totalMs += times.idle + times.user + times.sys + times.nice + times.irq;
  }
  return { idleMs, totalMs };
}
