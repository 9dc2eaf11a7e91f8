/**
 * A process that reads what workers write into rings, as the supervisor sees it: runs while it is wanted, is started again when
 * it dies or hangs, and is told what numbers in records mean. Requests never wait for it: a successor goes on where it ended.
 */
import { isDeepStrictEqual } from "node:util";
import type { RestartReason } from "./keeper.ts";
import { SoleProcess, type SoleProcessHost, type SoleProcessStatus } from "./sole-process.ts";

/** One that is still starting after this is missed: before, nothing is lost, because the rings hold what it will read. */
const STARTED_WITHIN_MS = 10_000;
/** Checks without a sign of life after which it is taken for away. */
const SILENT_TICKS = 3;

/** What each of them is told beside what is its own. */
export type ToRingReader<Names> =
  | { readonly type: "names"; readonly names: Names }
  | { readonly type: "log"; readonly level: string; readonly format: "json" | "text" };

/** What must be known of it. */
export interface RingReaderHost<Own, Names, From extends { readonly type: string }>
  extends Omit<SoleProcessHost<Own | ToRingReader<Names>, From>, "startMessage" | "name" | "isExcused" | "onDeath"> {
  /** `recorder`. */
  readonly kind: string;
  startMessage(names: Names): Own;
  /** What numbers in records mean now. */
  names(): Names;
  /** It says itself that what it reads does not get to where it belongs. */
  isFailing(): boolean;
}

/** See the top of this file. */
export class RingReader<Own, Names, From extends { readonly type: string }> {
  readonly #host: RingReaderHost<Own, Names, From>;
  readonly #process: SoleProcess<Own | ToRingReader<Names>, From>;
  /** What it was told last. */
  #said: Names | null = null;

  constructor(host: RingReaderHost<Own, Names, From>) {
    const { command, log, events, clock, kind, tickMs, hungAfterMs } = host;
    this.#host = host;
    this.#process = new SoleProcess({
      command,
      log,
      events,
      clock,
      kind,
      tickMs,
      hungAfterMs,
      name: `the ${kind}`,
      startMessage: () => host.startMessage(this.#names()),
      heartbeat: () => host.heartbeat(),
      reclaim: (succeeded) => host.reclaim(succeeded),
      onReady: (keeper) => {
        log.info({ [`${kind}_pid`]: keeper.pid }, `${kind} ready`);
        host.onReady(keeper);
      },
      onMessage: (message) => host.onMessage?.(message),
    });
  }

  /** It is meant to run. */
  get running(): boolean {
    return this.#process.keeper !== null;
  }

  get restarts(): Readonly<Record<RestartReason, number>> {
    return this.#process.restarts;
  }

  /** `null` while it is not meant to run. */
  get status(): SoleProcessStatus | null {
    return this.#process.status;
  }

  /** It reads what workers write, and what it reads gets to where it belongs. */
  get up(): boolean {
    const { keeper } = this.#process;
    if (keeper === null || keeper.state !== "ready" || keeper.silentTicks >= SILENT_TICKS) return false;
    return !this.#host.isFailing();
  }

  /** It is meant to run, and does not do as it should. */
  get degraded(): boolean {
    const { status } = this.#process;
    if (status === null || this.up) return false;
    const { state, restarts, uptimeMs } = status;
    return state !== "starting" || restarts > 0 || uptimeMs > STARTED_WITHIN_MS;
  }

  start(): void {
    this.#process.start();
  }

  /**
   * Lets it bring home what is left, and resolves when it is gone; after `timeoutMs` it is killed. Wait for it before it is
   * started again.
   */
  async stop(timeoutMs: number): Promise<void> {
    await this.#process.stop(timeoutMs);
  }

  /** Ends it at once and for good. */
  kill(): void {
    this.#process.kill();
  }

  /** Tells it how to write its log; one that starts later has it from its start message. */
  setLog(level: string, format: "json" | "text"): void {
    this.#process.keeper?.send({ type: "log", level, format });
  }

  /** Servers, pools or routes may be others: it is told if they are. One that starts later has them from its start message. */
  rename(): void {
    const before = this.#said;
    const { keeper } = this.#process;
    if (keeper === null || isDeepStrictEqual(this.#host.names(), before)) return;
    keeper.send({ type: "names", names: this.#names() });
  }

  /** What it is told now. */
  #names(): Names {
    this.#said = this.#host.names();
    return this.#said;
  }
}
