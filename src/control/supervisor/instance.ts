/**
 * One running instance: brings the fleet, the workers, the admin API and the metrics together, and changes them when the
 * configuration changes. Signals and exit codes are supervisor.ts's business.
 */

import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { RedisLink } from "../../cluster/redis/link.ts";
import type { Config } from "../../config/config.ts";
import { toLearnerSettings } from "../../config/learner-settings.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import type { ProxySettings } from "../../protocol/worker.ts";
import { createSharedMemory, removeRuntimeDirectory } from "../../shared/memory/file.ts";
import { Header } from "../../shared/memory/layout/shared-memory.ts";
import { MemoryPages } from "../../shared/memory/pages.ts";
import { createLogger, type Logger } from "../../telemetry/log/logger.ts";
import { type ReplaceableLogger, replaceableLogger } from "../../telemetry/log/replaceable-logger.ts";
import { ServerTotalsLedger } from "../../telemetry/metrics/durations.ts";
import { PoolWaitsLedger } from "../../telemetry/metrics/pool-waits.ts";
import { ShownSeries } from "../../telemetry/metrics/shown-series.ts";
import { Guard } from "../admin/access/guard.ts";
import { AdminApi } from "../admin/api.ts";
import { type AdminListener, listenForWorkers } from "../admin/doors/listener.ts";
import type { ReadOutcome } from "../admin/routes/configuration.ts";
import { workerCount, workerPlan } from "../allowance/worker-plan.ts";
import { Cluster } from "../cluster/cluster.ts";
import { Journal } from "../events/journal.ts";
import { Fleets } from "../fleet/fleets.ts";
import { PoolRows } from "../fleet/pool-rows.ts";
import { FleetTable } from "../fleet/table.ts";
import { AcmeStatus } from "../processes/acme/status.ts";
import { isAnyBalanced, learnedPools } from "../processes/learner/learned-pools.ts";
import type { Learner } from "../processes/learner/learner.ts";
import { Workers } from "../processes/workers/workers.ts";
import { adminControl } from "./admin-control.ts";
import { ConfigurationInForce } from "./configuration.ts";
import { toPoolPlans } from "./fleet-options.ts";
import { Housekeeping } from "./housekeeping.ts";
import { announceStart } from "./instance/announcement.ts";
import { clusterOptions, idOf } from "./instance/cluster-options.ts";
import { learns, named, numbersOf } from "./instance/derived.ts";
import type { InstanceOptions } from "./instance/options.ts";
import { RateLimitFiles } from "./instance/rate-limit-files.ts";
import { openRedisOf } from "./instance/redis.ts";
import { reservePages } from "./instance/reserve-pages.ts";
import { sharedLimits } from "./instance/shared-limits.ts";
import { makeSoleProcesses } from "./instance/sole-processes.ts";
import type { InstancePart } from "./instance-part.ts";
import { Operating } from "./operating/operating.ts";
import { type InstanceParts, makeParts } from "./parts.ts";
import { pinSettings, restartsNeeded } from "./pinned.ts";
import { AdminPort } from "./ports/admin-port.ts";
import { claimPorts, type PortClaim, portsOf, successorOf } from "./ports/port-claims.ts";
import { checkPorts } from "./ports/ports.ts";
import { Questions } from "./questions.ts";
import type { Recording } from "./recording.ts";
import { RouteNumbers } from "./route-numbers.ts";
import { claimRuntimeDirectory, type RuntimeDirectory, removeStaleRuntimeDirectories } from "./runtime-directory.ts";
import { degradedModes, type SupervisorView } from "./status.ts";
import { TakeOver } from "./take-over/take-over.ts";
import { topologyOf } from "./topology.ts";
import type { Tracing } from "./tracing.ts";
import { Turns } from "./turns.ts";

/** The learner has nothing to finish. */
const LEARNER_STOP_MS = 2_000;
/** Recorder and tracer hand on what they have: they may take what is left of the time to stop, up to this, and this at least. */
const RECORDER_STOP_MS = { most: 3_000, least: 200 } as const;

