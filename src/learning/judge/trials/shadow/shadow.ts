/** A candidate on other people's traffic: what it would have cost, and how well it predicts what happened. */
import { costOf, isPositive } from "../../../../evidence/cost.ts";
import { percent, signed } from "../../../../evidence/describe.ts";
import { RunningMean } from "../../../../evidence/running-mean.ts";
import { type Finding, failed, passed } from "../../finding.ts";
import type { ShadowOptions } from "../../options.ts";
import type { AttemptRecord, DecisionViews } from "../../record.ts";
import { DissentEstimate, least } from "./dissent-estimate.ts";
import { FleetShares } from "./fleet-shares.ts";
import { Predictions } from "./predictions.ts";

/** Fails at once when so many standard deviations say so; the loop looks every second, so it takes more than for a pass. */
const SURE = 4;
/** Poor predictions show soon: from so many records on they can fail a candidate. */
const EARLY_RECORDS = 300;

/**
 * Three questions: would its choices have cost more (`DissentEstimate`), does it predict worse than the incumbent
 * (`Predictions`), and would nearly all go to one server, even if it were already crowded (`FleetShares`)?
 *
 * None of them can see what the candidate's own traffic would do to the servers. So the shadow opens the door to the
 * canary, no more.
 */
export class Shadow {
  readonly #options: ShadowOptions;
  readonly #startedMs: number;
  readonly #estimate: DissentEstimate;
  readonly #predictions = new Predictions();
  readonly #shares = new FleetShares();
  readonly #cost = new RunningMean();
  /** Decisions in which chance had a say: only they can show what another choice would have cost. */
  #explored = 0;
  /** Why it cannot be judged any further. */
  #failure: string | undefined;

  constructor(options: ShadowOptions, nowMs: number) {
    this.#options = options;
    this.#startedMs = nowMs;
    this.#estimate = new DissentEstimate(options);
  }

  /** Records that count. */
  get records(): number {
    return this.#cost.count;
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
    if (choice < 0) this.#failure = "a score of the candidate is not a number";
    else if (!isPositive(predicted)) this.#failure = `the candidate predicts a cost of ${predicted}`;
    if (this.#failure !== undefined) return;
    const cost = costOf(record.latencyMs, record.failed, record.meanMs);
    if (propensity < 1) this.#explored++;
    this.#cost.add(cost);
    // Models predict mean requests; what their choices cost is what really came.
    const typical = record.typicalMs === undefined ? cost : costOf(record.typicalMs, record.failed, record.meanMs);
    this.#predictions.observe(typical, predicted, views.incumbent.predicted(slot, inFlight));
    const stays = least(views.candidate, candidates, candidatesInFlight, choice) === choice;
    this.#shares.observe(slot, candidates[choice], stays);
    this.#estimate.observe(record, views, choice, cost);
  }

  /** The finding, or `undefined` while more data is needed. */
  finding(nowMs: number): Finding | undefined {
    const { leastRecords, leastMs, mostRecords, mostMs, tolerance, confidence, devianceTolerance } = this.#options;
    if (this.#failure !== undefined) return this.#failed(this.#failure);
    const deviance = this.#predictions.difference;
    const allowed = devianceTolerance * this.#predictions.incumbent.mean;
    const predictions = this.#predictions.describe();
    if (this.records >= EARLY_RECORDS && deviance.mean - SURE * deviance.standardError > allowed) {
      return this.#failed(`it predicts worse: ${predictions}`);
    }
    if (this.records < leastRecords || nowMs - this.#startedMs < leastMs) return undefined;

    const herd = this.#shares.herding(this.#options);
    if (herd !== undefined) return this.#failed(herd);
    const { relative, relativeError } = this.#relative();
    const estimate = `estimated cost ${signed(relative)} ± ${percent(confidence * relativeError, 1)} against the champion`;
    if (relative - SURE * relativeError > tolerance) return this.#failed(`clearly worse: ${estimate}`);

    const predictsWell = deviance.mean + confidence * deviance.standardError <= allowed;
    if (predictsWell && relative + confidence * relativeError <= tolerance) {
      return this.#passed(`not worse: ${estimate}; ${predictions}`);
    }
    // Where nothing is explored (the estimator serves), waiting would bring no overlap: the canary will tell.
    const isWorthWaiting = this.#explored > 0 || !predictsWell;
    if (isWorthWaiting && this.records < mostRecords && nowMs - this.#startedMs < mostMs) return undefined;
    if (relative - confidence * relativeError > tolerance) return this.#failed(`probably worse: ${estimate}`);
    if (deviance.mean > allowed) return this.#failed(`it predicts no better for all its data: ${predictions}`);
    const uncertain = Number.isNaN(relative) ? "too little of its dissent was tried to estimate its cost" : estimate;
    const sofar = `inconclusive after ${this.records} records, but it predicts no worse`;
    return this.#passed(`${sofar}: ${uncertain}; ${predictions}`);
  }

  #passed(reason: string): Finding {
    return passed(reason, this.#numbers());
  }

  #failed(reason: string): Finding {
    return failed(reason, this.#numbers());
  }

  /** The estimated difference and its standard error as shares of the champion's cost. */
  #relative(): { relative: number; relativeError: number } {
    const { difference, error } = this.#estimate.estimate();
    return { relative: difference / this.#cost.mean, relativeError: error / this.#cost.mean };
  }

  #numbers(): Record<string, number> {
    const { relative, relativeError } = this.#relative();
    return {
      records: this.records,
      agreement: this.#estimate.agreement,
      overlap: this.#estimate.overlap,
      championCost: this.#cost.mean,
      estimatedDifference: relative,
      estimatedDifferenceError: relativeError,
      ...this.#predictions.numbers(this.#cost.mean * this.records),
      ...this.#shares.numbers(),
    };
  }
}
