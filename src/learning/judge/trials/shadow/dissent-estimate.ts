/** What a candidate's choices would have cost, estimated from decisions that others made. */
import { RunningMean } from "../../../../evidence/running-mean.ts";
import type { ShadowOptions } from "../../options.ts";
import type { AttemptRecord, DecisionViews, PolicyView } from "../../record.ts";

/**
 * Off-policy estimate, doubly robust (Dudík, Langford & Li 2011). Where candidate and champion choose the same server
 * nothing differs, so only their disagreements count, weighted with their share s of all decisions:
 *
 *     Δ = s · ( E[q(c) - q(b)] + E_c[cost - q] - E_b[cost - q] )
 *
 * b is the champion's best server, c the candidate's, q(slot, k) the estimator's direct estimate. The second term corrects q
 * by decisions where exploration really took c, the third by those where b was taken; both are averages weighted with
 * 1 / propensity (clipped, self-normalised). The estimate is right if q is right *or* the propensities are. Only the champion's
 * second-best server is ever explored: dissent beyond it is corrected like dissent within, and `overlap` says how much was
 * really tried.
 */
export class DissentEstimate {
  readonly #options: Pick<ShadowOptions, "clip" | "leastOverlap">;
  readonly #directDifference = new RunningMean();
  readonly #candidateCorrection = new RunningMean();
  readonly #incumbentCorrection = new RunningMean();
  #decisions = 0;
  #dissents = 0;

  constructor(options: Pick<ShadowOptions, "clip" | "leastOverlap">) {
    this.#options = options;
  }

  /** @param choice index of the server that the candidate would have chosen. */
  observe(record: AttemptRecord, { incumbent, direct }: DecisionViews, choice: number, cost: number): void {
    this.#decisions++;
    const { slot, inFlight, candidates, candidatesInFlight, propensity } = record;
    // What was taken with a propensity of one half or more was the champion's best; else the best was another one.
    let best = -1;
    if (propensity < 0.5) best = least(incumbent, candidates, candidatesInFlight, -1, slot);
    else for (let i = 0; i < candidates.length; i++) if (candidates[i] === slot) best = i;
    if (best < 0 || best === choice) return;
    this.#dissents++;
    this.#directDifference.add(
      direct(candidates[choice], candidatesInFlight[choice]) - direct(candidates[best], candidatesInFlight[best]),
    );
    const residual = cost - direct(slot, inFlight);
    const weight = Math.min(1 / propensity, this.#options.clip);
    if (slot === candidates[choice]) this.#candidateCorrection.add(residual, weight);
    else if (slot === candidates[best]) this.#incumbentCorrection.add(residual, weight);
  }

  /** Share of decisions in which both choose alike. */
  get agreement(): number {
    return 1 - this.#dissents / this.#decisions;
  }

  /** Decisions in which the candidate's dissent was really tried. */
  get overlap(): number {
    return this.#candidateCorrection.count;
  }

  /** Difference in cost per request, candidate less champion, with its standard error. NaN = too little overlap. */
  estimate(): { difference: number; error: number } {
    const { leastOverlap } = this.#options;
    if (this.#dissents < leastOverlap / 2) return { difference: 0, error: 0 };
    if (this.overlap < leastOverlap) return { difference: Number.NaN, error: Number.NaN };
    const share = this.#dissents / this.#decisions;
    const difference = this.#directDifference.mean + this.#candidateCorrection.mean - this.#incumbentCorrection.mean;
    const squaredError =
      this.#directDifference.squaredError +
      this.#candidateCorrection.squaredError +
      this.#incumbentCorrection.squaredError;
    return { difference: share * difference, error: share * Math.sqrt(squaredError) };
  }
}

/**
 * Index of the candidate with the least score; -1 when a score is not a number. The first of equals.
 * @param crowded index of a candidate that is scored as if four times as much were in flight there; -1 = none.
 * @param exceptSlot a slot that is not looked at.
 */
export function least(
  view: PolicyView,
  candidates: ArrayLike<number>,
  inFlight: ArrayLike<number>,
  crowded: number,
  exceptSlot = -1,
): number {
  let best = -1;
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < candidates.length; i++) {
    if (candidates[i] === exceptSlot) continue;
    const score = view.score(candidates[i], i === crowded ? 4 * (inFlight[i] + 1) : inFlight[i]);
    if (Number.isNaN(score)) return -1;
    if (best >= 0 && score >= lowest) continue;
    lowest = score;
    best = i;
  }
  return best;
}