export class SupervisorInstance {
  readonly #options: InstanceOptions;
  readonly #logger: ReplaceableLogger;
  readonly #log: Logger;
  readonly #configuration: ConfigurationInForce;
  readonly #operating: Operating;
  readonly #housekeeping = new Housekeeping();
  #directory: RuntimeDirectory | null = null;
  #claim: PortClaim | null = null;
  /** Until the predecessor has gone. */
  #takeOver: TakeOver | null = null;
  #memory!: SupervisorView["memory"];
  #pages!: MemoryPages;
  readonly #rows = new PoolRows();
  readonly #routeNumbers = new RouteNumbers();
  readonly #redis: RedisLink | null;
  readonly #cluster: Cluster;
  readonly #rateLimits: RateLimitFiles;
  #fleets!: Fleets;
  #totals!: ServerTotalsLedger;
  #waits!: PoolWaitsLedger;
  #shownSeries!: ShownSeries;
  #workers: Workers | null = null;
  #learner!: Learner;
  #questions!: Questions;
  readonly #journal: Journal;
  #recording!: Recording;
  #tracing!: Tracing;
  #parts: InstanceParts | null = null;
  #relay: AdminListener | null = null;
  readonly #adminPort: AdminPort;
  #startedAtMs = 0;
  #stopping = false;
  /** Resolves when all workers go by the configuration. */
  #told: Promise<void> = Promise.resolve();
  readonly #turns = new Turns(() => setImmediate());

