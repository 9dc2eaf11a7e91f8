/** What is believed of how many requests each server works on at once. */
import { decayFactor } from "../../balancing/estimators/decay.ts";

/** Requests that a server may work on at once without slowing down, one guess an expert. */
const SIZES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, Number.POSITIVE_INFINITY] as const;
const GUESSES = SIZES.length;
/** How many sizes are told apart, by all instances that tell each other what they believe. */
export const SIZE_GUESSES = GUESSES;
/** How long responses count for a server's speed, milliseconds; slow fleets are remembered for so many mean latencies. */
const MEMORIES_MS = [400, 4000] as const;
const MEMORY_LATENCIES = [8, 70] as const;
const MEMORIES = MEMORIES_MS.length;
/** Each guess is made twice: of a server that shares itself, and of one that queues requests which differ in work. */
const CURVES = 2 * GUESSES;
const EXPERTS = MEMORIES * CURVES;
/** How long they count for its size. */
const SIZE_MS = 60_000;
const SIZE_LATENCIES = 500;
/** Responses that the first guess at a server's speed counts for. */
const PRIOR_ANSWERS = 1;
/** No response counts for more than so many times what was expected: work differs, and a few requests must not decide. */
const MOST_RATIO = 10;
/** Latencies scatter about their mean; losses count for less by how much (the dispersion of a quasi-likelihood). */
const LEAST_DISPERSION = 1;
const MOST_DISPERSION = 8;
/** Responses over which that is averaged. */
const DISPERSION_ANSWERS = 500;
/** No guess falls further behind the best than this, nats: a server that changes is known again soon (Herbster & Warmuth 1998). */
const MOST_BEHIND = 30;
/** Before anything is seen, "it does not slow down with load" is as likely as so many of the other guesses together. */
const PRIOR_FLAT = 4;
/** A server is of a size that is among the fleet's but for this probability. */
const STRANGER = 0.05;
/**
 * What others believe of a server is wrong here but for this probability: they may reach it over another network, or not tell the truth.
 * So it counts for as much as a dozen responses, and what is seen here for more.
 */
const OTHERS_WRONG = 0.05;
/** How long responses count for the fleet's speed. */
const FLEET_MS = 10_000;

/**
 * Two experts for each guess c and memory m. They hold that a request that finds k others takes `s · (1 + γ · max(0, (k + 1) / c
 * - 1))`, and learn the speed s with the forgetting m. γ is 1 where the server shares itself among all requests, whatever their
 * work, and where it queues what is beyond c and work is alike. Where work differs, who waits is likely to wait for a long
 * one, and γ is (1 + v) / 2 with v the squared coefficient of variation (the Pollaczek–Khinchine formula): without that a few
 * heavy requests among many light ones make a server look much smaller than it is. Each
 * predicts every latency before it is seen, and is believed in proportion to e^-loss with the gamma distribution's loss
 * (Vovk 1990; Cesa-Bianchi & Lugosi 2006), as `ServerCurves` does it for the network's inputs. What limits need differs:
 *
 * - Two memories. When a server is slow for a while, more is in flight there meanwhile: whoever does not follow its speed
 *   takes the one for the consequence of the other, and the server for a small one. An expert that follows wins then.
 * - Bounded losses: a server that was resized is known again after a dozen nats, not after as long as it was known.
 * - The scatter of latencies is measured, and no single one counts for much: evidence is worth what it is.
 */
export class SizeBelief {
  /** `[slots × EXPERTS]`: sums of latency / growth with the forgetting of the memory. */
  readonly #speedSum: Float64Array;
  /** `[slots × MEMORIES]`: responses in them. */
  readonly #speedCount: Float64Array;
  /** `[slots × EXPERTS]`: nats, the best expert at 0. */
  readonly #loss: Float64Array;
  readonly #heardMs: Float64Array;
  /** `[slots × GUESSES]`: how likely each size is by what others have seen, less 1; all 0 = nobody has told. */
  readonly #others: Float64Array;
  /** `[GUESSES]`: the fleet's mean latency / growth as each guess has it: its sum, and the responses in it. */
  readonly #fleetSum = new Float64Array(CURVES);
  /** `[CURVES]`: of the response that is taken in, by how much longer it took than one that found no others. */
  readonly #growth = new Float64Array(CURVES);
  #fleetCount = 0;
  #fleetHeardMs = Number.NEGATIVE_INFINITY;
  /** `[GUESSES]`: how likely each size is in the fleet. */
  readonly #fleet = new Float64Array(GUESSES);
  readonly #weight = new Float64Array(GUESSES);
  #dispersion = 2;
  #nowMs = 0;
  #meanMs = 1;

