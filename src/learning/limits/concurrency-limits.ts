/** How many requests a server can work on at once, learned from how its latency rises with its load. */
import { FleetMean } from "../../balancing/estimators/fleet-mean.ts";
import { isObservable, LEAST_LATENCY_MS } from "../../balancing/estimators/latency-estimator.ts";
import { NO_LIMIT } from "../../balancing/holding/room.ts";
import { ServerCurves } from "../features/server-curves.ts";

/** How long latencies count for the fleet's mean, milliseconds. */
const MEAN_MS = 10_000;
/** A server is given so many times the requests that it is thought to work on at once: what is too much costs little. */
const MARGIN = 1.5;
/** The size is taken for so large that this share of the belief says it is no larger. */
const BELIEF = 0.9;
/** A limit beyond this is none: such a server waits for others, and what waits there takes up no worker. */
const MOST_LIMIT = 150;
/** Requests are held for so many of the fleet's mean latencies at most. */
const PATIENCE_LATENCIES = 50;
const LEAST_PATIENCE_MS = 20;
const MOST_PATIENCE_MS = 5000;

/**
 * The limits of one pool's servers. Pure: the clock is passed in. A limit is the largest size that is likely, times a
 * margin; who is not known, or does not slow down with load, has none.
 */
export class ConcurrencyLimits {
  readonly #curves: ServerCurves;
  readonly #mean = new FleetMean(MEAN_MS);

  /** @param slots how many servers there can be. */
  constructor(slots: number) {
    this.#curves = new ServerCurves(slots);
  }

  /** How long a request is held at most, milliseconds. */
  get patienceMs(): number {
    return Math.min(Math.max(PATIENCE_LATENCIES * this.#mean.read(), LEAST_PATIENCE_MS), MOST_PATIENCE_MS);
  }

  /** Forgets the server in `slot`. */
  clear(slot: number): void {
    this.#curves.clear(slot);
  }

  /**
   * One attempt ended.
   * @param latencyMs from when it was sent to the server; what it waited before does not count.
   * @param inFlight at the server when it was sent there, without it.
   */
  observe(slot: number, latencyMs: number, failed: boolean, inFlight: number, nowMs: number): void {
    if (failed || !isObservable(latencyMs, nowMs)) return;
    const latency = Math.max(latencyMs, LEAST_LATENCY_MS);
    this.#mean.observe(latency, nowMs);
    this.#curves.observe(slot, latency, Math.max(0, inFlight), this.#mean.read(), nowMs);
  }

  /**
   * Works out the limits of the servers in `slots[0 … count)`; call it several times a second.
   * @param limit by slot: filled with requests at once at the server, ≥ 1, or `NO_LIMIT`.
   */
  tick(slots: ArrayLike<number>, count: number, nowMs: number, limit: Int32Array): void {
    this.#curves.begin(slots, count, nowMs);
    for (let i = 0; i < count; i++) {
      const slot = slots[i];
      this.#curves.select(slot);
      const most = Math.ceil(MARGIN * this.#curves.sizeBelow(slot, BELIEF));
      limit[slot] = most <= MOST_LIMIT ? most : NO_LIMIT;
    }
  }
}
