/**
 * One instance takes the place of another one on the same ports, and no client notices. The new one finds its servers and checks
 * them, and its workers get the listening sockets of the other's (proxy/sockets/hand-over.ts); only then the other is told
 * to finish. What only one of them may have (admin port, what lies in `DATA_DIR`) is the new one's when the other has gone. If
 * anything fails before that, the new one ends and the other goes on.
 */

import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import { listenSocketPaths } from "../../../shared/memory/listen-sockets.ts";
import { readReadiness } from "../../../shared/memory/readiness.ts";
import type { Events } from "../../events/events.ts";
import type { ControlLog } from "../../log.ts";
import type { PortHolder } from "../ports/port-claims.ts";
import { lifeOf } from "../runtime-directory.ts";

const LOOK_MS = 50;
/** When it is said that the other one is still there. */
const LATE_MS = 120_000;

/** What it is made from. */
export interface TakeOverOptions {
  readonly predecessor: PortHolder;
  readonly log: ControlLog;
  readonly events: Events;
  /** How long this instance may take until it could serve. */
  readonly waitMs: number;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
}

/** From one other instance. */
export class TakeOver {
  readonly #options: TakeOverOptions;
  readonly #lives: () => boolean;
  #stopped = false;

  constructor(options: TakeOverOptions) {
    this.#options = options;
    this.#lives = lifeOf(options.predecessor.path);
  }

  /** As `WorkersOptions.predecessors`: each of the other's workers hands over to one of `count`. */
  socketsFor(index: number, count: number): readonly string[] {
    if (!this.#lives()) return [];
    return listenSocketPaths(this.#options.predecessor.path).filter((_, at) => at % count === index);
  }

  /** Waits until this instance could serve. Throws an `Error` for the operator when that takes too long. */
  async untilReady(memory: SharedMemory): Promise<void> {
    const { nowMs, predecessor, waitMs } = this.#options;
    const untilMs = nowMs() + waitMs;
    while (readReadiness(memory, []).status !== "ready" && !this.#stopped) {
      if (nowMs() >= untilMs) {
        throw new Error(
          `cannot take over from process ${predecessor.pid}: too few servers are healthy after ${waitMs / 1000} s (--take-over); that instance goes on as it was`,
        );
      }
      await Bun.sleep(LOOK_MS);
    }
  }

  /** This instance serves: has the other one finish, and resolves when it has gone. Never rejects. */
  async finish(): Promise<void> {
    const { predecessor, log, events, nowMs } = this.#options;
    const { pid, handsOver } = predecessor;
    const beganMs = nowMs();
    log.info({ predecessor: pid }, `taking over from process ${pid}: it finishes what it has`);
    events.note({ kind: "start", message: `taking over from process ${pid}`, detail: { predecessor: pid } });
    try {
      // An earlier version only knows how to stop; the signal that says more would end it.
      if (this.#lives()) process.kill(pid, handsOver ? "SIGUSR2" : "SIGTERM");
    } catch (error) {
      log.error({ err: error, predecessor: pid }, `process ${pid} cannot be told that it is taken over from: stop it`);
    }
    for (let said = false; this.#lives() && !this.#stopped; await Bun.sleep(LOOK_MS)) {
      if (said || nowMs() - beganMs < LATE_MS) continue;
      said = true;
      log.warn(
        { predecessor: pid },
        `process ${pid} has not gone yet: until then the admin API and what lies in DATA_DIR are its own`,
      );
    }
    if (this.#stopped) return;
    log.info(
      { predecessor: pid, took_ms: Math.round(nowMs() - beganMs) },
      `process ${pid} has gone: all is taken over`,
    );
  }

  /** The instance ends: nobody is waited for. */
  stop(): void {
    this.#stopped = true;
  }
}
