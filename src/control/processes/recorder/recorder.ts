/** The recorder process as the supervisor sees it: it is told what happened, too, and tells what the store has set for servers. */
import type { RecordedNames } from "../../../protocol/recorded-names.ts";
import type { FromRecorder, RecorderStart, ToRecorder } from "../../../protocol/recorder.ts";
import { RECORDER_GAUGES, RecorderCounter } from "../../../shared/memory/layout/history.ts";
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import type { ServerRow } from "../../../storage/history-store.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { Events } from "../../events/events.ts";
import type { Journal } from "../../events/journal.ts";
import { RingReader } from "../ring-reader.ts";

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

export class Recorder extends RingReader<ToRecorder, RecordedNames, FromRecorder> {
  readonly #journal: Journal;

  constructor(options: RecorderOptions) {
    const { memory, journal, startMessage, onServers, tickMs = 1_000, hungAfterMs = 10_000, ...host } = options;
    const { counters } = memory.recorder;
    super({
      ...host,
      tickMs,
      hungAfterMs,
      kind: "recorder",
      startMessage: (names) => ({ ...startMessage(), names }),
      heartbeat: () => counters[RecorderCounter.HEARTBEAT],
      isFailing: () => counters[RecorderCounter.STORE_DEGRADED] === 1,
      reclaim: (succeeded) => {
        for (const gauge of RECORDER_GAUGES) counters[gauge] = 0;
        if (!succeeded) journal.setRecorder(null);
      },
      onReady: (keeper) => journal.setRecorder((number, events) => keeper.send({ type: "events", number, events })),
      onMessage: (message) => {
        if (message.type === "kept") journal.kept(message.number);
        else if (message.type === "servers") onServers(message.rows, message.undone);
      },
    });
    this.#journal = journal;
  }

  override async stop(timeoutMs: number): Promise<void> {
    if (this.running) this.#journal.flush();
    await super.stop(timeoutMs);
  }
}
