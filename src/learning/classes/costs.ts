/** What a request of each class costs, learned from responses; pure, with the clock passed in. */
import { decayFactor } from "../../balancing/estimators/decay.ts";
import { typicalLatencyMs } from "../../balancing/request-work.ts";
import { CLASSES, LEAST_WORK, MOST_WORK } from "../../shared/memory/layout/classes.ts";
import { ServerCurves } from "../features/server-curves.ts";

/** A response, as costs are learned from it. */
export interface CostSample {
  readonly slot: number;
  readonly requestClass: number;
  /** From the dispatch to the complete response head, milliseconds, > 0. */
  readonly latencyMs: number;
  /** At the server when it was sent there, without it. */
  readonly inFlight: number;
  /** What it and each of the others were expected to cost then, in mean requests. */
  readonly ownWork: number;
  readonly othersWork: number;
  readonly atMs: number;
}

/** So many responses of a class count, and for so long, milliseconds: a route may become cheaper with a release. */
const MOST_RESPONSES = 1000;
const FORGET_MS = 600_000;
/** How long the mean latency of all is remembered, milliseconds. */
const MEAN_FORGET_MS = 10_000;
/** So many responses before anything is said of a class. */
const LEAST_RESPONSES = 10;
/**
 * A cost within so many standard errors of 1 is 1. Beyond, it is drawn to 1 by the share that chance may have in it (James & Stein
 * 1961, the positive part): where routes say nothing, every cost is 1 and nothing is lost.
 */
const CERTAINTY = 3;
/** The same for what differs between servers: there are many pairs, and the worst of them is looked at. */
const SERVER_CERTAINTY = 4.5;
/** What a class costs at a server is at most so many times what it costs elsewhere, or that part of it. */
const MOST_DIFFERENCE = 8;
/** One response counts for at most so many times what its class was thought to cost. */
const MOST_SURPRISE = 30;

/** Weighted sums of one class, or of one class at one server. */
const Sum = { WEIGHT: 0, WORK: 1, SQUARES: 2, WEIGHT_SQUARES: 3, LENGTH: 4 } as const;
type Sums = Float64Array;

/**
 * A response of a class with cost w that found k others of mean work o took about `u · (w + (g(k) - 1) · o)`: u is what a mean
 * request takes at the server alone, g how many times as long it takes among k others (`ServerCurves`, which learns both
 * from latencies with what classes explain taken out of them). So `x / u - (g - 1) · o` is a measurement of w; those with
 * much of the queue in them count for less.
 */
export class ClassCosts {
  readonly #curves: ServerCurves;
  /** By slot: what a mean request takes alone, as of the last `tick`; 0 = not known. */
  readonly #unloadedMs: Float64Array;
  readonly #sums: Sums[] = Array.from({ length: CLASSES }, () => new Float64Array(Sum.LENGTH));
  /** By slot: `[CLASSES × Sum.LENGTH]`, for servers that were heard of. */
  readonly #bySlot: (Sums | undefined)[] = [];
  /** What was published last. */
  readonly #cost = new Float64Array(CLASSES).fill(1);
  readonly #error = new Float64Array(CLASSES);
  #meanSum = 0;
  #meanCount = 0;
  #heardMs = Number.NEGATIVE_INFINITY;
  #tickMs = Number.NEGATIVE_INFINITY;

  constructor(slots: number) {
    this.#curves = new ServerCurves(slots);
    this.#unloadedMs = new Float64Array(slots);
  }

  /** What a request of a class costs, in mean requests; 1 = not known, or not known to differ. */
  cost(requestClass: number): number {
    return this.#cost[requestClass];
  }

  /** Standard error of what was measured, as a share of it; 0 = there is too little. */
  error(requestClass: number): number {
    return this.#error[requestClass];
  }

  /** Forgets the server in `slot`. */
  clearSlot(slot: number): void {
    this.#curves.clear(slot);
    this.#unloadedMs[slot] = 0;
    this.#bySlot[slot] = undefined;
  }

