/** Says once, in the log and to history, when the instance begins to work with less than it should, and once when that is over. */
import type { Logger } from "../../telemetry/log/logger.ts";
import { type Events, NO_EVENTS } from "../events/events.ts";

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
    "the learner is silent: ml balances by its estimator, and no request is held for a limit that was learned",
    "the learner is back: its tables and limits are used again",
  ],
  model: [
    "the model that should route cannot be loaded or asked: the log of the learner says why; requests are balanced without it",
    "the model that should route can be used again",
  ],
  learning_store: [
    "what is learned is not kept as it should be: the log of the learner says why; requests go on",
    "what is learned is kept again",
  ],
  history: [
    "what happens is not kept as it should be: the log of the recorder says why; requests go on",
    "what happens is kept again",
  ],
  revocation_lists: [
    "a list of revoked certificates (TLS_CLIENT_CRL_FILE) is out of date: whoever shows a certificate of its authority is refused, until the file has its successor",
    "all lists of revoked certificates are in date again",
  ],
  tracing: ["spans do not arrive as they should: the log of the tracer says why; requests go on", "spans arrive again"],
  rate_limits: [
    "a rate limit has no room for all keys (max_keys): some are forgotten or not counted; requests go on",
    "rate limits have room for all keys again",
  ],
  log: ["lines of this log could not be written", "lines of this log could not be written for a while"],
};

/** Those that the log has from whoever causes them: history has them from here. What has events of its own is not among them. */
const TOLD_ELSEWHERE: typeof SENTENCES = {
  no_servers: [
    "a pool that routes lead to has no healthy server",
    "all pools that routes lead to have healthy servers",
  ],
  redis: [
    "Redis does not answer: each instance goes on alone, and shared rate limits do what they say of that (when_away)",
    "Redis answers again: instances share what they know again",
  ],
  workers: ["fewer workers are ready than are meant to be", "all workers are ready"],
  sockets: ["the runtime's sockets stand in for our own", "the sockets are our own again"],
  wakes: [
    "workers cannot tell each other of places that come free: each looks for them by itself, now and then",
    "workers tell each other of places again",
  ],
  memory: [
    "the shared memory has no room for another server or worker",
    "the shared memory has room for all servers and workers again",
  ],
};

const ALL = Object.entries({ ...SENTENCES, ...TOLD_ELSEWHERE });

export class DegradedWatch {
  readonly #log: Logger;
  readonly #events: Events;
  /** When a mode that was announced was last on, by name. */
  readonly #lastOnMs = new Map<string, number>();

  constructor(log: Logger, events: Events = NO_EVENTS) {
    this.#log = log;
    this.#events = events;
  }

  /** Looks at the modes as they are now; call it about once a second. */
  tick(modes: Readonly<Record<string, boolean>>, nowMs: number): void {
    for (const [mode, [begins, ends]] of ALL) {
      const lastOnMs = this.#lastOnMs.get(mode);
      if (modes[mode]) {
        this.#lastOnMs.set(mode, nowMs);
        if (lastOnMs === undefined) this.#say(mode, true, begins);
      } else if (lastOnMs !== undefined && nowMs - lastOnMs >= HOLD_MS) {
        this.#lastOnMs.delete(mode);
        this.#say(mode, false, ends);
      }
    }
  }

  #say(mode: string, on: boolean, message: string): void {
    if (mode in SENTENCES) this.#log[on ? "warn" : "info"]({ mode }, message);
    this.#events.note({ kind: "degraded", message, detail: { mode, on } });
  }
}
