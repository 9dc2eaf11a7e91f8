/**
 * One running instance: brings the fleet, the workers, the admin API and the metrics together, and changes them when the
 * configuration changes. Signals and exit codes are supervisor.ts's business.
 */
import { availableParallelism } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { LEARNED_STRATEGY } from "../../balancing/registry.ts";
import { toLearnerSettings } from "../../config/learner-settings.ts";
import { ConfigError, type EffectiveSetting, type LoadResult } from "../../config/load.ts";
import { toProxySettings } from "../../config/proxy-settings.ts";
import type { Config } from "../../config/schema.ts";
import { FileWatch } from "../../shared/file-watch.ts";
import { Header, MAX_WORKERS } from "../../shared/layout.ts";
import { createSharedMemory, removeRuntimeDirectory } from "../../shared/memory-file.ts";
import { MemoryPages } from "../../shared/memory-pages.ts";
import type { Endpoint, NamedAddress, ProxySettings } from "../../shared/protocol.ts";
import { readReadiness } from "../../shared/readiness.ts";
import { createLogger, type Logger } from "../../telemetry/log/logger.ts";
import { type ReplaceableLogger, replaceableLogger } from "../../telemetry/log/replaceable-logger.ts";
import { ServerTotalsLedger } from "../../telemetry/metrics/durations.ts";
import { Metrics } from "../../telemetry/metrics/metrics.ts";
import { AdminApi } from "../admin/api.ts";
import { LearningResponses } from "../admin/learner-responses.ts";
import { type AdminListener, listenForWorkers, listenOnAdminPort } from "../admin/listener.ts";
import type { ControlClock } from "../clock.ts";
import type { Resolver } from "../discovery/dns/resolver.ts";
import { Fleet } from "../fleet/fleet.ts";
import { InFlightAudit } from "../processes/in-flight-audit.ts";
import { Learner } from "../processes/learner.ts";
import { WorkerPool } from "../processes/worker-pool.ts";
import { DegradedWatch } from "./degraded-watch.ts";
import { toFleetOptions } from "./fleet-options.ts";
import { pinSettings, restartsNeeded } from "./pinned.ts";
import { claimPorts, type PortClaim, portsOf } from "./port-claims.ts";
import { checkPorts } from "./ports.ts";
import { claimRuntimeDirectory, type RuntimeDirectory, removeStaleRuntimeDirectories } from "./runtime-directory.ts";
import { degradedModes, describeStatus, metricsSource, type SupervisorView } from "./status.ts";

/** Totals are kept up at least so often (see ServerTotalsLedger). */
const TOTALS_INTERVAL_MS = 60_000;
/** A lost place in flight may wait for three looks; each wakes an idle process. */
const AUDIT_INTERVAL_MS = 500;
const DEGRADED_INTERVAL_MS = 1_000;
/** The learner has nothing to finish. */
const LEARNER_STOP_MS = 2_000;

/** What an instance is made from. */
export interface InstanceOptions {
  readonly config: Config;
  /** The settings in force, for people. */
  readonly effective: readonly EffectiveSetting[];
  /** Reads the configuration again. */
  readonly reload: () => LoadResult;
  readonly log: Logger;
  /** Program and arguments of a worker. */
  readonly workerCommand: readonly string[];
  /** Program and arguments of the learner. */
  readonly learnerCommand: readonly string[];
  /** Program and arguments before a command of the command line. */
  readonly program: readonly string[];
  readonly clock: ControlClock;
  /** What, added to the monotonic clock, gives the boot clock (boot-clock.ts). */
  readonly bootOffsetMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly resolver: Resolver;
  /** How often files of certificates are looked at. */
  readonly certificatePollMs: number;
}

