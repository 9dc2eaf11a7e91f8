/** What an instance does from time to time, whatever else happens. */
import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import type { Events } from "../events/events.ts";
import { RungWatch, type WatchedPool } from "../events/rung-watch.ts";
import { InFlightAudit } from "../processes/in-flight-audit.ts";
import { DegradedWatch } from "./degraded-watch.ts";
import type { InstancePart } from "./instance-part.ts";

/** Totals are kept up at least so often (see ServerTotalsLedger, ShownSeries). */
const TOTALS_INTERVAL_MS = 60_000;
/** A lost place in flight may wait for three looks; each wakes an idle process. */
const AUDIT_INTERVAL_MS = 500;
const DEGRADED_INTERVAL_MS = 1_000;
const PARTS_INTERVAL_MS = 1_000;

/** What is looked at. */
export interface HousekeepingOptions {
  readonly memory: SharedMemory;
  readonly log: Logger;
  readonly events: Events;
  /** Adds to the totals what workers have counted. */
  readonly keepTotals: () => void;
  /** Ways in which the instance works with less than it should, by name. */
  readonly degradedModes: () => Readonly<Record<string, boolean>>;
  /** Pools that are balanced by what is learned. */
  readonly learned: () => readonly WatchedPool[];
  readonly parts: readonly InstancePart[];
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
  /** Have certificates been replaced? */
  readonly lookAtFiles: () => void;
  readonly certificatePollMs: number;
}

/** One instance's. */
export class Housekeeping {
  readonly #timers: Timer[] = [];

  start(options: HousekeepingOptions): void {
    const { memory, log, events, keepTotals, degradedModes, learned, parts, nowMs, lookAtFiles, certificatePollMs } =
      options;
    const watch = new DegradedWatch(log, events);
    const rungs = new RungWatch(events);
    const audit = new InFlightAudit(memory);
    this.#every(TOTALS_INTERVAL_MS, keepTotals);
    this.#every(DEGRADED_INTERVAL_MS, () => {
      watch.tick(degradedModes(), nowMs());
      rungs.tick(learned());
    });
    this.#every(AUDIT_INTERVAL_MS, () => {
      for (const fix of audit.tick()) log.info(fix, "requests in flight were counted anew");
    });
    this.#every(certificatePollMs, lookAtFiles);
    for (const part of parts) {
      part.start?.();
      if (part.tick !== undefined) this.#every(PARTS_INTERVAL_MS, () => part.tick?.(nowMs()));
    }
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #every(intervalMs: number, work: () => void): void {
    this.#timers.push(setInterval(work, intervalMs));
  }
}
