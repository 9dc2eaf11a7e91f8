/** How each server's latency rises with its load: its speed and its size, told apart by prediction. */
import { decayFactor } from "../../balancing/estimators/decay.ts";

/** Requests that a server is thought to serve at once without slowing down, one guess an expert. */
const SIZES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, Number.POSITIVE_INFINITY] as const;
const EXPERTS = SIZES.length;
/** How many sizes are told apart, by all instances that tell each other what they believe. */
export const CURVE_GUESSES = EXPERTS;
/** By no more than this what others have seen moves a guess, nats: what is seen here counts for more soon. */
const MOST_OTHERS = 5;
/** Who has had fewer responses of late does not say how fast the server is. */
const LEAST_ANSWERS = 3;
/** Nobody is believed to be so many times as fast as others or as slow. */
const MOST_RATIO = 64;

/** How long outcomes count for a server's speed, milliseconds: it may change within seconds. */
const SPEED_MS = 1500;
/** How long they count for its size, milliseconds: it hardly changes. */
const SIZE_MS = 60_000;
/** How long the fleet's outcomes count for what is expected of a server that is not known, milliseconds. */
const FLEET_MS = 10_000;
/** The fleet counts as this many outcomes of each server. */
const PRIOR_ANSWERS = 1.5;
/** Slow fleets are remembered longer: for at least so many of their mean latencies. */
const FORGET_LATENCIES = 25;
/** Latencies scatter about this much more than exponential ones would: losses count for less by it. */
const DISPERSION = 1.5;

/**
 * One expert for each size c. It holds that a request which finds k others takes `s · max(1, (k + 1) / c)`, whether the
 * server queues what is beyond c or shares itself among all, and learns the server's speed s from that with exponential
 * forgetting. Each predicts every latency before it is seen; the loss is the gamma distribution's (scale-free, not led
 * astray by a few long requests), and experts are mixed in proportion to e^-loss (Vovk 1990; Cesa-Bianchi & Lugosi 2006).
 * The losses of the whole fleet's servers count for each of them once more, on average: a server that is new is taken for
 * one like the others.
 *
 * A balancer among many sees only its own requests at a server: then no curve predicts better than a flat one, and that
 * expert wins.
 */
export class ServerCurves {
  /** `[slots × EXPERTS]`: sums of latency / growth, with the forgetting of the speed. */
  readonly #speedSum: Float64Array;
  /** `[slots]`: outcomes in them. */
  readonly #speedCount: Float64Array;
  /** `[slots × EXPERTS]`, with the forgetting of the size. */
  readonly #loss: Float64Array;
  readonly #heardMs: Float64Array;
  /** `[EXPERTS]`: the fleet's speed as each expert sees it, and how many outcomes are in it. */
  readonly #fleetSum = new Float64Array(EXPERTS);
  #fleetCount = 0;
  #fleetHeardMs = Number.NEGATIVE_INFINITY;
  /** `[EXPERTS]`: mean loss over the servers of the present round. */
  readonly #fleetLoss = new Float64Array(EXPERTS);
  /** `[slots × EXPERTS]`: weights of the experts when `select` was called last. */
  readonly #weight: Float64Array;
  /** `[EXPERTS]`: of the server that `select` was called for, its speed times its weight. */
  readonly #mixed = new Float64Array(EXPERTS);
  /** `[slots × EXPERTS]`: nats by which each guess is behind the best by what others have seen; all 0 = nobody has told. */
  readonly #othersLoss: Float64Array;
  /** `[slots]`: how many times as long as at the average server a request takes by what others have seen; 1 = nobody has told. */
  readonly #othersRatio: Float64Array;
  #fleetUnloadedMs = 1;
  #nowMs = 0;
  #forgetMs = SPEED_MS;

  constructor(slots: number) {
    this.#speedSum = new Float64Array(slots * EXPERTS);
    this.#speedCount = new Float64Array(slots);
    this.#loss = new Float64Array(slots * EXPERTS);
    this.#weight = new Float64Array(slots * EXPERTS).fill(1 / EXPERTS);
    this.#othersLoss = new Float64Array(slots * EXPERTS);
    this.#othersRatio = new Float64Array(slots).fill(1);
    this.#heardMs = new Float64Array(slots).fill(Number.NEGATIVE_INFINITY);
  }

  /** Forgets the server in `slot`. */
  clear(slot: number): void {
    this.#speedCount[slot] = 0;
    this.#speedSum.fill(0, slot * EXPERTS, (slot + 1) * EXPERTS);
    this.#loss.fill(0, slot * EXPERTS, (slot + 1) * EXPERTS);
    this.#weight.fill(1 / EXPERTS, slot * EXPERTS, (slot + 1) * EXPERTS);
    this.#heardMs[slot] = Number.NEGATIVE_INFINITY;
    this.hear(slot, null, Number.NaN);
  }

