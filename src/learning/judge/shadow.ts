/** A candidate on other people's traffic: what it would have cost, and how well it predicts what happened. */
import { costOf } from "./cost.ts";
import { FleetShares } from "./fleet-shares.ts";
import type { ShadowOptions } from "./options.ts";
import type { AttemptRecord, DecisionViews, PolicyView } from "./record.ts";
import { RunningMean } from "./running-mean.ts";
import { finiteNumbers } from "./verdict.ts";

/** What the shadow says. `reason` is one sentence with figures. */
export interface ShadowFinding {
  readonly passed: boolean;
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** Costs below this count as this in the deviance: a logarithm of nothing is no information. */
const LEAST_COST = 0.01;
/** Fails at once when so many standard deviations say so; the loop looks every second, so it takes more than for a pass. */
const SURE = 4;
/** Poor predictions show soon: from so many records on they can fail a candidate. */
const EARLY_RECORDS = 300;

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
 *
 * An estimate of this kind cannot see what the candidate's own traffic would do to the servers. So it opens the door to the
 * canary, no more; and predictions and herding are judged beside it:
 *
 * - predictions: gamma deviance of predicted against true cost at the server that was really taken, paired with the
 *   incumbent's. A broken or poisoned model predicts much worse.
 * - herding: would nearly all go to one server, even if it were already crowded?
 */
export class Shadow {
  readonly #options: ShadowOptions;
  readonly #startedMs: number;
  readonly #directDifference = new RunningMean();
  readonly #candidateCorrection = new RunningMean();
  readonly #incumbentCorrection = new RunningMean();
  readonly #cost = new RunningMean();
  readonly #candidateDeviance = new RunningMean();
  readonly #incumbentDeviance = new RunningMean();
  readonly #devianceDifference = new RunningMean();
  readonly #logError = new RunningMean();
  readonly #shares = new FleetShares();
  #predictedSum = 0;
  #records = 0;
  /** Decisions in which chance had a say: only they can show what another choice would have cost. */
  #explored = 0;
  #dissents = 0;
  #failure: string | undefined;

  constructor(options: ShadowOptions, nowMs: number) {
    this.#options = options;
    this.#startedMs = nowMs;
  }

  /** Records that count. */
  get records(): number {
    return this.#records;
  }

