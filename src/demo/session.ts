/** A run of the demo: start the servers, the balancer and the traffic; show; stop all; sum up. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchFleetReport, type ServerReport, TrafficWindow } from "../load/fleet-report.ts";
import { RollingStats } from "../load/rolling-stats.ts";
import { DEMO_SOCKET } from "../shared/live/demo.ts";
import { visible } from "../shared/visible-text.ts";
import { BACKENDS, Backends, RESTART_AFTER_MS, untilResponds } from "./backends.ts";
import { Buttons } from "./buttons.ts";
import { Child } from "./child.ts";
import { Disturbances } from "./disturbances.ts";
import { findPort } from "./ports.ts";
import type { Screen } from "./screen.ts";
import type { DemoSummary } from "./summary.ts";
import { Traffic } from "./traffic.ts";
import type { DemoView, ServerView } from "./view.ts";

const WINDOW_MS = 3000;
const POLL_EVERY_MS = 250;
const BALANCER_STARTED_WITHIN_MS = 30_000;
/** Responses that are due when the traffic ends are waited for so long. */
const LAST_RESPONSES_MS = 5000;
const STOP_GRACE_MS = 8000;
const EVENTS_KEPT = 50;
const HISTORY_SECONDS = 60;
const CLIENTS = 8;
/** Of the admin port, where it is free. */
const ADMIN_PORT = 8090;

/** What the demo is to do. */
export interface DemoOptions {
  /** Port of the balancer where it is free; 0 = any, and the servers' ports with it. */
  readonly port: number;
  readonly strategy: string;
  /** Requests per second. */
  readonly perSecond: number;
  readonly workers: number;
  /** Ends by itself after so long; `null` = runs until `stop` aborts. */
  readonly seconds: number | null;
  /** Says what happens before there is a screen. */
  readonly say: (text: string) => void;
  readonly openScreen: () => Screen;
  readonly stop: AbortSignal;
  readonly random: () => number;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

/**
 * Runs the demo to its end and stops every process that it started, also when it throws. Resolves with `null` when it
 * was stopped before there was traffic. Rejects with a sentence for the user when a process does not start or the
 * balancer dies.
 */
export async function runDemo(options: DemoOptions): Promise<DemoSummary | null> {
  const session = new DemoSession(options);
  try {
    return await session.run();
  } finally {
    await session.close();
  }
}

class DemoSession {
  readonly #options: DemoOptions;
  readonly #cwd = mkdtempSync(join(tmpdir(), "neurabalancer-demo-"));
  readonly #disturbances = new Disturbances();
  readonly #window = new TrafficWindow(WINDOW_MS);
  readonly #events: { atMs: number; text: string }[] = [];
  readonly #failures: Record<string, number> = {};
  readonly #p99History: number[] = [];
  readonly #backends: Backends;
  #startedMs = 0;
  #stats = new RollingStats(0, WINDOW_MS);
  #balancer: Child | undefined;
  #traffic: Traffic | undefined;
  #buttons: Buttons | undefined;
  #url = "";
  #pageUrl = "";
  #reports: readonly ServerReport[] = [];

