/**
 * Keeps one process of ours alive, a worker, the learner or the recorder: it restarts it when it dies, ends it when it hangs, and has
 * what a dead one held in the shared memory given back.
 */
import type { LogFields, Logger } from "../../telemetry/log/logger.ts";
import { type Events, NO_EVENTS } from "../events/events.ts";
import { CrashBackoff } from "./backoff.ts";
import { ChildProcess, type ProcessExit } from "./child-process.ts";

/**
 * `starting` until it says that it is ready, `ready`, `waiting` for its restart in a crash loop, `draining` until it has gone
 * for good, `gone`.
 */
export type ProcessState = "starting" | "ready" | "waiting" | "draining" | "gone";

/** Why a process was started again. */
export type RestartReason = "exit" | "hung" | "failed";

/** The part of its messages that every process of ours has. */
type Told = { readonly type: "ready" } | { readonly type: "failed"; readonly message: string };

/** Every process of ours can be told to finish. */
type Order<To> = To | { readonly type: "drain" };

/** What a keeper must know of the kind of process, and whom it tells what happens. */
export interface KeeperHost<To, From> {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly log: Logger;
  /** Who is told of its deaths, and when it works again. Default: nobody. */
  readonly events?: Events;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
  /** Checks without a sign of life after which it counts as hung. */
  readonly hungTicks: number;
  /** `worker`: lines of the log are about one. */
  readonly kind: string;
  /** `worker 3`, `the learner`. */
  readonly name: string;
  /** On every line of the log. */
  readonly fields: LogFields;
  /** The message that starts it, with what is known now. */
  startMessage(): To;
  /** A number that changes while it is alive. */
  heartbeat(): number;
  /** It has said that what it does may take all its time: then silence says nothing. */
  isExcused?(): boolean;
  /** Its process is gone: gives back what it held. Returns what is to be said of it. */
  reclaim(): LogFields;
  onReady(message: Extract<From, { readonly type: "ready" }>): void;
  /** Any message but `ready` and `failed`. */
  onMessage?(message: From): void;
  /** It could not start or died. Returns false when it is not to be started again. */
  onDeath(sentence: string, reason: RestartReason): boolean;
  /** A draining process has exited. */
  onGone(): void;
}

/**
 * A process that starts gets so many times longer until it counts as hung. Loading its code takes a second of CPU time, which
 * may be many on a machine with other work; who is killed for that starts again and again, and never gets there.
 */
const STARTING_FACTOR = 6;

export class ProcessKeeper<To, From extends { readonly type: string }> {
  readonly #host: KeeperHost<Order<To>, From>;
  readonly #backoff = new CrashBackoff();
  #state: ProcessState = "starting";
  #process: ChildProcess<Order<To>, From> | null = null;
  #startedAtMs = 0;
  #timer: Timer | null = null;
  #failure: string | null = null;
  #hung = false;
  #lastHeartbeat = 0;
  #silentTicks = 0;
  #restarts = 0;

  constructor(host: KeeperHost<Order<To>, From>) {
    this.#host = host;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** Process id; 0 while there is no process. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Checks in a row that found no sign of life. */
  get silentTicks(): number {
    return this.#silentTicks;
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
      this.#process = new ChildProcess(this.#host.command, this.#host.startMessage(), {
        onMessage: (message: From) => this.#onMessage(message),
        onExit: (exit) => this.#onExit(exit),
        printed: this.#host,
      });
    } catch (error) {
      this.#failure = `cannot be spawned: ${(error as Error).message}`;
      this.#onExit({ code: null, signal: null });
    }
  }

  /** False when there is nobody to tell. */
  send(message: Order<To>): boolean {
    return this.#process?.send(message) ?? false;
  }

  /** Lets it finish what it has; `onGone` follows when it has exited. It is not started again. */
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
   * Looks for a sign of life: its heartbeat must move, unless it is excused. It is counted in checks, not in time, so that neither a jump of the
   * clock nor a machine that slept makes every process look dead.
   */
  tick(): void {
    if (this.#process === null || this.#hung) return;
    if (this.#process.connected && this.#host.isExcused?.() === true) {
      this.#silentTicks = 0;
      return;
    }
    const heartbeat = this.#host.heartbeat();
    const alive = this.#process.connected && heartbeat !== this.#lastHeartbeat;
    this.#lastHeartbeat = heartbeat;
    this.#silentTicks = alive ? 0 : this.#silentTicks + 1;
    const { hungTicks } = this.#host;
    if (this.#silentTicks < (this.#state === "starting" ? hungTicks * STARTING_FACTOR : hungTicks)) return;
    this.#hung = true;
    const { log, fields, kind } = this.#host;
    log.error({ ...fields, pid: this.pid }, `${kind} hangs: no sign of life, killing it`);
    this.#process.kill();
  }

  #onMessage(message: From): void {
    const told = message as unknown as Told;
    if (told.type === "failed") {
      this.#failure = told.message;
      return;
    }
    if (told.type !== "ready") {
      this.#host.onMessage?.(message);
      return;
    }
    if (this.#state === "draining") {
      this.send({ type: "drain" }); // it was told before it was ready
      return;
    }
    this.#state = "ready";
    this.#silentTicks = 0; // to say so is a sign of life; what it had to be silent for its start ends here
    if (this.#restarts > 0) this.#note(`${this.#host.name} runs again`, { pid: this.pid });
    this.#host.onReady(message as Extract<From, { readonly type: "ready" }>);
  }

  #onExit(exit: ProcessExit): void {
    const { log, kind, name, fields } = this.#host;
    const pid = this.pid;
    const ranMs = this.#host.clock() - this.#startedAtMs;
    this.#process = null;
    const lost = this.#host.reclaim();
    if (this.#state === "draining") {
      if (exit.code !== 0) {
        log.warn({ ...fields, pid, ...exit, ...lost }, `${kind} died while draining`);
        this.#note(`${name} died while draining`, { pid, ...exit, ...lost });
      }
      this.#gone();
      return;
    }
    const how = exit.signal === null ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
    const sentence = this.#failure ?? `${name} ${how}`;
    const reason: RestartReason = this.#hung ? "hung" : this.#failure !== null ? "failed" : "exit";
    this.#state = "waiting";
    if (!this.#host.onDeath(sentence, reason)) {
      this.#state = "gone";
      return;
    }
    const delayMs = this.#backoff.nextDelayMs(ranMs);
    this.#restarts++;
    const detail = { pid, ...exit, ran_ms: Math.round(ranMs), ...lost, restart_in_ms: delayMs };
    log.error({ ...fields, ...detail }, `${kind} died: ${sentence}`);
    this.#note(`${kind} died: ${sentence}`, { ...detail, reason });
    if (delayMs === 0) this.start();
    else this.#timer = setTimeout(() => this.start(), delayMs);
  }

  #note(message: string, detail: LogFields): void {
    const { events = NO_EVENTS, name } = this.#host;
    events.note({ kind: "process", message, detail: { process: name, ...detail } });
  }

  #gone(): void {
    this.#state = "gone";
    this.#host.onGone();
  }
}
