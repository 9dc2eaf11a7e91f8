/** Says once when the instance begins to work with less than it should, and once when that is over. */
import type { Logger } from "../../telemetry/log/logger.ts";

/** A mode must be off for so long before it is over: what comes and goes is one event, not many lines. */
const HOLD_MS = 10_000;

/** Modes that nobody else logs, as an operator reads them. */
const SENTENCES: Readonly<Record<string, readonly [begins: string, ends: string]>> = {
  access_log: [
    "lines of the access log are lost: its disk is full, or its reader is gone or too slow; requests go on",
    "the access log takes all lines again",
  ],
  descriptors: [
    "file descriptors are short (ulimit -n): further connections are refused",
    "there are enough file descriptors again",
  ],
  health_checks: [
    "health checks cannot be made for want of file descriptors (ulimit -n), local ports, memory or CPU of our own: servers stay as they were",
    "health checks are made again",
  ],
  learner: [
    "the learner makes no tables: requests are balanced by the estimator",
    "the estimator stands in for the learner no more: requests are balanced as configured",
  ],
  model: [
    "the model that should route cannot be loaded or asked: the log of the learner says why; requests are balanced without it",
    "the model that should route can be used again",
  ],
  learning_store: [
    "what is learned is not kept as it should be: the log of the learner says why; requests go on",
    "what is learned is kept again",
  ],
  log: ["lines of this log could not be written", "lines of this log could not be written for a while"],
};

export class DegradedWatch {
  readonly #log: Logger;
  /** When a mode that was announced was last on, by name. */
  readonly #lastOnMs = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Looks at the modes as they are now; call it about once a second. */
  tick(modes: Readonly<Record<string, boolean>>, nowMs: number): void {
    for (const [mode, [begins, ends]] of Object.entries(SENTENCES)) {
      const lastOnMs = this.#lastOnMs.get(mode);
      if (modes[mode]) {
        this.#lastOnMs.set(mode, nowMs);
        if (lastOnMs === undefined) this.#log.warn({ mode }, begins);
      } else if (lastOnMs !== undefined && nowMs - lastOnMs >= HOLD_MS) {
        this.#lastOnMs.delete(mode);
        this.#log.info({ mode }, ends);
      }
    }
  }
}