  constructor(slots: number) {
    this.#speedSum = new Float64Array(slots * EXPERTS);
    this.#speedCount = new Float64Array(slots * MEMORIES);
    this.#loss = new Float64Array(slots * EXPERTS);
    this.#heardMs = new Float64Array(slots).fill(Number.NEGATIVE_INFINITY);
    this.#others = new Float64Array(slots * GUESSES);
  }

  /** Forgets the server in `slot`. */
  clear(slot: number): void {
    this.#speedSum.fill(0, slot * EXPERTS, (slot + 1) * EXPERTS);
    this.#speedCount.fill(0, slot * MEMORIES, (slot + 1) * MEMORIES);
    this.#loss.fill(0, slot * EXPERTS, (slot + 1) * EXPERTS);
    this.#heardMs[slot] = Number.NEGATIVE_INFINITY;
    this.hear(slot, null);
  }

  /**
   * What this instance's own responses say of the server in `slot`, whatever others think.
   * @param nats by size: by how much each guess is behind the best, 0 … `MOST_BEHIND`.
   */
  evidence(slot: number, nowMs: number, nats: Float64Array): void {
    const left = this.#left(slot, nowMs);
    nats.fill(0);
    for (let m = 0, at = slot * EXPERTS; m < MEMORIES; m++) {
      for (let g = 0; g < CURVES; g++, at++) nats[g % GUESSES] += Math.exp(-this.#loss[at] * left);
    }
    let most = 0;
    for (let g = 0; g < GUESSES; g++) most = Math.max(most, nats[g]);
    for (let g = 0; g < GUESSES; g++) nats[g] = Math.min(Math.log(most / nats[g]), MOST_BEHIND);
  }

  /**
   * What others have seen of the server in `slot`: it counts until they say something else.
   * @param nats as `evidence` has it, of all others together; `null` = they know nothing.
   */
  hear(slot: number, nats: Float64Array | null): void {
    const others = this.#others;
    const at = slot * GUESSES;
    if (nats === null) {
      others.fill(0, at, at + GUESSES);
      return;
    }
    let total = 0;
    for (let g = 0; g < GUESSES; g++) total += Math.exp(-nats[g]);
    for (let g = 0; g < GUESSES; g++) {
      others[at + g] = ((1 - OTHERS_WRONG) * Math.exp(-nats[g])) / total + OTHERS_WRONG / GUESSES - 1;
    }
  }

  /**
   * A response came. Failures are not for this.
   * @param latencyMs > 0.
   * @param inFlight at the server when the request was sent, without it.
   * @param meanMs the fleet's mean latency.
   */
  observe(slot: number, latencyMs: number, inFlight: number, meanMs: number, nowMs: number): void {
    const silenceMs = nowMs - this.#heardMs[slot];
    this.#heardMs[slot] = nowMs;
    this.#meanMs = meanMs;
    const keepLoss = decayFactor(silenceMs, Math.max(SIZE_MS, SIZE_LATENCIES * meanMs));
    const loss = this.#loss;
    const speedSum = this.#speedSum;
    const fleetSum = this.#fleetSum;
    const keepFleet = decayFactor(nowMs - this.#fleetHeardMs, FLEET_MS);
    this.#fleetHeardMs = nowMs;
    const fleetCount = this.#fleetCount * keepFleet + 1;
    this.#fleetCount = fleetCount;
    const requests = inFlight + 1;
    const steep = (1 + this.#dispersion) / 2;
    const growths = this.#growth;
    for (let g = 0; g < GUESSES; g++) {
      const beyond = requests > SIZES[g] ? requests / SIZES[g] - 1 : 0;
      growths[g] = 1 + beyond;
      growths[GUESSES + g] = 1 + steep * beyond;
    }
    for (let g = 0; g < CURVES; g++) fleetSum[g] = fleetSum[g] * keepFleet + latencyMs / growths[g];
    const share = 1 / this.#dispersion;
    let least = Number.POSITIVE_INFINITY;
    let bestRatio = 1;
    let at = slot * EXPERTS;
    for (let m = 0; m < MEMORIES; m++) {
      const keep = decayFactor(silenceMs, Math.max(MEMORIES_MS[m], MEMORY_LATENCIES[m] * meanMs));
      const count = this.#speedCount[slot * MEMORIES + m] * keep;
      for (let g = 0; g < CURVES; g++, at++) {
        const growth = growths[g];
        const unloaded = latencyMs / growth;
        const sum = speedSum[at] * keep;
        const speed = (sum + (PRIOR_ANSWERS * fleetSum[g]) / fleetCount) / (count + PRIOR_ANSWERS);
        const ratio = Math.min(unloaded / speed, MOST_RATIO);
        const behind = loss[at] * keepLoss;
        if (behind < least) bestRatio = ratio;
        const now = behind + share * (Math.log((speed * growth) / meanMs) + ratio);
        loss[at] = now;
        if (behind < least) least = behind;
        speedSum[at] = sum + Math.min(unloaded, MOST_RATIO * speed);
      }
      this.#speedCount[slot * MEMORIES + m] = count + 1;
    }
    this.#settle(slot);
    this.#disperse(bestRatio);
  }

  /** Begins a round of readings at one moment, over the servers in `slots[0 … count)`. */
  begin(slots: ArrayLike<number>, count: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#fleet.fill(0);
    for (let i = 0; i < count; i++) {
      this.#read(slots[i]);
      for (let g = 0; g < GUESSES; g++) this.#fleet[g] += this.#weight[g] / count;
    }
    for (let g = 0; g < GUESSES; g++) this.#fleet[g] = (1 - STRANGER) * this.#fleet[g] + STRANGER / GUESSES;
  }

  /** Prepares `sizeBelow` for the server in `slot`: what it shows itself, and what sizes there are in the fleet. */
  select(slot: number): void {
    this.#read(slot);
    let total = 0;
    for (let g = 0; g < GUESSES; g++) {
      this.#weight[g] *= this.#fleet[g];
      total += this.#weight[g];
    }
    for (let g = 0; g < GUESSES; g++) this.#weight[g] /= total;
  }

  /** The size that the selected server does not exceed, with that share of the belief; `Infinity` = nobody can say. */
  sizeBelow(belief: number): number {
    let sum = 0;
    for (let g = 0; g < GUESSES - 1; g++) {
      sum += this.#weight[g];
      if (sum >= belief) return SIZES[g];
    }
    return Number.POSITIVE_INFINITY;
  }

  /** How much of what was seen of the server still counts. */
  #left(slot: number, nowMs: number): number {
    return decayFactor(nowMs - this.#heardMs[slot], Math.max(SIZE_MS, SIZE_LATENCIES * this.#meanMs));
  }

  /** Belief in each guess by the server's own responses, over all memories, and by what others have seen; sums up to 1. */
  #read(slot: number): void {
    const left = this.#left(slot, this.#nowMs);
    const weight = this.#weight.fill(0);
    for (let m = 0, at = slot * EXPERTS; m < MEMORIES; m++) {
      for (let g = 0; g < CURVES; g++, at++) weight[g % GUESSES] += Math.exp(-this.#loss[at] * left);
    }
    weight[GUESSES - 1] *= PRIOR_FLAT;
    let total = 0;
    for (let g = 0; g < GUESSES; g++) {
      weight[g] *= 1 + this.#others[slot * GUESSES + g];
      total += weight[g];
    }
    for (let g = 0; g < GUESSES; g++) weight[g] /= total;
  }

  /** The best is at 0, and nobody is too far behind. */
  #settle(slot: number): void {
    const loss = this.#loss;
    const end = (slot + 1) * EXPERTS;
    let least = Number.POSITIVE_INFINITY;
    for (let at = slot * EXPERTS; at < end; at++) if (loss[at] < least) least = loss[at];
    for (let at = slot * EXPERTS; at < end; at++) loss[at] = Math.min(loss[at] - least, MOST_BEHIND);
  }

  #disperse(ratio: number): void {
    const error = (ratio - 1) * (ratio - 1);
    this.#dispersion += (error - this.#dispersion) / DISPERSION_ANSWERS;
    this.#dispersion = Math.min(Math.max(this.#dispersion, LEAST_DISPERSION), MOST_DISPERSION);
  }
}
