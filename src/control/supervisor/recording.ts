/**
 * The keeping of history as an instance does it: a recorder while it is wanted, the names of what is recorded, and the journal of
 * what happens. What the recorder says of the store's `servers` table goes to the fleets.
 */
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../config/config.ts";
import { toRecorderSettings } from "../../config/recorder-settings.ts";
import type { ProxySettings } from "../../protocol/worker.ts";
import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { historyName } from "../../shared/server-name.ts";
import type { ServerRow } from "../../storage/history-store.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import { type Events, STORE } from "../events/events.ts";
import type { Journal } from "../events/journal.ts";
import type { Fleets } from "../fleet/fleets.ts";
import { Recorder } from "../processes/recorder/recorder.ts";
import { recordedNames } from "./recorded-names.ts";

/** What a recorder that is to end for other settings may take to write what it has: meanwhile the rings fill. */
const RESTART_MS = 2_000;

/** What it is made from. */
export interface RecordingOptions {
  /** Program and arguments of the recorder. */
  readonly command: readonly string[];
  readonly memory: SharedMemory;
  readonly memoryPath: string;
  readonly log: Logger;
  readonly journal: Journal;
  /** Monotonic, milliseconds. */
  readonly clock: () => number;
  readonly configuration: { readonly config: Config; readonly settings: ProxySettings };
  readonly fleets: () => Pick<Fleets, "recorded" | "setOverrides">;
}

/** One instance's. */
export class Recording {
  readonly #options: RecordingOptions;
  readonly recorder: Recorder;

  constructor(options: RecordingOptions) {
    const { command, memory, memoryPath, log, journal, clock, configuration, fleets } = options;
    this.#options = options;
    journal.setOpen(configuration.config.history.enabled);
    this.recorder = new Recorder({
      command,
      memory,
      log,
      events: journal,
      journal,
      clock,
      startMessage: () => {
        const { logFormat, logLevel } = configuration.settings;
        const settings = toRecorderSettings(configuration.config);
        if (settings === null) throw new Error("history is off");
        return { type: "start", memoryPath, logFormat, logLevel, settings };
      },
      names: () => recordedNames(configuration.settings, fleets()),
      onServers: (rows, undone) => {
        fleets().setOverrides(rows);
        for (const row of undone) announceUndone(row, log, journal);
      },
    });
  }

  /** Begins to record, if that is wanted. The pages of its rings must be real. */
  start(): void {
    if (this.#options.configuration.config.history.enabled) this.recorder.start();
  }

  /** The configuration is another: before workers are told. @param before the one until now. */
  async reconfigure(before: Config): Promise<void> {
    const { configuration, journal } = this.#options;
    const { config } = configuration;
    if (!config.history.enabled) return;
    journal.setOpen(true);
    if (!isDeepStrictEqual(toRecorderSettings(config), toRecorderSettings(before)))
      await this.recorder.stop(RESTART_MS);
    if (!this.recorder.running) this.recorder.start();
    else this.recorder.rename();
  }

  /** All workers go by the configuration: if history is not wanted any more, nobody needs the recorder. */
  async settle(): Promise<void> {
    const { configuration, journal, fleets } = this.#options;
    if (configuration.config.history.enabled || !this.recorder.running) return;
    await this.recorder.stop(RESTART_MS);
    journal.setOpen(false);
    fleets().setOverrides([]);
  }
}

/** Loudly: somebody relies on what they set. */
function announceUndone(row: ServerRow, log: Logger, events: Events): void {
  const { pool, host, port, weight, capacity, configuredWeight, configuredCapacity } = row;
  const { server } = historyName({ hostname: host, address: host, port });
  const set = [weight === null ? [] : [`weight ${weight}`], capacity === null ? [] : [`capacity ${capacity}`]].flat();
  const message = `server ${server}: the ${set.join(" and the ")} of the store's table "servers" ${set.length > 1 ? "are" : "is"} undone: the configuration says another number now than when that was set (weight ${configuredWeight}, capacity ${configuredCapacity})`;
  const detail = { undone: { weight, capacity }, configured_before: { configuredWeight, configuredCapacity } };
  log.warn({ pool, server, weight, capacity }, message);
  events.note({ kind: "override", pool, server, actor: STORE, message, detail });
}