  constructor(options: DemoOptions) {
    this.#options = options;
    this.#backends = new Backends(
      {
        onDeath: (name, pid, ending) => {
          this.#disturbances.begin(name, options.nowMs());
          this.#tell(
            `${name} (pid ${pid}) was ended by ${ending}; the demo restarts it in ${RESTART_AFTER_MS / 1000} s`,
          );
        },
        onRestart: (name, pid) =>
          this.#tell(`${name} runs again as pid ${pid}; it returns when its health checks pass`),
        onRestartFailed: (name, problem) => this.#tell(`${name} could not be restarted: ${problem.split("\n")[0]}`),
      },
      this.#cwd,
    );
  }

  async run(): Promise<DemoSummary | null> {
    const { stop, nowMs } = this.#options;
    const stopped = new Promise<"stopped">((resolve) => {
      if (stop.aborted) resolve("stopped");
      stop.addEventListener("abort", () => resolve("stopped"), { once: true });
    });
    if ((await Promise.race([this.#startAll(), stopped])) === "stopped") return null;

    this.#startedMs = nowMs();
    this.#stats = new RollingStats(this.#startedMs, WINDOW_MS);
    this.#traffic = new Traffic({
      url: this.#url,
      perSecond: this.#options.perSecond,
      clients: CLIENTS,
      stats: this.#stats,
      onFailure: (atMs, reason, onPurpose) => {
        if (!onPurpose) this.#disturbances.failure(atMs);
        this.#failures[reason] = (this.#failures[reason] ?? 0) + 1;
      },
      random: this.#options.random,
      nowMs,
    });
    const screen = this.#options.openScreen();
    try {
      await this.#watchUntilTheEnd(screen);
    } finally {
      screen.close();
    }
    await this.#traffic.stop(LAST_RESPONSES_MS);
    const seconds = (nowMs() - this.#startedMs) / 1000;
    await this.#pollUntilCounted();
    return this.#summary(Math.round(seconds * 100) / 100);
  }

  /** Stops every process, in the order in which no request is lost. */
  async close(): Promise<void> {
    await this.#traffic?.stop(0);
    await this.#balancer?.stop(STOP_GRACE_MS);
    this.#buttons?.stop();
    await this.#backends.stop(STOP_GRACE_MS);
    rmSync(this.#cwd, { recursive: true, force: true });
  }

  async #startAll(): Promise<void> {
    const { port, strategy, workers, say, random, stop } = this.#options;
    const balancerPort = findPort([port], new Set(), random);
    if (port > 0 && balancerPort !== port) say(`Port ${port} is taken: using ${balancerPort} instead.`);
    this.#url = `http://127.0.0.1:${balancerPort}`;
    say(`Starting ${BACKENDS.length} servers and the balancer on ${this.#url} …`);
    const taken = new Set([balancerPort]);
    const adminPort = findPort(port > 0 ? [ADMIN_PORT] : [], taken, random);
    taken.add(adminPort);
    await this.#backends.start(port > 0, taken, random);
    if (stop.aborted) return;
    const socket = join(this.#cwd, "demo.sock");
    this.#buttons = this.#makeButtons(socket);
    const child = new Child({
      args: ["serve"],
      cwd: this.#cwd,
      env: {
        APP_HOST: "127.0.0.1",
        APP_PORT: String(balancerPort),
        ADMIN_HOST: "127.0.0.1",
        ADMIN_PORT: String(adminPort),
        [DEMO_SOCKET]: socket,
        // What it keeps of its traffic ends with it.
        DATA_DIR: join(this.#cwd, "data"),
        LB_STRATEGY: strategy,
        SERVERS: this.#backends
          .list()
          .map((server) => server.url)
          .join(","),
        WORKERS: String(workers),
        // Every client comes from 127.0.0.1: consistent_hash tells them apart by name.
        ...(strategy === "consistent_hash" && { HASH_ON: "header:user-agent" }),
        ACCESS_LOG: "off",
        LOG_FORMAT: "text",
        HEALTH_CHECK_INTERVAL_SECONDS: "1",
        HEALTH_CHECK_TIMEOUT_SECONDS: "1",
        HEALTH_CHECK_RETRIES: "2",
        SLOW_START_SECONDS: "5",
        RESPONSE_HEAD_TIMEOUT_MS: "4000",
        SHUTDOWN_TIMEOUT_SECONDS: "4",
      },
    });
    this.#balancer = child;
    await untilResponds(child, "the balancer", BALANCER_STARTED_WITHIN_MS, async () => {
      const response = await fetch(`${this.#url}/health/ready`, { signal: AbortSignal.timeout(1000) });
      return response.ok && ((await response.json()) as { healthy: number }).healthy === BACKENDS.length;
    });
    this.#pageUrl = `http://127.0.0.1:${adminPort}/`;
    say(`See it, and make trouble: ${this.#pageUrl}`);
  }

  #makeButtons(path: string): Buttons {
    const { perSecond, nowMs } = this.#options;
    return new Buttons({
      path,
      backends: this.#backends,
      usualRate: perSecond,
      rate: () => this.#traffic?.rate ?? perSecond,
      setRate: (rate) => {
        // More than the servers can take fails, and is meant to.
        if (rate > perSecond) this.#disturbances.begin("traffic", nowMs());
        else this.#disturbances.end("traffic", nowMs());
        this.#traffic?.setRate(rate);
      },
      onOrder: (said) => this.#tell(said),
    });
  }

  async #watchUntilTheEnd(screen: Screen): Promise<void> {
    const { stop, nowMs, seconds } = this.#options;
    const endMs = seconds === null ? Number.POSITIVE_INFINITY : this.#startedMs + seconds * 1000;
    let showMs = this.#startedMs + screen.everyMs;
    let secondsSeen = 0;
    while (!stop.aborted && nowMs() < endMs) {
      await this.#poll();
      if (!this.#balancer!.running) {
        throw new Error(`the balancer ended (${this.#balancer!.ending}).\n${this.#balancer!.output}`);
      }
      const elapsedSeconds = Math.floor((nowMs() - this.#startedMs) / 1000);
      if (elapsedSeconds > secondsSeen) {
        secondsSeen = elapsedSeconds;
        this.#p99History.push(this.#stats.window(nowMs(), 1000).p99Ms);
        this.#p99History.splice(0, this.#p99History.length - HISTORY_SECONDS);
      }
      if (nowMs() >= showMs) {
        screen.show(this.#view());
        showMs = Math.max(showMs + screen.everyMs, nowMs());
      }
      await Bun.sleep(Math.max(0, Math.min(POLL_EVERY_MS, endMs - nowMs())));
    }
  }

  /** The balancer adds its workers' counters up every so often: the last requests show a moment later. */
  async #pollUntilCounted(): Promise<void> {
    for (let attempt = 0; attempt < 8; attempt++) {
      await this.#poll();
      if (this.#proxied() >= this.#stats.succeeded) return;
      await Bun.sleep(POLL_EVERY_MS);
    }
  }

  #proxied(): number {
    return this.#reports.reduce((sum, report) => sum + report.requests, 0);
  }

  /** Asks the balancer for its servers, and tells of each that changed its state. */
  async #poll(): Promise<void> {
    const { nowMs } = this.#options;
    let reports: readonly ServerReport[];
    try {
      reports = await fetchFleetReport(this.#url);
    } catch {
      return; // late or gone: the view keeps what it has, and a balancer that ended is noticed by its exit
    }
    this.#window.add(nowMs(), reports);
    const before = this.#reports;
    this.#reports = reports;
    for (const server of this.#backends.list()) {
      const was = before.find((report) => report.url === server.url)?.state;
      const now = reports.find((report) => report.url === server.url);
      if (now?.state !== "up") this.#disturbances.begin(server.name, nowMs());
      else if (server.pid !== null) this.#disturbances.end(server.name, nowMs());
      if (!now || was === undefined || was === now.state) continue;
      if (now.state === "up") {
        this.#tell(`${server.name} is well again: it gets requests, a few at first`);
      } else {
        const effect = was === "up" ? ", its traffic goes to the others" : "";
        this.#tell(`${server.name} is ${now.state}${effect}${now.reason && ` (${now.reason})`}`);
      }
    }
  }

  #tell(text: string): void {
    this.#events.push({ atMs: this.#options.nowMs() - this.#startedMs, text: visible(text) });
    this.#events.splice(0, this.#events.length - EVENTS_KEPT);
  }

  #view(): DemoView {
    const { nowMs, strategy, workers, seconds } = this.#options;
    const stats = this.#stats;
    const traffic = this.#window.traffic();
    const servers = this.#backends.list().map((server): ServerView => {
      const report = this.#reports.find((one) => one.url === server.url);
      const recent = traffic.get(server.url);
      return {
        ...server,
        state: server.pid === null ? "killed" : (report?.state ?? "unknown"),
        share: recent?.share ?? Number.NaN,
        perSecond: recent?.perSecond ?? 0,
        inFlight: report?.inFlight ?? 0,
        p95Ms: report?.p95Ms ?? null,
        cpuPercent: server.pid === null ? null : (report?.cpuPercent ?? null),
      };
    });
    return {
      url: this.#url,
      pageUrl: this.#pageUrl,
      strategy,
      workers,
      balancerPid: this.#balancer!.pid,
      elapsedMs: nowMs() - this.#startedMs,
      endsAtMs: seconds === null ? null : seconds * 1000,
      ...stats.window(nowMs()),
      p99History: this.#p99History,
      succeeded: stats.succeeded,
      failed: stats.failed,
      servers,
      events: this.#events,
    };
  }

  #summary(seconds: number): DemoSummary {
    const stats = this.#stats;
    const orNull = (value: number) => (Number.isNaN(value) ? null : Math.round(value * 100) / 100);
    const total = this.#proxied();
    return {
      strategy: this.#options.strategy,
      url: this.#url,
      seconds,
      requests: stats.succeeded + stats.failed,
      succeeded: stats.succeeded,
      failed: stats.failed,
      failed_unexplained: this.#disturbances.unexplained(),
      failures: this.#failures,
      p50_ms: orNull(stats.quantile(0.5)),
      p99_ms: orNull(stats.quantile(0.99)),
      servers: this.#backends.list().map(({ name, url, pid }) => {
        const report = this.#reports.find((one) => one.url === url);
        const requests = report?.requests ?? 0;
        const state = pid === null ? "killed" : (report?.state ?? "unknown");
        return { name, url, share: total > 0 ? requests / total : 0, requests, state };
      }),
    };
  }
}