  constructor(options: InstanceOptions) {
    const { config, effective, over, reload, trial, refused, onInForce, clock } = options;
    this.#options = options;
    this.#logger = replaceableLogger(options.log);
    this.#log = this.#logger.log;
    const wallMs = (): number => clock.wallMs();
    const nowMs = (): number => clock.nowMs();
    this.#journal = new Journal(wallMs);
    const bootMs = (): number => nowMs() + options.bootOffsetMs();
    const id = idOf(options.secret());
    this.#redis = openRedisOf(config);
    this.#cluster = new Cluster(clusterOptions(config, this.#redis, id, clock, bootMs, this.#log));
    const alone = () => this.#cluster.away !== null;
    const shared = sharedLimits(config, this.#redis, id, bootMs, alone, this.#log);
    this.#rateLimits = new RateLimitFiles(bootMs, options.secret, shared);
    this.#configuration = new ConfigurationInForce({
      config,
      effective,
      over,
      reload,
      trial,
      refused,
      onInForce,
      log: this.#log,
      events: this.#journal,
      wallMs,
      place: ({ pools, routes, rateLimits }) => ({
        rows: this.#rows.plan(pools.map(({ name }) => name)),
        routeNumbers: this.#routeNumbers.plan(routes.map(({ name }) => name)),
        rateLimitFiles: this.#rateLimits.plan(rateLimits),
      }),
      apply: (wanted, settings, actor) => this.#apply(wanted, settings, actor),
      layer: (loaded) => this.#operating.operations.layer(loaded),
    });
    this.#operating = new Operating({
      config,
      configuration: this.#configuration,
      fleets: () => this.#fleets ?? null,
      told: () => this.#told,
      inTurn: (work) => this.#turns.take(work),
      log: this.#log,
      events: this.#journal,
      clock,
      redis: this.#redis,
      cluster: this.#cluster,
      takesOver: () => (this.#claim === null ? (options.takeOverMs ?? null) : this.#takeOver) !== null,
    });
    this.#adminPort = new AdminPort({ configuration: this.#configuration, log: this.#log, wallMs, nowMs });
  }

  /** Starts everything. Throws a `ConfigError` or an `Error`, each made for the operator; call `dispose` then. */
  async start(): Promise<void> {
    const { clock, random, resolver, certificatePollMs } = this.#options;
    this.#configuration.open(await this.#operating.open(this.#configuration.loaded));
    const { config, settings } = this.#configuration;
    this.#routeNumbers.take(numbersOf(settings));
    await removeStaleRuntimeDirectories(clock.wallMs(), this.#log);

    const directory = claimRuntimeDirectory();
    this.#directory = directory;
    const { takeOverMs = null } = this.#options;
    this.#claim = await claimPorts(directory, portsOf(settings, this.#adminPort.claimed), takeOverMs !== null);
    const { predecessor } = this.#claim;
    checkPorts(settings, predecessor?.ports);
    const common = { log: this.#log, events: this.#journal, nowMs: () => clock.nowMs() };
    if (predecessor && takeOverMs) this.#takeOver = new TakeOver({ ...common, predecessor, waitMs: takeOverMs });
    this.#memory = createSharedMemory(directory.memoryPath, this.#options.secret()[0]);
    const pages = new MemoryPages(directory.memoryPath, this.#memory);
    this.#pages = pages;
    this.#questions = new Questions(this.#options.program, this.#log);
    const { learner, recording, tracing } = makeSoleProcesses({
      options: this.#options,
      memory: this.#memory,
      memoryPath: directory.memoryPath,
      log: this.#log,
      journal: this.#journal,
      configuration: this.#configuration,
      instanceId: this.#cluster.id,
      fleets: () => this.#fleets,
    });
    this.#learner = learner;
    this.#recording = recording;
    this.#tracing = tracing;
    const traced = this.#tracing.read(config);
    const table = new FleetTable(this.#memory, (count) => pages.reserveSlots(count));
    this.#fleets = new Fleets({
      rows: this.#rows,
      table,
      log: this.#log,
      events: this.#journal,
      onRecorded: () => {
        this.#recording.recorder.rename();
        this.#tracing.tracer.rename();
      },
      clock,
      bootOffsetMs: this.#options.bootOffsetMs,
      random,
      resolver,
    });
    this.#fleets.operate(this.#operating.servers());
    this.#totals = new ServerTotalsLedger(this.#memory);
    this.#waits = new PoolWaitsLedger(this.#memory);
    this.#shownSeries = new ShownSeries(this.#memory, () => clock.nowMs());
    const view = this.#makeView();
    this.#parts = makeParts(view, this.#log, this.#options);
    const api = new AdminApi(adminControl(view, this.#parts), this.#log, view.guard);
    this.#relay = listenForWorkers(api, directory.socketPath);
    await this.#adminPort.open(api, directory, this.#takeOver !== null);

    await this.#fleets.start(toPoolPlans(config, settings.pools));
    await this.#takeOver?.untilReady(this.#memory);
    if (this.#stopping) return;
    this.#rateLimits.open(directory.path, workerCount(config));
    const workers = this.#makeWorkers(directory);
    this.#workers = workers;
    this.#reserve(settings);
    this.#rateLimits.take(settings.rateLimits, this.#told);
    this.#keepTotals();
    this.#recording.start();
    this.#tracing.start(traced);
    const balanced = isAnyBalanced(learnedPools(settings));
    if (balanced) this.#startLearner();
    this.#fleets.onEndpoints((endpoints) => {
      this.#onServers(endpoints);
      return workers.setEndpoints(endpoints);
    });
    const listeners = await workers.start(workerCount(config));
    // One that only looks on must not take time from workers that clients wait for.
    if (!balanced && learns(settings) && !this.#stopping) this.#startLearner();
    this.#housekeeping.start({
      memory: this.#memory,
      log: this.#log,
      events: this.#journal,
      keepTotals: () => this.#keepTotals(),
      degradedModes: () => degradedModes(view),
      learned: () => this.#learner.pools,
      parts: [...Object.values(this.#parts ?? {}), this.#adminPort],
      nowMs: () => clock.nowMs(),
      lookAtFiles: () => void this.#turns.take(this.#lookAtFiles),
      certificatePollMs,
    });
    const { pools } = settings;
    const started = {
      listeners,
      pools,
      plan: workerPlan(config),
      fleet: this.#fleets,
      startedAtMs: this.#startedAtMs,
    };
    announceStart(started, this.#log, this.#journal);
    await this.#operating.opened();
    if (!this.#options.refused) this.#options.onInForce?.(config);
    if (this.#takeOver !== null) void this.#finishTakeOver(this.#takeOver, () => this.#adminPort.open(api, directory));
  }

  /** The process that takes over from this one; `null` = there is none. */
  async successor(): Promise<number | null> {
    return this.#directory && (await successorOf(this.#directory));
  }

  /** There are workers: to end them at once would cost requests. */
  get serves(): boolean {
    return this.#workers !== null;
  }

  /** Reads the configuration again and takes it over; keeps the old one when there is anything wrong with it. */
  reload(): Promise<void> {
    return this.#turns.take(this.#reloadAsSignalled);
  }

  /** Files that logs are written to are opened by their names again. */
  reopenLogs(): void {
    this.#workers?.reopenLogs();
    const { accessFile } = this.#configuration.config.log;
    if (accessFile !== null) this.#log.info({ file: accessFile }, "the file of the access log is opened again");
  }

  /**
   * Fails readiness, lets requests finish within the time configured, and ends. Returns when all workers are gone.
   * @param actor who asked for it: a signal.
   * @param handsOver another instance has the ports by now: these are as ready as before, and nobody has to leave in time.
   */
  async stop(actor: string, handsOver = false): Promise<void> {
    this.#stopping = true;
    const { clock } = this.#options;
    const beganMs = clock.nowMs();
    const { shutdownTimeoutMs, shutdownGraceMs } = this.#configuration.config.app;
    const graceMs = handsOver ? 0 : Math.min(shutdownGraceMs, shutdownTimeoutMs);
    if (!handsOver) Atomics.store(this.#memory.header, Header.DRAINING, 1);
    this.#takeOver?.stop();
    const stopping = { timeout_ms: shutdownTimeoutMs, grace_ms: graceMs, handed_over: handsOver || undefined };
    this.#log.info(stopping, "stopping: requests in flight may finish");
    this.#journal.note({ kind: "stop", actor, message: "stopping: requests in flight may finish", detail: stopping });
    if (graceMs > 0) await Bun.sleep(graceMs);
    void this.#operating.stop(); // as the ports, what is kept is the successor's
    this.#claim?.release(); // the workers stop listening: a successor may begin while requests finish here
    const killed = (await this.#workers?.drain(shutdownTimeoutMs - graceMs)) ?? 0;
    if (killed > 0) {
      const message = "not all requests finished in time: workers were ended";
      this.#log.warn({ workers: killed }, message);
      this.#journal.note({ kind: "process", message, detail: { workers: killed } });
    } else this.#log.info("stopped: all requests are finished");
    // The workers are gone: what they wrote last is in the rings.
    const leftMs = beganMs + shutdownTimeoutMs - clock.nowMs();
    const recorderMs = Math.max(RECORDER_STOP_MS.least, Math.min(RECORDER_STOP_MS.most, leftMs));
    await Promise.all([
      this.#learner.stop(LEARNER_STOP_MS),
      this.#recording.recorder.stop(recorderMs),
      this.#tracing.tracer.stop(recorderMs),
    ]);
  }

  /** Ends whatever still runs, at once, and removes the runtime directory. Never throws. */
  async dispose(): Promise<void> {
    this.#stopping = true;
    this.#takeOver?.stop();
    this.#housekeeping.stop();
    this.#workers?.kill();
    this.#learner?.kill();
    this.#questions?.stop();
    this.#rateLimits.stop();
    this.#recording?.recorder.kill();
    this.#tracing?.tracer.kill();
    this.#fleets?.stop();
    const parts: readonly InstancePart[] = Object.values(this.#parts ?? {});
    await Promise.all([...parts.map((part) => part.stop?.()), this.#relay?.stop(), this.#adminPort.stop()]);
    this.#redis?.close();
    if (this.#directory !== null) removeRuntimeDirectory(this.#directory.path);
  }

  readonly #reloadAsSignalled = (): Promise<void> => this.#reload().then(() => {});

  async #reload(actor?: string): Promise<ReadOutcome> {
    if (this.#stopping) return { ok: false, problems: ["this instance is stopping"], warnings: [] };
    const result = await this.#configuration.reload(actor);
    if (result.ok) this.#log.info({ servers: this.#fleets.summary().total }, "the new configuration is in force");
    return result;
  }

  /** As `reload`, for who waits for it. */
  async #reloadFor(actor: string): Promise<ReadOutcome> {
    let result: ReadOutcome | undefined;
    await this.#turns.take(async () => {
      result = await this.#reload(actor);
    });
    if (result!.ok) await this.#told;
    return result!;
  }

  /** Has what the predecessor had alone. */
  async #finishTakeOver(takeOver: TakeOver, openAdminPort: () => Promise<unknown>): Promise<void> {
    await setImmediate(); // who waits for the start hears of it while both are there
    await takeOver.finish();
    if (this.#stopping) return;
    this.#takeOver = null;
    this.#claim?.settle();
    if (learns(this.#configuration.settings)) this.#startLearner();
    await openAdminPort().catch((error: Error) => this.#log.error(`there is no admin API: ${error.message}`));
  }

  /** Not while the predecessor has what was learned: it would begin with nothing. */
  #startLearner(): void {
    if (this.#takeOver === null) this.#learner.start();
  }

  readonly #settle = async (): Promise<void> => {
    await this.#told;
    if (!this.#stopping) await Promise.all([this.#recording.settle(), this.#tracing.settle()]);
  };

  readonly #lookAtFiles = async (): Promise<void> => {
    if (!this.#stopping) await this.#configuration.lookAtFiles();
  };

  #makeView(): SupervisorView {
    const { clock } = this.#options;
    const startedMs = clock.nowMs();
    this.#startedAtMs = clock.wallMs();
    return {
      memory: this.#memory,
      pages: this.#pages,
      bootOffsetMs: this.#options.bootOffsetMs,
      totals: this.#totals,
      waits: this.#waits,
      shownSeries: this.#shownSeries,
      cluster: this.#cluster,
      rateLimits: this.#rateLimits,
      fleets: this.#fleets,
      topology: () => topologyOf(this.#configuration.settings, this.#fleets, this.#routeNumbers),
      workers: () => this.#workers,
      learner: this.#learner,
      questions: this.#questions,
      recorder: this.#recording.recorder,
      tracing: this.#tracing,
      acme: new AcmeStatus(this.#options.program, () => this.#turns.take(this.#lookAtFiles)),
      journal: this.#journal,
      adminPort: this.#adminPort,
      guard: new Guard(() => clock.nowMs(), this.#log),
      configuration: this.#configuration,
      operating: this.#operating,
      reload: (actor) => this.#reloadFor(actor),
      preview: (texts) => this.#configuration.preview(texts),
      clock,
      startedAtMs: this.#startedAtMs,
      uptimeMs: () => clock.nowMs() - startedMs,
    };
  }

  async #apply(config: Config, wanted: ProxySettings, actor: string): Promise<void> {
    const before = this.#configuration.config;
    const { settings, needRestart } = pinSettings(this.#configuration.settings, wanted);
    for (const section of ["admin", "redis", "cluster"] as const) {
      needRestart.push(...restartsNeeded(section, this.#options.config[section], config[section]));
    }
    const traced = this.#tracing.read(config);
    this.#reserve(settings); // may throw, as may the next, and then nothing has changed
    await this.#fleets.update(toPoolPlans(config, settings.pools), actor);
    if (needRestart.length > 0) {
      this.#log.warn({ settings: needRestart }, `a restart is needed to change ${needRestart.join(", ")}`);
    }
    const { level, format } = config.log;
    if (level !== before.log.level || format !== before.log.format) {
      this.#logger.replace(createLogger({ level, format, name: "supervisor" }));
      this.#learner.setLog(level, format);
      this.#recording.recorder.setLog(level, format);
      this.#tracing.tracer.setLog(level, format);
    }
    const learnsAsBefore = isDeepStrictEqual(toLearnerSettings(config), toLearnerSettings(before));
    this.#configuration.take(config, settings);
    this.#routeNumbers.take(numbersOf(settings));
    if (this.#stopping) return;
    if (!learnsAsBefore) await this.#learner.stop(LEARNER_STOP_MS); // it begins with the new ones; nobody waits for it
    if (learns(settings)) {
      this.#learner.setPools();
      this.#startLearner(); // before workers look for its tables
    }
    // Nor may they use names that these have not been told.
    await Promise.all([this.#recording.reconfigure(before), this.#tracing.reconfigure(traced)]);
    const endpoints = this.#fleets.endpoints();
    this.#onServers(endpoints);
    const told = this.#workers?.setSettings(settings, endpoints) ?? Promise.resolve();
    this.#fleets.settle(told);
    this.#rateLimits.take(settings.rateLimits, told);
    this.#workers?.scale(workerCount(config));
    if (!learns(settings)) await this.#learner.stop(LEARNER_STOP_MS);
    this.#told = told;
    if (!config.history.enabled || traced === null) void this.#turns.take(this.#settle); // of this change they are still to hear
  }

  /** Servers came or went. */
  #onServers(endpoints: readonly Endpoint[]): void {
    this.#keepTotals();
    this.#recording.recorder.rename();
    this.#tracing.tracer.rename();
    this.#learner.setServers(named(endpoints));
  }

  /** Also of what has gone: before workers may count for others in its place. */
  #keepTotals(): void {
    const { pools, routes } = this.#configuration.settings;
    this.#totals.update();
    this.#waits.update(pools);
    this.#shownSeries.update(routes.map(({ number }) => number));
    this.#rateLimits.age();
  }

  #makeWorkers({ memoryPath, socketPath }: RuntimeDirectory): Workers {
    const { clock, workerCommand } = this.#options;
    return new Workers({
      command: workerCommand,
      memory: this.#memory,
      memoryPath,
      adminSocket: socketPath,
      settings: this.#configuration.settings,
      endpoints: this.#fleets.endpoints(),
      log: this.#log,
      events: this.#journal,
      clock: () => clock.nowMs(),
      reserveBlocks: (count) => {
        this.#pages.reserveWorkers(count);
        this.#rateLimits.reserveWorkers(count);
      },
      reclaimLimits: (index) => this.#rateLimits.reclaim(index),
      predecessors: (index) => this.#takeOver?.socketsFor(index, workerCount(this.#configuration.config)) ?? [],
    });
  }

  /** Makes room for what these need. Throws an `Error` for the operator. */
  #reserve(settings: ProxySettings): void {
    reservePages(this.#pages, settings);
    this.#rateLimits.reserve(settings.rateLimits);
  }
}
