/**
 * One place in the worker pool: keeps a worker process with its index alive. It restarts it when it dies, ends it when it
 * hangs, and gives back what a dead one held in the shared memory.
 */
import { type SharedMemory, WorkerCounter } from "../shared/layout.ts";
import type { FromWorker, ToWorker, WorkerStart } from "../shared/protocol.ts";
import type { Logger } from "../telemetry/logger.ts";
import { CrashBackoff } from "./worker-pool-backoff.ts";
import { type WorkerExit, WorkerProcess } from "./worker-pool-process.ts";
import { reclaimWorkerBlock } from "./worker-pool-reclaim.ts";

/**
 * `starting` until it listens, `ready`, `waiting` for its restart in a crash loop, `draining` until it has gone for good,
 * `gone`.
 */
export type MemberState = "starting" | "ready" | "waiting" | "draining" | "gone";

/** Why a worker was started again. */
export type RestartReason = "exit" | "hung" | "failed";

/** What a member needs of its pool. */
export interface MemberHost {
  readonly command: readonly string[];
  readonly memory: SharedMemory;
  readonly log: Logger;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
  /** Checks without a sign of life after which a worker counts as hung. */
  readonly hungTicks: number;
  /** The message that starts worker `index` with what is known now. */
  startMessage(index: number): WorkerStart;
  onReady(member: Member, port: number, tlsPort: number): void;
  /** A worker could not start or died. Returns false when it is not to be started again. */
  onDeath(member: Member, sentence: string, reason: RestartReason): boolean;
  /** A draining worker has exited. */
  onGone(member: Member): void;
}

export class Member {
  readonly index: number;
  readonly #host: MemberHost;
  readonly #backoff = new CrashBackoff();
  #state: MemberState = "starting";
  #process: WorkerProcess | null = null;
  #startedAtMs = 0;
  #timer: Timer | null = null;
  #failure: string | null = null;
  #hung = false;
  #lastHeartbeat = 0;
  #silentTicks = 0;
  #restarts = 0;

  constructor(index: number, host: MemberHost) {
    this.index = index;
    this.#host = host;
  }

  get state(): MemberState {
    return this.#state;
  }

  /** Process id; 0 while there is no process. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Milliseconds since the process was spawned; 0 while there is none. */
  get uptimeMs(): number {
    return this.#process === null ? 0 : this.#host.clock() - this.#startedAtMs;
  }

  start(): void {
    this.#state = "starting";
    this.#timer = null;
    this.#failure = null;
    this.#hung = false;
    this.#silentTicks = 0;
    this.#startedAtMs = this.#host.clock();
    try {
      this.#process = new WorkerProcess(this.#host.command, this.#host.startMessage(this.index), {
        onMessage: (message) => this.#onMessage(message),
        onExit: (exit) => this.#onExit(exit),
      });
    } catch (error) {
      this.#failure = `cannot be spawned: ${(error as Error).message}`;
      this.#onExit({ code: null, signal: null });
    }
  }

  send(message: ToWorker): void {
    this.#process?.send(message);
  }

  /** Lets the worker finish what it has; `onGone` follows when it has exited. It is not started again. */
  drain(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#process === null) {
      this.#gone();
      return;
    }
    this.#state = "draining";
    this.send({ type: "drain" });
  }

  /** Ends the process at once (SIGKILL). */
  kill(): void {
    this.#process?.kill();
  }

  /**
   * Looks for a sign of life: the worker's heartbeat must move. It is counted in checks, not in time, so that neither a
   * jump of the clock nor a machine that slept makes every worker look dead.
   */
  tick(): void {
    if (this.#process === null || this.#hung) return;
    const heartbeat = this.#host.memory.workers[this.index].counters[WorkerCounter.HEARTBEAT_MS];
    const alive = this.#process.connected && heartbeat !== this.#lastHeartbeat;
    this.#lastHeartbeat = heartbeat;
    this.#silentTicks = alive ? 0 : this.#silentTicks + 1;
    if (this.#silentTicks < this.#host.hungTicks) return;
    this.#hung = true;
    this.#host.log.error({ worker: this.index, pid: this.pid }, "worker hangs: no sign of life, killing it");
    this.#process.kill();
  }

  #onMessage(message: FromWorker): void {
    if (message.type === "failed") {
      this.#failure = message.message;
      return;
    }
    if (message.type !== "ready") return;
    if (this.#state === "draining") {
      this.send({ type: "drain" }); // it was told before it listened
      return;
    }
    this.#state = "ready";
    this.#host.log.info({ worker: this.index, worker_pid: this.pid, port: message.port }, "worker ready");
    this.#host.onReady(this, message.port, message.tlsPort);
  }

  #onExit(exit: WorkerExit): void {
    const pid = this.pid;
    const ranMs = this.#host.clock() - this.#startedAtMs;
    this.#process = null;
    const lost = reclaimWorkerBlock(this.#host.memory, this.index);
    if (this.#state === "draining") {
      if (exit.code !== 0) {
        this.#host.log.warn({ worker: this.index, pid, ...exit, requests_lost: lost }, "worker died while draining");
      }
      this.#gone();
      return;
    }
    const how = exit.signal === null ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
    const sentence = this.#failure ?? `worker ${this.index} ${how}`;
    const reason: RestartReason = this.#hung ? "hung" : this.#failure !== null ? "failed" : "exit";
    this.#state = "waiting";
    if (!this.#host.onDeath(this, sentence, reason)) {
      this.#state = "gone";
      return;
    }
    const delayMs = this.#backoff.nextDelayMs(ranMs);
    this.#restarts++;
    this.#host.log.error(
      { worker: this.index, pid, ...exit, ran_ms: Math.round(ranMs), requests_lost: lost, restart_in_ms: delayMs },
      `worker died: ${sentence}`,
    );
    if (delayMs === 0) this.start();
    else this.#timer = setTimeout(() => this.start(), delayMs);
  }

  #gone(): void {
    this.#state = "gone";
    this.#host.onGone(this);
  }
}
