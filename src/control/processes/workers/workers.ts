/**
 * The worker processes: starts them, keeps the wanted number alive, tells them what changed, lets them finish at the end.
 * Traffic never passes here; the numbers of the workers are in the shared memory.
 */

import type { PendingChallenge } from "../../../protocol/acme.ts";
import type { Endpoint } from "../../../protocol/endpoint.ts";
import type { ListenerSpec, ProxySettings, ToWorker, WorkerStart } from "../../../protocol/worker.ts";
import { Header, MAX_WORKERS, type SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { Events } from "../../events/events.ts";
import type { ProcessState, RestartReason } from "../keeper.ts";
import { type WorkerHost, WorkerProcess } from "./process.ts";
import { Settling } from "./settling.ts";

/** What they are made from. */
export interface WorkersOptions {
  /** Program and arguments of a worker. */
  readonly command: readonly string[];
  readonly memory: SharedMemory;
  readonly memoryPath: string;
  readonly adminSocket: string;
  readonly settings: ProxySettings;
  readonly endpoints: readonly Endpoint[];
  readonly log: Logger;
  /** Who is told of deaths. Default: nobody. */
  readonly events?: Events;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
  /** Makes room for blocks 0 … `count`-1 in the shared memory; throws when there is none. Default: there always is. */
  readonly reserveBlocks?: (count: number) => void;
  /** Gives back what a dead worker's requests had of rate limits. Default: nothing is limited. */
  readonly reclaimLimits?: (index: number) => void;
  /** Whose sockets worker `index` takes over, as `WorkerStart` has them. Default: nobody's. */
  readonly predecessors?: (index: number) => readonly string[];
  /** How often signs of life are looked for. Default 1000. */
  readonly tickMs?: number;
  /** A worker without a sign of life for this long is killed. Default 15000. */
  readonly hungAfterMs?: number;
}

/** One worker, for people. */
export interface WorkerStatus {
  readonly index: number;
  readonly pid: number;
  readonly state: ProcessState;
  readonly restarts: number;
  readonly uptimeMs: number;
}

export class Workers {
  readonly #options: WorkersOptions;
  readonly #host: WorkerHost;
  readonly #processes = new Map<number, WorkerProcess>();
  readonly #restarts: Record<RestartReason, number> = { exit: 0, hung: 0, failed: 0 };
  readonly #settling = new Settling<WorkerProcess>();
  #settings: ProxySettings;
  #endpoints: readonly Endpoint[];
  #challenges: readonly PendingChallenge[] = [];
  /** Workers that are meant to run. */
  #wanted = 0;
  #outOfMemory = false;
  /** Of the listeners, in the order of the settings: they differ from these where those are 0. */
  #ports: readonly number[] | null = null;
  #phase: "new" | "starting" | "running" | "stopping" = "new";
  #ticker: Timer | null = null;
  /** Set while the first workers start: told of each one that listens, or of the first that cannot. */
  #firstStart: { ready: () => void; failed: (sentence: string) => void } | null = null;
  /** Set while all drain: called whenever a worker has gone. */
  #onGone: () => void = () => {};

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#endpoints = options.endpoints;
    this.#host = {
      command: options.command,
      memory: options.memory,
      log: options.log,
      events: options.events,
      clock: options.clock,
      reclaimLimits: options.reclaimLimits,
      hungTicks: Math.max(1, Math.ceil((options.hungAfterMs ?? 15_000) / (options.tickMs ?? 1_000))),
      startMessage: (index) => this.#startMessage(index),
      onReady: (ports) => {
        this.#ports ??= ports;
        this.#firstStart?.ready();
      },
      onSettled: (worker) => this.#settling.answered(worker),
      onDeath: (worker, sentence, reason) => {
        this.#settling.gone(worker);
        return this.#onDeath(worker, sentence, reason);
      },
      onGone: (worker) => {
        this.#settling.gone(worker);
        if (this.#processes.get(worker.index) === worker) this.#processes.delete(worker.index);
        this.#onGone();
      },
    };
  }

  /**
   * Starts `count` workers: one first, which finds the ports, then the others together. Gives where they listen. Rejects with an `Error` made for
   * the operator when one cannot start; all are gone then.
   */
  async start(count: number): Promise<readonly ListenerSpec[]> {
    this.#phase = "starting";
    this.#options.reserveBlocks?.(count);
    this.#wanted = count;
    Atomics.store(this.#options.memory.header, Header.WORKERS, count);
    this.#ticker = setInterval(() => this.#tick(), this.#options.tickMs ?? 1_000);
    try {
      await this.#addFirst(1);
      if (count > 1) await this.#addFirst(count - 1);
    } catch (error) {
      this.kill();
      throw error;
    }
    this.#phase = "running";
    return this.#boundSettings().listeners;
  }

  /** Where is listened, with the ports that were found; null before the first worker is ready. */
  get listeners(): readonly ListenerSpec[] | null {
    return this.#ports && this.#boundSettings().listeners;
  }

  /** True while workers are missing because the shared memory cannot grow. */
  get outOfMemory(): boolean {
    return this.#outOfMemory;
  }

  /** Restarts since the start, by reason. */
  get restarts(): Readonly<Record<RestartReason, number>> {
    return this.#restarts;
  }

  status(): WorkerStatus[] {
    return [...this.#processes.values()]
      .sort((a, b) => a.index - b.index)
      .map(({ index, pid, state, restarts, uptimeMs }) => ({ index, pid, state, restarts, uptimeMs }));
  }

  /** New endpoints for every worker, also for those that start later. Resolves when those that run go by them. */
  setEndpoints(endpoints: readonly Endpoint[]): Promise<void> {
    this.#endpoints = endpoints;
    return this.#broadcast({ type: "endpoints", endpoints });
  }

  /** New settings and endpoints as one change for every worker, as `setEndpoints`. */
  setSettings(settings: ProxySettings, endpoints: readonly Endpoint[]): Promise<void> {
    this.#settings = settings;
    this.#endpoints = endpoints;
    return this.#broadcast({ type: "settings", settings: this.#boundSettings(), endpoints });
  }

  /** What CAs are to be answered, by every worker, also those that start later; as `setEndpoints`. */
  setChallenges(challenges: readonly PendingChallenge[]): Promise<void> {
    this.#challenges = challenges;
    return this.#broadcast({ type: "challenges", challenges });
  }

  /** Files that workers write logs to are opened by their names again. */
  reopenLogs(): void {
    for (const worker of this.#processes.values()) worker.send({ type: "reopen-logs" });
  }

  /** Starts workers, or lets the newest finish, until `count` are active. */
  scale(count: number): void {
    if (this.#phase !== "running") return;
    Atomics.store(this.#options.memory.header, Header.WORKERS, count);
    this.#wanted = count;
    const active = this.#active();
    for (const worker of active.slice(count)) this.#drainWorker(worker, this.#settings.shutdownTimeoutMs);
    for (let missing = count - active.length; missing > 0; missing--) this.#add();
    if (active.length >= count) this.#outOfMemory = false;
  }

  /**
   * Lets every worker finish what it has and waits for their exits; after `timeoutMs` the rest is killed.
   * Returns how many had to be killed.
   */
  async drain(timeoutMs: number): Promise<number> {
    this.#phase = "stopping";
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onGone = () => {
      if (this.#processes.size === 0) resolve();
    };
    let killed = 0;
    for (const worker of this.#processes.values()) worker.drain();
    const timer = setTimeout(() => {
      killed = this.#processes.size;
      for (const worker of this.#processes.values()) worker.kill();
    }, timeoutMs);
    if (this.#processes.size > 0) await promise;
    clearTimeout(timer);
    this.#stopTicker();
    return killed;
  }

  /** Ends all workers at once and for good. */
  kill(): void {
    this.#phase = "stopping";
    this.#stopTicker();
    for (const worker of this.#processes.values()) {
      worker.drain();
      worker.kill();
    }
  }

  #addFirst(count: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let missing = count;
    this.#firstStart = {
      ready: () => {
        if (--missing === 0) resolve();
      },
      failed: (sentence) => reject(new Error(sentence)),
    };
    for (let i = 0; i < count; i++) this.#add();
    return promise.finally(() => {
      this.#firstStart = null;
    });
  }

  #add(): void {
    let index = 0;
    while (this.#processes.has(index)) index++; // a draining worker still owns its block
    if (index >= MAX_WORKERS) {
      this.#options.log.warn(
        { max_workers: MAX_WORKERS },
        "no room for another worker until the draining ones are gone",
      );
      return;
    }
    if (!this.#makeRoom(index)) return;
    const { header } = this.#options.memory;
    if (header[Header.WORKER_BLOCKS] <= index) Atomics.store(header, Header.WORKER_BLOCKS, index + 1);
    const worker = new WorkerProcess(index, this.#host);
    this.#processes.set(index, worker);
    worker.start();
  }

  #makeRoom(index: number): boolean {
    try {
      this.#options.reserveBlocks?.(index + 1);
      this.#outOfMemory = false;
      return true;
    } catch (error) {
      if (!this.#outOfMemory) this.#options.log.error({ worker: index }, (error as Error).message);
      this.#outOfMemory = true;
      return false;
    }
  }

  #onDeath(worker: WorkerProcess, sentence: string, reason: RestartReason): boolean {
    if (this.#phase === "running") {
      this.#restarts[reason]++;
      return true;
    }
    this.#processes.delete(worker.index);
    this.#firstStart?.failed(sentence);
    return false;
  }

  #drainWorker(worker: WorkerProcess, timeoutMs: number): void {
    this.#options.log.info({ worker: worker.index, pid: worker.pid }, "worker drains: fewer workers are wanted");
    worker.drain();
    const pid = worker.pid;
    if (pid === 0) return;
    setTimeout(() => {
      if (worker.pid === pid) worker.kill();
    }, timeoutMs).unref();
  }

  #active(): WorkerProcess[] {
    return [...this.#processes.values()].filter((m) => m.state !== "draining").sort((a, b) => a.index - b.index);
  }

  #tick(): void {
    if (this.#outOfMemory) this.scale(this.#wanted);
    for (const worker of this.#processes.values()) worker.tick();
  }

  #stopTicker(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
  }

  #broadcast(message: ToWorker): Promise<void> {
    return this.#settling.sent([...this.#processes.values()].filter((worker) => worker.send(message)));
  }

  #startMessage(index: number): WorkerStart {
    const { memoryPath, adminSocket } = this.#options;
    return {
      type: "start",
      index,
      memoryPath,
      adminSocket,
      settings: this.#boundSettings(),
      endpoints: this.#endpoints,
      challenges: this.#challenges,
      predecessors: this.#options.predecessors?.(index) ?? [],
    };
  }

  /** The settings with the ports that the first worker found in place of zeros: all workers share them. */
  #boundSettings(): ProxySettings {
    const ports = this.#ports;
    if (ports === null) return this.#settings;
    const listeners = this.#settings.listeners.map((one, index) =>
      one.port === 0 ? { ...one, port: ports[index] } : one,
    );
    return { ...this.#settings, listeners };
  }
}
