/**
 * Refuses connections before the process runs out of file descriptors. Running out is worse than refusing: the runtime
 * would try to accept again and again at full speed, connects to servers would fail as if the servers refused them, and
 * whatever else needs a descriptor might end the process. So a client is only let in while there is one for it, one for
 * the server's side of each client that is there, and a reserve.
 */
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { type Descriptors, processDescriptors } from "../../telemetry/process-descriptors.ts";

/** Descriptors that stay free for what is not a client's: relays to the control process, logs, connects given up. */
const RESERVE = 32;
/** Clients that there must be room for at the least. */
const LEAST_CLIENTS = 4;
/** The true number is looked up at most so often, milliseconds: reading it takes as long as a few requests. */
const LOOK_INTERVAL_MS = 20;

/** Lets clients in while there are descriptors for them. One for each listener; they look at the same process. */
export class DescriptorGuard {
  readonly #counters: Float64Array;
  readonly #system: Descriptors;
  readonly #limit: number;
  /** Open before there were clients. */
  readonly #base: number;
  /** Open at the last look, and what has been opened by then. */
  #open: number;
  #opened: number;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /**
   * @param counters of this worker.
   * Throws an `Error` for the operator when the limit leaves no room for clients at all.
   */
  constructor(counters: Float64Array, system: Descriptors = processDescriptors) {
    this.#counters = counters;
    this.#system = system;
    this.#limit = system.limit() - RESERVE;
    this.#base = system.open() || 0;
    this.#open = this.#base;
    this.#opened = this.#openedSoFar();
    const least = this.#base + RESERVE + 2 * LEAST_CLIENTS;
    if (this.#limit < least - RESERVE) {
      throw new Error(`at most ${system.limit()} open files are allowed (ulimit -n): at least ${least} are needed`);
    }
  }

  /** Whether one more client may come in. A refusal shows in the counters. */
  admits(nowMs: number): boolean {
    const counters = this.#counters;
    const clients = counters[WorkerCounter.CONNECTIONS_OPEN] + 1;
    const wanted = this.#base + 2 * clients + counters[WorkerCounter.UPSTREAM_IDLE];
    if (wanted <= this.#limit && this.#openAtMost(nowMs) < this.#limit) return true;
    counters[WorkerCounter.CONNECTIONS_REJECTED]++;
    counters[WorkerCounter.DESCRIPTORS_SHORT] = 1;
    return false;
  }

  /** An upper bound of what is open: as if nothing had been closed since the last look. */
  #openAtMost(nowMs: number): number {
    const bound = this.#open + this.#openedSoFar() - this.#opened;
    if (bound < this.#limit || nowMs - this.#lookedMs < LOOK_INTERVAL_MS) return bound;
    this.#lookedMs = nowMs;
    const open = this.#system.open();
    if (Number.isNaN(open)) return bound;
    this.#open = open;
    this.#opened = this.#openedSoFar();
    return open;
  }

  #openedSoFar(): number {
    return this.#counters[WorkerCounter.CONNECTIONS_ACCEPTED] + this.#counters[WorkerCounter.UPSTREAM_CONNECTS];
  }
}
