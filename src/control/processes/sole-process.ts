/**
 * A process of which an instance has one while it is wanted, such as the learner: started, looked at, stopped, and started
 * again. How it is kept alive meanwhile is its keeper's business.
 */
import { type KeeperHost, ProcessKeeper, type ProcessState, type RestartReason } from "./keeper.ts";

/** For people. */
export interface SoleProcessStatus {
  readonly pid: number;
  readonly state: ProcessState;
  readonly restarts: number;
  readonly uptimeMs: number;
}

/** As the HTTP API shows it. */
export interface ShownProcess {
  readonly pid: number;
  readonly state: ProcessState;
  readonly restarts: number;
  readonly uptime_seconds: number;
  readonly rss_bytes: number;
}

/** As `GET /api/v1/status` has it; `null` while it is not meant to run. @param rssBytes what it says that it takes. */
export function describeProcess(status: SoleProcessStatus | null, rssBytes: number): ShownProcess | null {
  if (status === null) return null;
  const { pid, state, restarts, uptimeMs } = status;
  return { pid, state, restarts, uptime_seconds: Math.round(uptimeMs / 1000), rss_bytes: rssBytes };
}

/** What must be known of it, and who is told what happens. */
export interface SoleProcessHost<To, From extends { readonly type: string }>
  extends Omit<KeeperHost<To, From>, "hungTicks" | "fields" | "reclaim" | "onReady" | "onDeath" | "onGone"> {
  /** How often a sign of life is looked for, milliseconds. */
  readonly tickMs: number;
  /** Without one for this long it is killed. */
  readonly hungAfterMs: number;
  /** A process is gone: gives back what it held. @param succeeded another one was started meanwhile. */
  reclaim(succeeded: boolean): void;
  onReady(keeper: ProcessKeeper<To, From>): void;
  /** It could not start or died. */
  onDeath?(): void;
}

/** See the top of this file. */
export class SoleProcess<To, From extends { readonly type: string }> {
  readonly #host: SoleProcessHost<To, From>;
  readonly #restarts: Record<RestartReason, number> = { exit: 0, hung: 0, failed: 0 };
  #keeper: ProcessKeeper<To, From> | null = null;
  /** Called when one that was stopped has gone. */
  #gone: () => void = () => {};
  #ticker: Timer | null = null;

  constructor(host: SoleProcessHost<To, From>) {
    this.#host = host;
  }

  /** What is meant to run; `null` while nothing is. */
  get keeper(): ProcessKeeper<To, From> | null {
    return this.#keeper;
  }

  /** Over all that ran. */
  get restarts(): Readonly<Record<RestartReason, number>> {
    return this.#restarts;
  }

  /** `null` while it is not meant to run. */
  get status(): SoleProcessStatus | null {
    if (this.#keeper === null) return null;
    const { pid, state, restarts, uptimeMs } = this.#keeper;
    return { pid, state, restarts, uptimeMs };
  }

  start(): void {
    if (this.#keeper !== null) return;
    this.#keeper = this.#makeKeeper();
    this.#keeper.start();
    this.#ticker = setInterval(() => this.#keeper?.tick(), this.#host.tickMs);
  }

  /** Lets it end, and resolves when it is gone; after `timeoutMs` it is killed. Wait for it before it is started again. */
  async stop(timeoutMs: number): Promise<void> {
    const keeper = this.#keeper;
    if (keeper === null) return;
    this.#forget();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gone = resolve;
    keeper.drain();
    const timer = setTimeout(() => keeper.kill(), timeoutMs);
    await promise;
    clearTimeout(timer);
  }

  /** Ends it at once and for good. */
  kill(): void {
    const keeper = this.#keeper;
    this.#forget();
    keeper?.drain();
    keeper?.kill();
  }

  #makeKeeper(): ProcessKeeper<To, From> {
    const { tickMs, hungAfterMs, ...host } = this.#host;
    const keeper: ProcessKeeper<To, From> = new ProcessKeeper<To, From>({
      ...host,
      hungTicks: Math.max(1, Math.ceil(hungAfterMs / tickMs)),
      fields: {},
      reclaim: () => {
        host.reclaim(this.#keeper !== null && this.#keeper !== keeper);
        return {};
      },
      onReady: () => host.onReady(keeper),
      onDeath: (_sentence, reason) => {
        host.onDeath?.();
        this.#restarts[reason]++;
        return this.#keeper === keeper;
      },
      onGone: () => this.#gone(),
    });
    return keeper;
  }

  /** From here on it is not meant to run. */
  #forget(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
    this.#keeper = null;
  }
}
