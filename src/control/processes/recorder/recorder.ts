/**
 * The recorder process as the supervisor sees it: runs while history is kept, is started again when it dies or hangs, is told
 * what numbers in records mean and what happened, and tells what the store has set for servers. Requests never wait for it:
 * workers write into rings, from which a successor goes on where it ended.
 */
import type { RecordedNames } from "../../../protocol/recorded-names.ts";
import type { FromRecorder, RecorderStart, ToRecorder } from "../../../protocol/recorder.ts";
import { RECORDER_GAUGES, RecorderCounter } from "../../../shared/memory/layout/history.ts";
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import type { ServerRow } from "../../../storage/history-store.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { Events } from "../../events/events.ts";
import type { Journal } from "../../events/journal.ts";
import type { RestartReason } from "../keeper.ts";
import { SoleProcess, type SoleProcessStatus } from "../sole-process.ts";

/** A recorder that is still starting after this is missed: before, nothing is lost, because the rings hold what it will read. */
const STARTED_WITHIN_MS = 10_000;

/** Checks without a sign of life after which it is taken for away. */
const SILENT_TICKS = 3;

/** What the recorder's keeper is made from. */
export interface RecorderOptions {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly memory: SharedMemory;
  readonly log: Logger;
  /** Who is told of its deaths. */
  readonly events: Events;
  /** What it is told of. */
  readonly journal: Journal;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
  readonly startMessage: () => Omit<RecorderStart, "names">;
  /** What numbers in records mean now. */
  readonly names: () => RecordedNames;
  /** The store's `servers` table, as it is now; `undone` = overrides that lost to the configuration, as they were. */
  readonly onServers: (rows: readonly ServerRow[], undone: readonly ServerRow[]) => void;
  /** How often a sign of life is looked for. Default 1000. */
  readonly tickMs?: number;
  /** A recorder without a sign of life for this long is killed. Default 10000: a step of a store on a slow disk may take seconds. */
  readonly hungAfterMs?: number;
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #process: SoleProcess<ToRecorder, FromRecorder>;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { command, memory, log, events, journal, clock, startMessage, names } = options;
    const { tickMs = 1_000, hungAfterMs = 10_000 } = options;
    this.#process = new SoleProcess<ToRecorder, FromRecorder>({
      command,
      log,
      events,
      clock,
      tickMs,
      hungAfterMs,
      kind: "recorder",
      name: "the recorder",
      startMessage: () => ({ ...startMessage(), names: names() }),
      heartbeat: () => memory.recorder.counters[RecorderCounter.HEARTBEAT],
      reclaim: (succeeded) => {
        for (const gauge of RECORDER_GAUGES) memory.recorder.counters[gauge] = 0;
        if (!succeeded) journal.setRecorder(null);
      },
      onReady: (keeper) => {
        log.info({ recorder_pid: keeper.pid }, "recorder ready");
        journal.setRecorder((number, rows) => keeper.send({ type: "events", number, events: rows }));
      },
      onMessage: (message) => this.#onMessage(message),
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

  /** It reads what workers write, and its store takes it. */
  get up(): boolean {
    const { keeper } = this.#process;
    if (keeper === null || keeper.state !== "ready" || keeper.silentTicks >= SILENT_TICKS) return false;
    return this.#options.memory.recorder.counters[RecorderCounter.STORE_DEGRADED] === 0;
  }

  /** It is meant to run, and what happens is not kept as it should be. */
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
   * Lets it write what is left, and resolves when it is gone; after `timeoutMs` it is killed. Wait for it before it is started
   * again.
   */
  async stop(timeoutMs: number): Promise<void> {
    if (this.running) this.#options.journal.flush();
    await this.#process.stop(timeoutMs);
  }

  /** Ends it at once and for good. */
  kill(): void {
    this.#process.kill();
  }

  /** Tells it how to write its log; a recorder that starts later has it from its start message. */
  setLog(level: string, format: "json" | "text"): void {
    this.#process.keeper?.send({ type: "log", level, format });
  }

  /** Servers, pools or routes came or went; a recorder that starts later has them from its start message. */
  setNames(): void {
    this.#process.keeper?.send({ type: "names", names: this.#options.names() });
  }

  #onMessage(message: FromRecorder): void {
    if (message.type === "kept") this.#options.journal.kept(message.number);
    else if (message.type === "servers") this.#options.onServers(message.rows, message.undone);
  }
}
