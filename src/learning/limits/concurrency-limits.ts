/** How many requests each server of a pool should have at once. */
import { FleetMean } from "../../balancing/estimators/fleet-mean.ts";
import { isObservable, LEAST_LATENCY_MS } from "../../balancing/estimators/latency-estimator.ts";
import { NO_LIMIT } from "../../balancing/holding/room.ts";
import { Relaxation } from "./relaxation.ts";
import { SizeBelief } from "./size-belief.ts";

/** How long latencies count for the fleet's mean, milliseconds. */
const MEAN_MS = 10_000;
/** A server is given so many times the requests that it is thought to work on at once: what is too much costs little. */
const MARGIN = 1.25;
/** The size is taken for so large that this share of the belief says it is no larger. */
const BELIEF = 0.9;
/** A limit beyond this is none: such a server waits for others, and what waits there takes up no worker. */
const MOST_LIMIT = 128;
/** A limit grows up to so many times what the server has been seen to respond to of late, and one more. */
const GROWTH = 1.5;
/** Of late: between once and twice as long, milliseconds. */
const SEEN_MS = 3000;
/**
 * Now and then a server may have so many times its limit, and then so much less: where it always has as many as it may, nothing
 * shows whether more or fewer would be right.
 */
const PROBE_MORE = 2;
const PROBE_LESS = 1.25;
/**
 * It is so much less instead where nobody knows: where so much of the belief is in sizes below a third of the limit. Who is known
 * would stand idle for it.
 */
const PROBE_MUCH_LESS = 1.5;
const LEAST_BELIEF = 0.25;
/** One turn in so many is for more, and one for less … */
const PROBE_TURNS = 6;
/** … and a turn lasts so long, milliseconds and mean latencies, whichever is longer. */
const TURN_MS = 250;
const TURN_LATENCIES = 6;
/** Requests are held for so many of the fleet's mean latencies at most. */
const PATIENCE_LATENCIES = 50;
const LEAST_PATIENCE_MS = 20;
const MOST_PATIENCE_MS = 5000;
/** And for so many where other balancers fill the same servers: a place that they take is not told in time (docs/holding.md). */
const PATIENCE_AMONG_OTHERS = 1;

/**
 * The limits of one pool's servers. Pure: the clock is passed in. A limit is the largest size that is likely (`SizeBelief`), times
 * a margin; who does not slow down with load has none, and while nobody is known to, nobody has.
 *
 * A limit falls at once and rises by steps: to half as much again as the server has responded to of late. If what is believed
 * of one server were followed at once, all that is held would be sent there in the moment in which it is not known any
 * more. For the same reason a server of which nothing is known begins with what the others have.
 */
export class ConcurrencyLimits {
  readonly #belief: SizeBelief;
  readonly #mean = new FleetMean(MEAN_MS);
  readonly #relaxation = new Relaxation();
  /** By slot: the limit without probes; `NO_LIMIT`. */
  readonly #limit: Float64Array;
  /** By slot: the size that it may be as small as. */
  readonly #least: Float64Array;
  /** By slot: most requests at once of those that were responded to, in this stretch of time and in the one before. */
  readonly #seen: Int32Array;
  readonly #seenBefore: Int32Array;
  #seenUntilMs = Number.NEGATIVE_INFINITY;
  #turn = 0;
  #turnEndsMs = Number.NEGATIVE_INFINITY;

  /** @param slots how many servers there can be. */
  constructor(slots: number) {
    this.#belief = new SizeBelief(slots);
    this.#limit = new Float64Array(slots);
    this.#least = new Float64Array(slots);
    this.#seen = new Int32Array(slots);
    this.#seenBefore = new Int32Array(slots);
  }