export class SupervisorInstance {
  readonly #options: InstanceOptions;
  readonly #logger: ReplaceableLogger;
  readonly #log: Logger;
  readonly #reloads = { success: 0, failure: 0 };
  readonly #rejected = { configuration: false, certificates: false };
  readonly #files: FileWatch;
  readonly #timers: Timer[] = [];
  #config: Config;
  #effective: readonly EffectiveSetting[];
  #settings!: ProxySettings;
  #directory: RuntimeDirectory | null = null;
  #claim: PortClaim | null = null;
  #memory!: SupervisorView["memory"];
  #pages!: MemoryPages;
  #fleet!: Fleet;
  #api!: AdminApi;
  #pool: WorkerPool | null = null;
  #learner!: Learner;
  #relay: AdminListener | null = null;
  #adminPort: AdminListener | null = null;
  #stopping = false;
  /** Changes are made one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#effective = options.effective;
    this.#logger = replaceableLogger(options.log);
    this.#log = this.#logger.log;
    this.#files = new FileWatch(watchedFiles(options.config));
  }

  /** Starts everything. Throws a `ConfigError` or an `Error`, each made for the operator; call `dispose` then. */
  async start(): Promise<void> {
    const { clock, random, resolver, workerCommand } = this.#options;
    const config = this.#config;
    this.#settings = this.#readSettings(config);
    const stale = await removeStaleRuntimeDirectories(clock.wallMs());
    if (stale.length > 0) this.#log.info({ directories: stale }, "removed what a dead instance left behind");

    const directory = claimRuntimeDirectory();
    this.#directory = directory;
    this.#claim = await claimPorts(directory, portsOf(this.#settings, config.admin));
    checkPorts(this.#settings);
    this.#memory = createSharedMemory(directory.memoryPath);
    const pages = new MemoryPages(directory.memoryPath, this.#memory);
    this.#pages = pages;
    this.#learner = this.#makeLearner(directory);
    const reserveSlots = (count: number) => pages.reserveSlots(count);
    this.#fleet = new Fleet({ memory: this.#memory, log: this.#log, clock, random, resolver, reserveSlots });
    const totals = new ServerTotalsLedger(this.#memory);
    const view = this.#makeView(totals);
    this.#api = this.#makeApi(view);
    this.#relay = listenForWorkers(this.#api, directory.socketPath);
    await this.#openAdminPort(config, directory);

    await this.#fleet.start(toFleetOptions(config, this.#settings.upstreamCaPem));
    if (this.#stopping) return;
    const pool = new WorkerPool({
      command: workerCommand,
      memory: this.#memory,
      memoryPath: directory.memoryPath,
      adminSocket: directory.socketPath,
      settings: this.#settings,
      endpoints: this.#fleet.endpoints(),
      log: this.#log,
      clock: () => clock.nowMs(),
      reserveBlocks: (count) => pages.reserveWorkers(count),
    });
    this.#pool = pool;
    this.#reserveRings(this.#settings);
    if (this.#settings.strategy === LEARNED_STRATEGY) this.#learner.start();
    this.#fleet.onEndpoints((endpoints) => {
      totals.update();
      pool.setEndpoints(endpoints);
      this.#learner.setServers(named(endpoints));
    });
    const ports = await pool.start(workerCount(config));
    this.#every(TOTALS_INTERVAL_MS, () => totals.update());
    const watch = new DegradedWatch(this.#log);
    this.#every(DEGRADED_INTERVAL_MS, () => watch.tick(degradedModes(view), clock.nowMs()));
    const audit = new InFlightAudit(this.#memory);
    this.#every(AUDIT_INTERVAL_MS, () => {
      for (const fix of audit.tick()) this.#log.info(fix, "requests in flight were counted anew");
    });
    this.#every(this.#options.certificatePollMs, () => void this.#inTurn(() => this.#lookAtFiles()));
    this.#announce(ports.port, ports.tlsPort);
  }

  /** Reads the configuration again and takes it over; keeps the old one when there is anything wrong with it. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      this.#log.info("reading the configuration again");
      const loaded = this.#options.reload();
      if (!loaded.ok) {
        this.#reject(loaded.problems);
        return;
      }
      for (const warning of loaded.warnings) this.#log.warn(warning);
      try {
        this.#files.watch(watchedFiles(loaded.config)); // before they are read: no change may slip between
        await this.#apply(loaded.config, this.#readSettings(loaded.config));
      } catch (error) {
        this.#files.watch(watchedFiles(this.#config));
        this.#reject(problemsOf(error));
        return;
      }
      this.#effective = loaded.effective;
      this.#reloads.success++;
      this.#rejected.configuration = false;
      this.#log.info({ servers: this.#fleet.summary().total }, "the new configuration is in force");
    });
  }

  /** Fails readiness, lets requests finish within the time configured, and ends. Returns when all workers are gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const { shutdownTimeoutMs, shutdownGraceMs } = this.#config.app;
    const graceMs = Math.min(shutdownGraceMs, shutdownTimeoutMs);
    Atomics.store(this.#memory.header, Header.DRAINING, 1);
    this.#log.info({ timeout_ms: shutdownTimeoutMs, grace_ms: graceMs }, "stopping: requests in flight may finish");
    if (graceMs > 0) await Bun.sleep(graceMs);
    this.#claim?.release(); // the workers stop listening: a successor may begin while requests finish here
    const killed = (await this.#pool?.drain(shutdownTimeoutMs - graceMs)) ?? 0;
    if (killed > 0) this.#log.warn({ workers: killed }, "not all requests finished in time: workers were ended");
    else this.#log.info("stopped: all requests are finished");
    await this.#learner.stop(LEARNER_STOP_MS);
  }

  /** Ends whatever still runs, at once, and removes the runtime directory. Never throws. */
  async dispose(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#pool?.kill();
    this.#learner?.kill();
    this.#fleet?.stop();
    await Promise.all([this.#relay?.stop(), this.#adminPort?.stop()]);
    if (this.#directory !== null) removeRuntimeDirectory(this.#directory.path);
  }

  #makeView(totals: ServerTotalsLedger): SupervisorView {
    const { clock } = this.#options;
    const startedMs = clock.nowMs();
    return {
      memory: this.#memory,
      totals,
      fleet: this.#fleet,
      pool: () => this.#pool,
      learner: this.#learner,
      settings: () => this.#settings,
      effective: () => this.#effective,
      reloads: this.#reloads,
      rejected: this.#rejected,
      startedAtMs: clock.wallMs(),
      uptimeMs: () => clock.nowMs() - startedMs,
      wallMs: () => clock.wallMs(),
    };
  }

  #makeApi(view: SupervisorView): AdminApi {
    const metrics = new Metrics(metricsSource(view));
    const control = {
      fleet: this.#fleet,
      readiness: () => readReadiness(this.#memory),
      metrics: () => metrics.rendering(),
      prometheusEnabled: () => this.#config.app.prometheusEnabled,
      status: () => describeStatus(view),
      learning: new LearningResponses(view),
      wallMs: () => view.wallMs(),
      nowMs: () => this.#options.clock.nowMs(),
    };
    return new AdminApi(control, this.#log);
  }

  async #openAdminPort({ admin }: Config, { adminPortPath: socketPath }: RuntimeDirectory): Promise<void> {
    if (admin.port === null) return;
    const { host, port } = admin;
    const token = (): string | null => this.#config.admin.token;
    this.#adminPort = await listenOnAdminPort(this.#api, { host, port, token, socketPath });
    this.#log.info({ host, port: this.#adminPort.port }, "the admin API listens");
  }

  async #apply(config: Config, wanted: ProxySettings): Promise<void> {
    const { settings, needRestart } = pinSettings(this.#settings, wanted);
    needRestart.push(...restartsNeeded("admin", this.#options.config.admin, config.admin));
    this.#reserveRings(settings); // may throw, as may the next, and then nothing has changed
    await this.#fleet.update(toFleetOptions(config, settings.upstreamCaPem));
    if (needRestart.length > 0) {
      this.#log.warn({ settings: needRestart }, `a restart is needed to change ${needRestart.join(", ")}`);
    }
    const { level, format } = config.log;
    if (level !== this.#config.log.level || format !== this.#config.log.format) {
      this.#logger.replace(createLogger({ level, format, name: "supervisor" }));
      this.#learner.setLog(level, format);
    }
    const learnsAsBefore = isDeepStrictEqual(toLearnerSettings(config), toLearnerSettings(this.#config));
    this.#config = config;
    this.#settings = settings;
    this.#rejected.certificates = false;
    if (this.#stopping) return;
    if (!learnsAsBefore) await this.#learner.stop(LEARNER_STOP_MS); // it begins with the new ones; nobody waits for it
    if (settings.strategy === LEARNED_STRATEGY) this.#learner.start(); // before workers look for its tables
    this.#pool?.setSettings(settings);
    this.#pool?.scale(workerCount(config));
    if (settings.strategy !== LEARNED_STRATEGY) await this.#learner.stop(LEARNER_STOP_MS);
  }

  #makeLearner({ memoryPath }: RuntimeDirectory): Learner {
    const { clock, bootOffsetMs, learnerCommand, program } = this.#options;
    return new Learner({
      command: learnerCommand,
      memory: this.#memory,
      log: this.#log,
      clock: () => clock.nowMs(),
      bootOffsetMs,
      startMessage: () => {
        const { logFormat, logLevel } = this.#settings;
        const settings = toLearnerSettings(this.#config);
        const servers = named(this.#fleet.endpoints());
        return { type: "start", memoryPath, logFormat, logLevel, settings, program, servers };
      },
    });
  }

  #reserveRings({ strategy }: ProxySettings): void {
    if (strategy === LEARNED_STRATEGY) this.#pages.reserveRings();
  }

  /** Certificates are replaced file by file: what does not fit together yet is looked at again until it does. */
  async #lookAtFiles(): Promise<void> {
    if (!this.#files.changed() && !this.#rejected.certificates) return;
    try {
      await this.#apply(this.#config, this.#readSettings(this.#config));
      this.#log.info("certificates were replaced");
    } catch (error) {
      if (this.#rejected.certificates) return;
      this.#rejected.certificates = true;
      for (const problem of problemsOf(error)) this.#log.error(`changed certificates are not used: ${problem}`);
    }
  }

  #readSettings(config: Config): ProxySettings {
    return toProxySettings(config, {
      nowMs: this.#options.clock.wallMs(),
      warn: (sentence) => this.#log.warn(sentence),
    });
  }

  #reject(problems: readonly string[]): void {
    this.#reloads.failure++;
    this.#rejected.configuration = true;
    for (const problem of problems) this.#log.error(problem);
    this.#log.error({ problems: problems.length }, "the new configuration is rejected; the old one stays in force");
  }

  #announce(port: number, tlsPort: number): void {
    const { host, strategy, tls } = this.#settings;
    const { total } = this.#fleet.summary();
    const workers = workerCount(this.#config);
    const fields = { host, port, tls_port: tls === null ? undefined : tlsPort, workers, servers: total, strategy };
    const sentence = `balancing over ${total} ${total === 1 ? "server" : "servers"} on port ${port}`;
    if (total > 0) {
      this.#log.info(fields, sentence);
      return;
    }
    const unresolved = this.#fleet.unresolved();
    const why = unresolved.length === 0 ? "" : `: no address is known yet for ${unresolved.join(", ")}`;
    this.#log.warn({ ...fields, unresolved }, `${sentence}${why}; requests get 503 until there is a server`);
  }

  #every(intervalMs: number, work: () => void): void {
    this.#timers.push(setInterval(work, intervalMs));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      if (!this.#stopping) await work();
    });
    return this.#turn;
  }
}

/** The sentences of an error made for the operator. */
export function problemsOf(error: unknown): readonly string[] {
  return error instanceof ConfigError ? error.problems : [(error as Error).message];
}

function named(endpoints: readonly Endpoint[]): NamedAddress[] {
  return endpoints.map(({ id, url, address }) => ({ id, url, address }));
}

function workerCount({ app }: Config): number {
  if (app.workers > 0) return app.workers;
  // Elsewhere the kernel does not spread connections over sockets that share a port.
  return process.platform === "linux" ? Math.min(availableParallelism(), MAX_WORKERS) : 1;
}

function watchedFiles({ tls, upstream }: Config): readonly string[] {
  const { certFiles, keyFiles } = tls;
  return [...(certFiles ?? []), ...(keyFiles ?? []), ...(upstream.caFile === null ? [] : [upstream.caFile])];
}