  /** Forgets a class: its number is another's from now on. */
  clearClass(requestClass: number): void {
    this.#sums[requestClass].fill(0);
    this.#cost[requestClass] = 1;
    this.#error[requestClass] = 0;
    const at = requestClass * Sum.LENGTH;
    for (const sums of this.#bySlot) sums?.fill(0, at, at + Sum.LENGTH);
  }

  /** What a mean request would have taken in the place of one that took `latencyMs`, as far as that is known now. */
  typicalMs(slot: number, latencyMs: number, inFlight: number, own: number, others: number): number {
    return typicalLatencyMs(latencyMs, this.#curves.growth(slot, Math.max(0, inFlight)), own, others);
  }

  /** Takes in a good response. @returns what it cost, in mean requests; NaN = that is not known yet. */
  observe(sample: CostSample): number {
    const { slot, requestClass, latencyMs, inFlight, ownWork, othersWork, atMs } = sample;
    const k = Math.max(0, inFlight);
    const growth = this.#curves.growth(slot, k);
    const typicalMs = typicalLatencyMs(latencyMs, growth, ownWork, othersWork);
    const keep = decayFactor(atMs - this.#heardMs, MEAN_FORGET_MS);
    this.#heardMs = Math.max(this.#heardMs, atMs);
    this.#meanSum = this.#meanSum * keep + typicalMs;
    this.#meanCount = this.#meanCount * keep + 1;
    this.#curves.observe(slot, typicalMs, k, this.#meanSum / this.#meanCount, atMs);
    const unloadedMs = this.#unloadedMs[slot];
    if (unloadedMs === 0) return Number.NaN;
    const queue = (growth - 1) * othersWork;
    const most = MOST_SURPRISE * Math.max(1, this.#cost[requestClass]);
    const work = Math.min(latencyMs / unloadedMs - queue, most);
    const weight = 1 / (1 + queue) ** 2;
    add(this.#sums[requestClass], 0, work, weight);
    this.#bySlot[slot] ??= new Float64Array(CLASSES * Sum.LENGTH);
    add(this.#bySlot[slot], requestClass * Sum.LENGTH, work, weight);
    return work;
  }

  /**
   * Works out what classes cost.
   * @param slots servers that may be asked.
   * @param share by class: its share of the requests; they add up to 1.
   */
  tick(slots: ArrayLike<number>, share: ArrayLike<number>, nowMs: number): void {
    this.#curves.begin(slots, slots.length, nowMs);
    for (let i = 0; i < slots.length; i++) {
      this.#curves.select(slots[i]);
      if (this.#meanCount > 0) this.#unloadedMs[slots[i]] = this.#curves.expectedMs(0);
    }
    this.#fade(nowMs);
    let mean = 0;
    for (let c = 0; c < CLASSES; c++) {
      const sums = this.#sums[c];
      this.#error[c] = errorOf(sums, 0);
      mean += share[c] * (this.#error[c] > 0 ? meanOf(sums, 0) : 1);
    }
    if (!(mean > 0)) return;
    let drawn = 0;
    for (let c = 0; c < CLASSES; c++) {
      const error = this.#error[c];
      const measured = error > 0 ? Math.max(meanOf(this.#sums[c], 0) / mean, LEAST_WORK) : 1;
      this.#cost[c] = drawnToOne(measured, error * measured, CERTAINTY);
      drawn += share[c] * this.#cost[c];
    }
    // One that is not known keeps its 1, whatever the others cost.
    for (let c = 0; c < CLASSES; c++)
      if (drawn > 0 && this.#error[c] > 0) this.#cost[c] = within(this.#cost[c] / drawn);
  }

  /** Writes what a request of each class costs at the server in `slot` into `costs[at … at + CLASSES)`. */
  fill(slot: number, costs: Float32Array, at: number): void {
    const sums = this.#bySlot[slot];
    if (sums === undefined) {
      for (let c = 0; c < CLASSES; c++) costs[at + c] = this.#cost[c];
      return;
    }
    // A server that was taken for faster than it is, is so for all classes: that is no difference between them.
    let ratios = 0;
    let weights = 0;
    for (let c = 0; c < CLASSES; c++) {
      const n = sums[c * Sum.LENGTH + Sum.WEIGHT];
      if (errorOf(sums, c * Sum.LENGTH) === 0) continue;
      ratios += n * this.#ratio(sums, c);
      weights += n;
    }
    const common = weights > 0 && ratios > 0 ? ratios / weights : 1;
    for (let c = 0; c < CLASSES; c++) {
      const error = Math.hypot(errorOf(sums, c * Sum.LENGTH), this.#error[c]);
      if (errorOf(sums, c * Sum.LENGTH) === 0) {
        costs[at + c] = this.#cost[c];
        continue;
      }
      const ratio = Math.max(this.#ratio(sums, c) / common, 1 / MOST_DIFFERENCE);
      const drawn = Math.min(drawnToOne(ratio, error * ratio, SERVER_CERTAINTY), MOST_DIFFERENCE);
      costs[at + c] = within(this.#cost[c] * drawn);
    }
  }

  #ratio(sums: Sums, requestClass: number): number {
    const mean = meanOf(this.#sums[requestClass], 0);
    return mean > 0 ? Math.max(0, meanOf(sums, requestClass * Sum.LENGTH)) / mean : 1;
  }

  #fade(nowMs: number): void {
    const keep = decayFactor(nowMs - this.#tickMs, FORGET_MS);
    this.#tickMs = nowMs;
    for (const sums of this.#sums) for (let i = 0; i < Sum.LENGTH; i++) sums[i] *= keep;
    for (const sums of this.#bySlot) if (sums !== undefined) for (let i = 0; i < sums.length; i++) sums[i] *= keep;
  }
}

function add(sums: Sums, at: number, work: number, weight: number): void {
  const keep = 1 - 1 / MOST_RESPONSES;
  sums[at + Sum.WEIGHT] = sums[at + Sum.WEIGHT] * keep + weight;
  sums[at + Sum.WORK] = sums[at + Sum.WORK] * keep + weight * work;
  sums[at + Sum.SQUARES] = sums[at + Sum.SQUARES] * keep + weight * work * work;
  sums[at + Sum.WEIGHT_SQUARES] = sums[at + Sum.WEIGHT_SQUARES] * keep * keep + weight * weight;
}

function meanOf(sums: Sums, at: number): number {
  return sums[at + Sum.WORK] / sums[at + Sum.WEIGHT];
}

/** Standard error of the mean, as a share of it; 0 = there is too little to say, or the mean is no cost. */
function errorOf(sums: Sums, at: number): number {
  const weight = sums[at + Sum.WEIGHT];
  const effective = weight ** 2 / sums[at + Sum.WEIGHT_SQUARES];
  const mean = meanOf(sums, at);
  if (!(effective >= LEAST_RESPONSES) || !(mean > 0)) return 0;
  const variance = Math.max(0, sums[at + Sum.SQUARES] / weight - mean * mean);
  // Of equal measurements it is not 0, or they would count as none.
  return Math.max(Math.sqrt(variance / effective) / mean, 1e-6);
}

function drawnToOne(measured: number, error: number, certainty: number): number {
  const difference = measured - 1;
  if (difference === 0 || error === 0) return 1;
  return 1 + difference * Math.max(0, 1 - ((certainty * error) / difference) ** 2);
}

function within(work: number): number {
  return Math.min(Math.max(work, LEAST_WORK), MOST_WORK);
}
