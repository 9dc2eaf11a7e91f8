/** What the supervisor tells about itself: the source of its metrics and the body of `GET /api/v1/status`. */
import { version } from "../../../package.json";
import type { TrialTexts } from "../../config/environment.ts";
import { toRecorderSettings } from "../../config/recorder-settings.ts";
import { durationPairs } from "../../protocol/duration-pairs.ts";
import type { ProxySettings } from "../../protocol/worker.ts";
import type { DegradedMode } from "../../shared/live/degraded-modes.ts";
import { RecorderCounter } from "../../shared/memory/layout/history.ts";
import { LearnerCounter } from "../../shared/memory/layout/learning.ts";
import { Header, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { TracerCounter } from "../../shared/memory/layout/tracing.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import type { MemoryPages } from "../../shared/memory/pages.ts";
import { cpuSeconds } from "../../shared/proc/cpu-seconds.ts";
import { droppedLogLines, isLogFailing } from "../../telemetry/log/log-sink.ts";
import type { ServerTotalsLedger } from "../../telemetry/metrics/durations.ts";
import type { PoolWaitsLedger } from "../../telemetry/metrics/pool-waits.ts";
import type { ShownSeries } from "../../telemetry/metrics/shown-series.ts";
import type {
  MetricsSource,
  MirroringRoute,
  OverridesFigures,
  ProcessFigures,
  Topology,
} from "../../telemetry/metrics/source.ts";
import { processDescriptors } from "../../telemetry/process-descriptors.ts";
import type { Guard } from "../admin/access/guard.ts";
import type { ShownPool } from "../admin/answers/pools.ts";
import type { ShownStatus } from "../admin/answers/status.ts";
import type { ReadOutcome } from "../admin/routes/configuration.ts";
import { workerPlan } from "../allowance/worker-plan.ts";
import type { Canaries } from "../canary/canaries.ts";
import { CANARY_STATES } from "../canary/canary.ts";
import type { ControlClock } from "../clock.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { clusterFigures } from "../cluster/figures.ts";
import type { Journal } from "../events/journal.ts";
import type { Fleets } from "../fleet/fleets.ts";
import type { Operations } from "../operations/operations.ts";
import { describeCertificates, type ShownCertificate } from "../processes/acme/description.ts";
import type { AcmeStatus } from "../processes/acme/status.ts";
import type { Learner } from "../processes/learner/learner.ts";
import { poolWaiting } from "../processes/learner/pool-waiting.ts";
import { describeLearning, describeLimits, describeSamples } from "../processes/learner/status.ts";
import type { Recorder } from "../processes/recorder/recorder.ts";
import { describeHistory } from "../processes/recorder/status.ts";
import { describeTracing } from "../processes/tracer/status.ts";
import type { WorkerStatus, Workers } from "../processes/workers/workers.ts";
import { certificatesOf } from "./certificates/expiry.ts";
import { hasListOutOfDate, revocationExpiries } from "./certificates/revocation.ts";
import type { ConfigurationInForce } from "./configuration.ts";
import type { RateLimitFiles } from "./instance/rate-limit-files.ts";
import { firstPorts } from "./listening.ts";
import type { Operating } from "./operating/operating.ts";
import type { AdminPort } from "./ports/admin-port.ts";
import type { Questions } from "./questions.ts";
import { poolsInUse } from "./topology.ts";
import type { Tracing } from "./tracing.ts";

/** What the supervisor knows at the moment. */
export interface SupervisorView {
  readonly memory: SharedMemory;
  readonly pages: Pick<MemoryPages, "reserveExplainChunk" | "freeBytes">;
  /** What, added to the monotonic clock, gives the boot clock (boot-clock.ts). */
  readonly bootOffsetMs: () => number;
  readonly totals: ServerTotalsLedger;
  readonly waits: PoolWaitsLedger;
  readonly shownSeries: ShownSeries;
  readonly cluster: Cluster;
  readonly rateLimits: RateLimitFiles;
  readonly fleets: Fleets;
  readonly topology: () => Topology;
  /** `null` before the workers are started. */
  readonly workers: () => Workers | null;
  readonly learner: Learner;
  readonly questions: Questions;
  readonly recorder: Recorder;
  readonly tracing: Tracing;
  readonly acme: AcmeStatus;
  readonly journal: Journal;
  readonly adminPort: Pick<AdminPort, "describe" | "rejected">;
  readonly guard: Guard;
  readonly configuration: Pick<
    ConfigurationInForce,
    "config" | "settings" | "effective" | "reloads" | "rejected" | "takenMs"
  >;
  readonly operating: Operating;
  /** As SIGHUP; resolves when it is in force, or refused. @param actor who wants it. */
  readonly reload: (actor: string) => Promise<ReadOutcome>;
  /** What a reload would do. @param texts read in place of the files. */
  readonly preview: (texts: TrialTexts) => Promise<ReadOutcome>;
  readonly clock: ControlClock;
  readonly startedAtMs: number;
  /** On the monotonic clock: it does not leap when the wall clock is set. */
  readonly uptimeMs: () => number;
}

/** The instance for people and scripts; secrets are hidden in the effective settings already. */
export function describeStatus(view: SupervisorView): ShownStatus {
  const { settings, reloads, effective } = view.configuration;
  const listeners = view.workers()?.listeners ?? null;
  return {
    version,
    runtime: runtimeName(),
    started_at: new Date(view.startedAtMs).toISOString(),
    uptime_seconds: Math.round(view.uptimeMs() / 1000),
    pid: process.pid,
    ports: listeners && firstPorts(listeners),
    listeners,
    admin: view.adminPort.describe(),
    strategy: settings.pools[0].strategy,
    fleet: view.fleets.summary(),
    pools: describePools(view),
    allowance: shownAllowance(view),
    workers: workersOf(view).map((worker) => ({
      index: worker.index,
      pid: worker.pid,
      state: worker.state,
      restarts: worker.restarts,
      uptime_seconds: Math.round(worker.uptimeMs / 1000),
      rss_bytes: rssOf(view.memory, worker),
    })),
    ml: describeLearning(view),
    samples: describeSamples(view),
    limits: describeLimits(view),
    history: describeHistory({ ...view, location: toRecorderSettings(view.configuration.config)?.store ?? null }),
    tracing: describeTracing({
      memory: view.memory,
      tracer: view.tracing.tracer,
      settings: view.tracing.settings,
      sampling: view.configuration.settings.tracing,
    }),
    overrides: describeOverrides(view),
    reloads,
    configuration: {
      successful: !view.configuration.rejected.configuration,
      taken_at: new Date(view.configuration.takenMs).toISOString(),
    },
    certificates: shownCertificates(view),
    degraded: Object.entries(degradedModes(view)).flatMap(([mode, on]) => (on ? [mode] : [])),
    settings: Object.fromEntries(effective.map(({ env, value, origin }) => [env, { value, origin }])),
  };
}

/** Those in use, and those that are got by ACME. */
export function shownCertificates({ configuration, tracing, acme }: SupervisorView): ShownCertificate[] {
  return describeCertificates(certificatesOf(configuration.settings, tracing.settings), acme);
}

/** The pools as they are now. */
export function describePools(view: SupervisorView): ShownPool[] {
  const { settings } = view.configuration;
  const inUse = poolsInUse(settings.routes);
  const waitingOf = poolWaiting(view);
  return view.fleets.pools().map(({ name, row, total, healthy, up, usable, panic, unused }) => {
    const strategy = settings.pools.find((pool) => pool.name === name)?.strategy;
    const counts = { total, healthy, up, usable, panic, unused };
    return { name, strategy, ...counts, in_use: inUse.has(name), ...waitingOf(name, row) };
  });
}

/** Servers whose weight or capacity is another than the configured one, and who says so. */
function describeOverrides({ fleets }: SupervisorView): ShownStatus["overrides"] {
  return fleets.overridden().map(({ id, pool, url, address, numbers }) => ({
    id,
    pool,
    url,
    address,
    ...Object.fromEntries(Object.entries(numbers).filter(([, { origin }]) => origin !== "configuration")),
  }));
}

/** Where the metrics of this instance come from. */
export function metricsSource(view: SupervisorView, canaries: Pick<Canaries, "list" | "verdicts">): MetricsSource {
  return {
    memory: view.memory,
    totals: view.totals,
    waits: view.waits,
    bootMs: () => view.clock.nowMs() + view.bootOffsetMs(),
    shownSeries: () => view.shownSeries.shows,
    durationPairs: () => durationPairs(view.configuration.settings.routes),
    exemplars: () => view.configuration.settings.tracing !== null,
    topology: view.topology,
    servers: () => view.fleets.statuses(),
    fleetEvents: () => view.fleets.counters(),
    version,
    runtime: runtimeName(),
    startedAtSeconds: view.startedAtMs / 1000,
    processes: () => processesOf(view),
    workersReady: () => readyWorkers(view),
    workerRestarts: () => view.workers()?.restarts ?? {},
    learner: () => view.learner,
    recorder: () => {
      const { running, up, restarts } = view.recorder;
      return { running, up, restarts, eventsWaiting: view.journal.waiting, eventsDropped: view.journal.dropped };
    },
    tracer: () => view.tracing.tracer,
    acme: () => view.acme,
    pools: () => view.fleets.pools(),
    overrides: () => overridesFigures(view.operating.operations),
    canaries: () => ({ list: canaries.list(), states: CANARY_STATES, verdicts: canaries.verdicts }),
    admin: () => ({ answers: view.guard.answers(), refused: view.guard.refused }),
    reloads: () => view.configuration.reloads,
    configuration: () => {
      const { rejected, takenMs } = view.configuration;
      return { successful: !rejected.configuration, takenAtSeconds: takenMs / 1000 };
    },
    cluster: () => clusterFigures(view),
    rateLimits: () => view.rateLimits.figures(),
    mirrors: () => mirroringRoutes(view.configuration.settings),
    logDropped: droppedLogLines,
    degradedModes: () => degradedModes(view),
    certificates: () => certificatesOf(view.configuration.settings, view.tracing.settings),
    revocationLists: () => revocationExpiries(view.configuration.settings.clientTls),
  };
}

/** What the control group allows, and how many workers follow. */
function shownAllowance({ configuration }: Pick<SupervisorView, "configuration">): ShownStatus["allowance"] {
  const plan = workerPlan(configuration.config);
  return {
    workers: plan.workers,
    why: plan.why,
    cpu_limit: plan.cpuLimit,
    memory_limit_bytes: plan.memoryLimit,
    memory_needed_bytes: plan.memoryNeeded,
  };
}

/** Ways in which the instance works with less than it should. Each is a label of `neurabalancer_degraded`. */
export function degradedModes(view: SupervisorView): Record<DegradedMode, boolean> {
  const { header } = view.memory;
  const { rejected, settings } = view.configuration;
  const inUse = poolsInUse(settings.routes);
  return {
    panic: view.memory.pools.panic.includes(1),
    no_servers: view.fleets.pools().some(({ name, up }) => up === 0 && inUse.has(name)),
    workers: readyWorkers(view) < header[Header.WORKERS],
    learner: view.learner.degraded,
    model: view.memory.learnerCounters[LearnerCounter.MODEL_UNUSABLE] === 1,
    history: view.recorder.degraded,
    tracing: view.tracing.tracer.degraded,
    learning_store: view.memory.learnerCounters[LearnerCounter.STORE_DEGRADED] === 1 || view.learner.keepsNothing,
    configuration: rejected.configuration,
    certificates: rejected.certificates || view.adminPort.rejected,
    revocation_lists: hasListOutOfDate(settings.clientTls, view.clock.wallMs()),
    acme: view.acme.degraded,
    operations: view.operating.operations.trouble !== null,
    draining: header[Header.DRAINING] === 1,
    access_log: anyWorker(view.memory, WorkerCounter.ACCESS_LOG_FAILING),
    log: isLogFailing(),
    descriptors: anyWorker(view.memory, WorkerCounter.DESCRIPTORS_SHORT),
    health_checks: view.fleets.skippingChecks,
    discovery: view.fleets.discoveryDegraded,
    sockets: anyWorker(view.memory, WorkerCounter.SOCKETS_DEGRADED),
    wakes: anyWorker(view.memory, WorkerCounter.WAKES_DEGRADED),
    rate_limits: view.rateLimits.short,
    redis: view.rateLimits.away !== null || view.cluster.away !== null || changesAlone(view),
    memory: view.fleets.outOfMemory || (view.workers()?.outOfMemory ?? false),
  };
}

function changesAlone({ operating }: SupervisorView): boolean {
  return operating.replication !== null && operating.replication.trouble !== null;
}

function anyWorker({ header, workers }: SharedMemory, gauge: number): boolean {
  return workers.slice(0, header[Header.WORKER_BLOCKS]).some(({ counters }) => counters[gauge] > 0);
}

function workersOf(view: SupervisorView): readonly WorkerStatus[] {
  return view.workers()?.status() ?? [];
}

function readyWorkers(view: SupervisorView): number {
  return workersOf(view).filter(({ state }) => state === "ready").length;
}

function rssOf(memory: SharedMemory, { index }: WorkerStatus): number {
  return memory.workers[index].counters[WorkerCounter.RSS_BYTES];
}

function cpuOf(running: { readonly pid: number } | null): number | null {
  return running === null ? null : cpuSeconds(running.pid);
}

function processesOf(view: SupervisorView): ProcessFigures[] {
  const workers = workersOf(view).map((worker) => ({
    name: `worker-${worker.index}`,
    cpuSeconds: cpuOf(worker),
    rssBytes: rssOf(view.memory, worker),
    openDescriptors: view.memory.workers[worker.index].counters[WorkerCounter.DESCRIPTORS_OPEN],
  }));
  const supervisor = {
    name: "supervisor",
    cpuSeconds: cpuSeconds(process.pid),
    rssBytes: process.memoryUsage.rss(),
    openDescriptors: processDescriptors.open() || 0,
  };
  const { learnerCounters, recorder, tracer } = view.memory;
  const learner = {
    name: "learner",
    cpuSeconds: cpuOf(view.learner.status),
    rssBytes: learnerCounters[LearnerCounter.RSS_BYTES],
    openDescriptors: learnerCounters[LearnerCounter.DESCRIPTORS_OPEN],
  };
  const recording = {
    name: "recorder",
    cpuSeconds: cpuOf(view.recorder.status),
    rssBytes: recorder.counters[RecorderCounter.RSS_BYTES],
    openDescriptors: recorder.counters[RecorderCounter.DESCRIPTORS_OPEN],
  };
  const tracing = {
    name: "tracer",
    cpuSeconds: cpuOf(view.tracing.tracer.status),
    rssBytes: tracer.counters[TracerCounter.RSS_BYTES],
    openDescriptors: tracer.counters[TracerCounter.DESCRIPTORS_OPEN],
  };
  const acme = {
    name: "acme",
    cpuSeconds: cpuOf(view.acme.process?.status ?? null),
    rssBytes: view.acme.process?.rssBytes ?? 0,
    openDescriptors: view.acme.process?.openDescriptors ?? 0,
  };
  return [
    supervisor,
    ...workers,
    ...(view.learner.running ? [learner] : []),
    ...(view.recorder.running ? [recording] : []),
    ...(view.tracing.tracer.running ? [tracing] : []),
    ...(view.acme.process?.status ? [acme] : []),
  ];
}

function overridesFigures(operations: Pick<Operations, "ended" | "list">): OverridesFigures {
  const alike = Map.groupBy(operations.list(), ({ kind, inForce }) => `${kind} ${inForce}`);
  const list = [...alike.values()].map((some) => ({
    kind: some[0].kind,
    inForce: some[0].inForce,
    count: some.length,
  }));
  return { ended: operations.ended, list };
}

function mirroringRoutes({ routes }: ProxySettings): MirroringRoute[] {
  return routes.flatMap(({ number, name, mirror }) =>
    mirror === null ? [] : [{ number, route: name, pool: mirror.pool }],
  );
}

function runtimeName(): string {
  return `bun ${Bun.version}`;
}