  /** How long a request is held at most, milliseconds. */
  get patienceMs(): number {
    return Math.min(Math.max(PATIENCE_LATENCIES * this.#mean.read(), LEAST_PATIENCE_MS), MOST_PATIENCE_MS);
  }

  /** The same where other balancers with queues of their own send requests to the same servers. */
  get patienceAmongOthersMs(): number {
    return Math.min(PATIENCE_AMONG_OTHERS * this.#mean.read(), MOST_PATIENCE_MS);
  }

  /** What limits are multiplied by because a queue stands, or stood of late: ≥ 1; `Infinity` = there are none for now. */
  get relaxation(): number {
    return this.#relaxation.factor;
  }

  /** The limit of the server in `slot` without what is probed now, at the last `tick`: what people are shown. `NO_LIMIT` = none. */
  settledLimit(slot: number): number {
    return this.#relaxation.relaxed(this.#limit[slot]);
  }

  /** What was seen here of the server in `slot`, for others (`SizeBelief.evidence`). */
  evidence(slot: number, nowMs: number, nats: Float64Array): void {
    this.#belief.evidence(slot, nowMs, nats);
  }

  /** What others have seen of it (`SizeBelief.hear`). */
  hear(slot: number, nats: Float64Array | null): void {
    this.#belief.hear(slot, nats);
  }

  /** Forgets the server in `slot`. */
  clear(slot: number): void {
    this.#belief.clear(slot);
    this.#limit[slot] = NO_LIMIT;
    this.#seen[slot] = 0;
    this.#seenBefore[slot] = 0;
  }

  /**
   * One attempt ended.
   * @param latencyMs from when it was sent to the server; what it waited before does not count.
   * @param inFlight at the server when it was sent there, without it and without those in transfer.
   */
  observe(slot: number, latencyMs: number, failed: boolean, inFlight: number, nowMs: number): void {
    if (failed || !isObservable(latencyMs, nowMs)) return;
    const latency = Math.max(latencyMs, LEAST_LATENCY_MS);
    const others = Math.max(0, inFlight);
    this.#mean.observe(latency, nowMs);
    this.#relaxation.observe(latency, nowMs);
    this.#belief.observe(slot, latency, others, this.#mean.read(), nowMs);
    if (others + 1 > this.#seen[slot]) this.#seen[slot] = others + 1;
  }

  /**
   * Works out the limits of the servers in `slots[0 … count)`; call it several times a second.
   * @param limit by slot: filled with requests at once at the server, ≥ 1, or `NO_LIMIT`.
   * @param waitedMs for how long the request has been held that has waited longest, milliseconds; 0 = none is held.
   */
  tick(slots: ArrayLike<number>, count: number, nowMs: number, limit: Int32Array, waitedMs: number): void {
    this.#moveOn(nowMs);
    this.#relaxation.tick(waitedMs, this.#mean.read(), this.patienceMs, nowMs);
    this.#belief.begin(slots, count, nowMs);
    let known = 0;
    let most = 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i];
      this.#belief.select(slot);
      const wanted = Math.floor(MARGIN * this.#belief.sizeBelow(BELIEF));
      this.#least[slot] = this.#belief.sizeBelow(LEAST_BELIEF);
      limit[slot] = wanted <= MOST_LIMIT ? wanted : NO_LIMIT;
      if (limit[slot] === NO_LIMIT) continue;
      known++;
      most = Math.max(most, limit[slot]);
    }
    for (let i = 0; i < count; i++) {
      const slot = slots[i];
      this.#limit[slot] = known === 0 ? NO_LIMIT : this.#step(slot, limit[slot], most);
      limit[slot] = this.#relaxation.relaxed(this.#probed(slot, i));
    }
  }

  /** The limit that follows on the present one. @param most of the limits that are wanted, the largest. */
  #step(slot: number, wanted: number, most: number): number {
    const seen = Math.max(this.#seen[slot], this.#seenBefore[slot]);
    const present = this.#limit[slot];
    if (present === NO_LIMIT && wanted !== NO_LIMIT) return wanted;
    const reach = Math.max(present === NO_LIMIT ? most : present, Math.floor(GROWTH * seen) + 1);
    if (wanted !== NO_LIMIT) return Math.min(wanted, reach);
    return reach <= MOST_LIMIT ? reach : NO_LIMIT;
  }

  /** The limit of the server, or what it may have while it is probed. @param place of the server among those that take turns. */
  #probed(slot: number, place: number): number {
    const limit = this.#limit[slot];
    const turn = (this.#turn + place * 3) % PROBE_TURNS;
    if (turn === 0) return Math.ceil(PROBE_MORE * limit);
    if (turn !== 1) return limit;
    return Math.ceil(limit / (3 * this.#least[slot] < limit ? PROBE_MUCH_LESS : PROBE_LESS));
  }

  #moveOn(nowMs: number): void {
    if (nowMs >= this.#seenUntilMs) {
      this.#seenBefore.set(this.#seen);
      this.#seen.fill(0);
      this.#seenUntilMs = nowMs + SEEN_MS;
    }
    if (nowMs < this.#turnEndsMs) return;
    this.#turn++;
    this.#turnEndsMs = nowMs + Math.max(TURN_MS, TURN_LATENCIES * this.#mean.read());
  }
}