  /**
   * What was seen here of the server in `slot`, whatever others think.
   * @param nats by size: by how much each guess is behind the best.
   * @returns how many times as long as at the average server a request takes that finds no others; NaN = too little is known.
   */
  evidence(slot: number, nowMs: number, nats: Float64Array): number {
    const at = slot * EXPERTS;
    const left = decayFactor(nowMs - this.#heardMs[slot], SIZE_MS) / DISPERSION;
    let best = 0;
    for (let e = 1; e < EXPERTS; e++) if (this.#loss[at + e] < this.#loss[at + best]) best = e;
    for (let e = 0; e < EXPERTS; e++) nats[e] = (this.#loss[at + e] - this.#loss[at + best]) * left;
    const count = this.#speedCount[slot] * decayFactor(nowMs - this.#heardMs[slot], this.#forgetMs);
    if (count < LEAST_ANSWERS || this.#fleetCount === 0) return Number.NaN;
    return this.#speedSum[at + best] / this.#speedCount[slot] / (this.#fleetSum[best] / this.#fleetCount);
  }

  /**
   * What others have seen of the server in `slot`: it counts until they say something else.
   * @param nats as `evidence` has it, of all others together; `null` = they know nothing.
   * @param ratio as `evidence` gives it.
   */
  hear(slot: number, nats: Float64Array | null, ratio: number): void {
    const at = slot * EXPERTS;
    for (let e = 0; e < EXPERTS; e++) this.#othersLoss[at + e] = nats === null ? 0 : Math.min(nats[e], MOST_OTHERS);
    this.#othersRatio[slot] = ratio > 0 ? Math.min(Math.max(ratio, 1 / MOST_RATIO), MOST_RATIO) : 1;
  }

  /**
   * A response came. Failures are not for this.
   * @param latencyMs > 0.
   * @param inFlight what was in flight at the server when the attempt was placed, without it.
   * @param meanMs the fleet's mean latency.
   */
  observe(slot: number, latencyMs: number, inFlight: number, meanMs: number, nowMs: number): void {
    this.#forgetMs = Math.max(SPEED_MS, FORGET_LATENCIES * meanMs);
    const silenceMs = nowMs - this.#heardMs[slot];
    const keepSpeed = decayFactor(silenceMs, this.#forgetMs);
    const keepLoss = decayFactor(silenceMs, SIZE_MS);
    const keepFleet = decayFactor(nowMs - this.#fleetHeardMs, FLEET_MS);
    this.#heardMs[slot] = nowMs;
    this.#fleetHeardMs = nowMs;
    const count = this.#speedCount[slot] * keepSpeed;
    const fleetBefore = this.#fleetCount;
    const fleetCount = fleetBefore * keepFleet;
    const fleetSum = this.#fleetSum;
    const speedSum = this.#speedSum;
    const loss = this.#loss;
    const requests = inFlight + 1;
    const weight = count + PRIOR_ANSWERS;
    const ratio = this.#othersRatio[slot];
    for (let e = 0, at = slot * EXPERTS; e < EXPERTS; e++, at++) {
      const queues = requests > SIZES[e];
      const growth = queues ? requests / SIZES[e] : 1;
      const unloaded = queues ? latencyMs / growth : latencyMs;
      const fleet = fleetCount > 0 ? (fleetSum[e] / fleetBefore) * ratio : unloaded;
      const sum = speedSum[at] * keepSpeed;
      const speed = (sum + PRIOR_ANSWERS * fleet) / weight;
      loss[at] = loss[at] * keepLoss + Math.log((speed * growth) / meanMs) + unloaded / speed;
      speedSum[at] = sum + unloaded;
      fleetSum[e] = fleetSum[e] * keepFleet + unloaded;
    }
    this.#speedCount[slot] = count + 1;
    this.#fleetCount = fleetCount + 1;
  }

  /** Begins a round of readings at one moment, over the servers in `slots[0 … count)`. */
  begin(slots: ArrayLike<number>, count: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#fleetLoss.fill(0);
    for (let i = 0; i < count; i++) {
      const at = slots[i] * EXPERTS;
      for (let e = 0; e < EXPERTS; e++) this.#fleetLoss[e] += this.#loss[at + e] / count;
    }
  }

  /** Prepares `expectedMs` for the server in `slot`. */
  select(slot: number): void {
    const at = slot * EXPERTS;
    const mixed = this.#mixed;
    let least = Number.POSITIVE_INFINITY;
    for (let e = 0; e < EXPERTS; e++) {
      mixed[e] = (this.#loss[at + e] + this.#fleetLoss[e]) / DISPERSION + this.#othersLoss[at + e];
      least = Math.min(least, mixed[e]);
    }
    let total = 0;
    for (let e = 0; e < EXPERTS; e++) {
      mixed[e] = Math.exp(least - mixed[e]);
      total += mixed[e];
    }
    const left = decayFactor(this.#nowMs - this.#heardMs[slot], this.#forgetMs);
    const count = this.#speedCount[slot] * left;
    const ratio = this.#othersRatio[slot];
    this.#fleetUnloadedMs = 0;
    for (let e = 0; e < EXPERTS; e++) {
      const fleet = this.#fleetCount > 0 ? this.#fleetSum[e] / this.#fleetCount : 1;
      const speed = (this.#speedSum[at + e] * left + PRIOR_ANSWERS * fleet * ratio) / (count + PRIOR_ANSWERS);
      this.#weight[at + e] = mixed[e] / total;
      this.#fleetUnloadedMs += this.#weight[at + e] * fleet;
      mixed[e] = (mixed[e] / total) * speed;
    }
  }

  /** How many times as long a request takes when it finds `inFlight` others, as was thought at the last `select`. */
  growth(slot: number, inFlight: number): number {
    const at = slot * EXPERTS;
    let sum = 0;
    for (let e = 0; e < EXPERTS; e++) sum += this.#weight[at + e] * Math.max(1, (inFlight + 1) / SIZES[e]);
    return sum;
  }

  /** What an average server takes for a request that finds no others, milliseconds; the experts of the selected server. */
  get fleetUnloadedMs(): number {
    return this.#fleetUnloadedMs;
  }

  /** The latency to expect of the selected server with `inFlight` requests at it, milliseconds. */
  expectedMs(inFlight: number): number {
    let sum = 0;
    for (let e = 0; e < EXPERTS; e++) sum += this.#mixed[e] * Math.max(1, (inFlight + 1) / SIZES[e]);
    return sum;
  }
}
