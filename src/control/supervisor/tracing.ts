/** The export of traces as an instance does it: a tracer while it is wanted, with the settings in force and the names of things. */
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../config/config.ts";
import { toTracerSettings } from "../../config/tracer-settings.ts";
import type { TracedNames, TracerSettings } from "../../protocol/tracer.ts";
import type { ProxySettings } from "../../protocol/worker.ts";
import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import type { Events } from "../events/events.ts";
import type { Fleets } from "../fleet/fleets.ts";
import { Tracer } from "../processes/tracer/tracer.ts";
import { recordedNames } from "./recorded-names.ts";

/** What a tracer that is to end for other settings may take to send what it has: meanwhile the rings fill. */
const RESTART_MS = 2_500;

/** What it is made from. */
export interface TracingOptions {
  /** Program and arguments of the tracer. */
  readonly command: readonly string[];
  readonly memory: SharedMemory;
  readonly memoryPath: string;
  readonly log: Logger;
  readonly events: Events;
  /** Monotonic, milliseconds. */
  readonly clock: () => number;
  /** Milliseconds since the epoch, for the validity of certificates. */
  readonly wallMs: () => number;
  readonly configuration: { readonly settings: ProxySettings };
  readonly fleets: () => Pick<Fleets, "recorded">;
}

/** One instance's. */
export class Tracing {
  readonly #options: TracingOptions;
  readonly tracer: Tracer;
  #settings: TracerSettings | null = null;

  constructor(options: TracingOptions) {
    const { command, memory, memoryPath, log, events, clock, configuration } = options;
    this.#options = options;
    this.tracer = new Tracer({
      command,
      memory,
      log,
      events,
      clock,
      startMessage: () => {
        const { logFormat, logLevel } = configuration.settings;
        const settings = this.#settings;
        if (settings === null) throw new Error("no traces are exported");
        return { type: "start", memoryPath, logFormat, logLevel, settings };
      },
      names: () => this.#names(),
    });
  }

  /** `null` while nothing is exported. */
  get settings(): TracerSettings | null {
    return this.#settings;
  }

  /** What the configuration wants, with its files read. Throws a `ConfigError`. */
  read(config: Config): TracerSettings | null {
    return toTracerSettings(config, this.#options.wallMs());
  }

  /** Begins to export, if that is wanted. The pages of the rings must be real. */
  start(wanted: TracerSettings | null): void {
    this.#settings = wanted;
    if (wanted !== null) this.tracer.start();
  }

  /** The configuration is another: before workers are told. */
  async reconfigure(wanted: TracerSettings | null): Promise<void> {
    if (wanted === null) return;
    const isOther = !isDeepStrictEqual(wanted, this.#settings);
    this.#settings = wanted;
    if (isOther) await this.tracer.stop(RESTART_MS);
    if (!this.tracer.running) this.tracer.start();
    else this.tracer.rename();
  }

  /** All workers go by the configuration: if traces are not wanted any more, nobody needs the tracer. */
  async settle(): Promise<void> {
    if (this.#options.configuration.settings.tracing !== null || !this.tracer.running) return;
    await this.tracer.stop(RESTART_MS);
    this.#settings = null;
  }

  #names(): TracedNames {
    const { configuration, fleets } = this.#options;
    const { pools } = configuration.settings;
    const strategies = Object.fromEntries(pools.map(({ name, strategy }) => [name, strategy]));
    return { ...recordedNames(configuration.settings, fleets()), strategies };
  }
}