  /** Takes in one attempt of the champion's arm; of other arms nothing, their choices are not the champion's. */
  observe(record: AttemptRecord, views: DecisionViews): void {
    const { slot, inFlight, candidates, candidatesInFlight, propensity } = record;
    if (record.arm !== "champion" || candidates.length < 2 || this.#failure !== undefined) return;
    if (!(propensity > 0 && propensity <= 1)) {
      throw new RangeError(`propensity is ${propensity}; it must be above 0 and at most 1`);
    }
    const choice = least(views.candidate, candidates, candidatesInFlight, -1);
    const predicted = views.candidate.predicted(slot, inFlight);
    if (choice < 0 || !(predicted > 0 && predicted < Number.POSITIVE_INFINITY)) {
      this.#failure =
        choice < 0 ? "a score of the candidate is not a number" : `the candidate predicts a cost of ${predicted}`;
      return;
    }
    const cost = costOf(record.latencyMs, record.failed, record.meanMs);
    this.#records++;
    if (propensity < 1) this.#explored++;
    this.#cost.add(cost);
    this.#observePrediction(cost, predicted, views.incumbent.predicted(slot, inFlight));

    const chosen = candidates[choice];
    const stays = least(views.candidate, candidates, candidatesInFlight, choice) === choice;
    this.#shares.observe(slot, chosen, stays);
    this.#observeDissent(record, views, choice, cost);
  }

  /** The finding, or `undefined` while more data is needed. */
  finding(nowMs: number): ShadowFinding | undefined {
    const { leastRecords, leastMs, mostRecords, mostMs, tolerance, confidence, devianceTolerance } = this.#options;
    if (this.#failure !== undefined) return this.#found(false, this.#failure);
    const deviance = this.#devianceDifference;
    const allowed = devianceTolerance * this.#incumbentDeviance.mean;
    const predictions = `deviance of its predictions ${this.#candidateDeviance.mean.toFixed(3)}, the incumbent's ${this.#incumbentDeviance.mean.toFixed(3)}`;
    if (this.#records >= EARLY_RECORDS && deviance.mean - SURE * deviance.standardError > allowed) {
      return this.#found(false, `it predicts worse: ${predictions}`);
    }
    if (this.#records < leastRecords || nowMs - this.#startedMs < leastMs) return undefined;

    const herd = this.#shares.herding(this.#options);
    if (herd !== undefined) return this.#found(false, herd);
    const { difference, error } = this.#estimate();
    const relative = difference / this.#cost.mean;
    const relativeError = error / this.#cost.mean;
    const estimate = `estimated cost ${signed(relative)} ± ${percent(confidence * relativeError)} against the champion`;
    if (relative - SURE * relativeError > tolerance) return this.#found(false, `clearly worse: ${estimate}`);

    const predictsWell = deviance.mean + confidence * deviance.standardError <= allowed;
    if (predictsWell && relative + confidence * relativeError <= tolerance) {
      return this.#found(true, `not worse: ${estimate}; ${predictions}`);
    }
    // Where nothing is explored (the estimator serves), waiting would bring no overlap: the canary will tell.
    const isWorthWaiting = this.#explored > 0 || !predictsWell;
    if (isWorthWaiting && this.#records < mostRecords && nowMs - this.#startedMs < mostMs) return undefined;
    if (relative - confidence * relativeError > tolerance) return this.#found(false, `probably worse: ${estimate}`);
    if (deviance.mean > allowed) return this.#found(false, `it predicts no better for all its data: ${predictions}`);
    const uncertain = Number.isNaN(relative) ? "too little of its dissent was tried to estimate its cost" : estimate;
    return this.#found(
      true,
      `inconclusive after ${this.#records} records, but it predicts no worse: ${uncertain}; ${predictions}`,
    );
  }

  #observePrediction(cost: number, predicted: number, incumbent: number): void {
    this.#predictedSum += predicted;
    const own = gammaDeviance(cost, predicted);
    this.#candidateDeviance.add(own);
    this.#logError.add(Math.log(Math.max(cost, LEAST_COST) / predicted));
    // An incumbent that fails is no measure; it is judged by the guardrail.
    if (!(incumbent > 0 && incumbent < Number.POSITIVE_INFINITY)) return;
    const other = gammaDeviance(cost, incumbent);
    this.#incumbentDeviance.add(other);
    this.#devianceDifference.add(own - other);
  }

  #observeDissent(record: AttemptRecord, { incumbent, direct }: DecisionViews, choice: number, cost: number): void {
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

  /** Difference in cost per request, candidate less champion, with its standard error. NaN = too little overlap. */
  #estimate(): { difference: number; error: number } {
    if (this.#dissents < this.#options.leastOverlap / 2) return { difference: 0, error: 0 };
    const share = this.#dissents / this.#records;
    if (this.#candidateCorrection.count < this.#options.leastOverlap)
      return { difference: Number.NaN, error: Number.NaN };
    const difference = this.#directDifference.mean + this.#candidateCorrection.mean - this.#incumbentCorrection.mean;
    const squaredError =
      this.#directDifference.squaredError +
      this.#candidateCorrection.squaredError +
      this.#incumbentCorrection.squaredError;
    return { difference: share * difference, error: share * Math.sqrt(squaredError) };
  }

  #found(passed: boolean, reason: string): ShadowFinding {
    const { difference, error } = this.#estimate();
    return {
      passed,
      reason,
      numbers: finiteNumbers({
        records: this.#records,
        agreement: 1 - this.#dissents / this.#records,
        overlap: this.#candidateCorrection.count,
        championCost: this.#cost.mean,
        estimatedDifference: difference / this.#cost.mean,
        estimatedDifferenceError: error / this.#cost.mean,
        deviance: this.#candidateDeviance.mean,
        incumbentDeviance: this.#incumbentDeviance.mean,
        devianceDifferenceError: this.#devianceDifference.standardError,
        meanLogError: this.#logError.mean,
        calibration: (this.#cost.mean * this.#records) / this.#predictedSum,
        ...this.#shares.numbers(),
      }),
    };
  }
}

/**
 * Index of the candidate with the least score; -1 when a score is not a number. The first of equals.
 * @param crowded index of a candidate that is scored as if four times as much were in flight there; -1 = none.
 * @param exceptSlot a slot that is not looked at.
 */
function least(
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

/** Twice the negative log-likelihood of a gamma law with this mean, up to what does not depend on the mean. */
function gammaDeviance(cost: number, predicted: number): number {
  const ratio = Math.max(cost, LEAST_COST) / predicted;
  return 2 * (ratio - 1 - Math.log(ratio));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function signed(share: number): string {
  return share > 0 ? `+${percent(share)}` : percent(share);
}
