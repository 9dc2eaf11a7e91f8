/** How well a candidate predicts what happened, beside how well the incumbent does. */
import { isPositive } from "../../../../evidence/cost.ts";
import { RunningMean } from "../../../../evidence/running-mean.ts";

/** Costs below this count as this in the deviance: a logarithm of nothing is no information. */
const LEAST_COST = 0.01;

/**
 * Gamma deviance of predicted against true cost at the server that was really taken, paired with the incumbent's. A broken
 * or poisoned model predicts much worse.
 */
export class Predictions {
  readonly #candidate = new RunningMean();
  readonly #incumbent = new RunningMean();
  readonly #difference = new RunningMean();
  readonly #logError = new RunningMean();
  #sum = 0;

  /** Candidate less incumbent. */
  get difference(): RunningMean {
    return this.#difference;
  }

  get incumbent(): RunningMean {
    return this.#incumbent;
  }

  /** @param predicted by the candidate, > 0. @param incumbent likewise; no measure where it is no such number. */
  observe(cost: number, predicted: number, incumbent: number): void {
    this.#sum += predicted;
    const own = gammaDeviance(cost, predicted);
    this.#candidate.add(own);
    this.#logError.add(Math.log(Math.max(cost, LEAST_COST) / predicted));
    // An incumbent that fails is judged by the guardrail.
    if (!isPositive(incumbent)) return;
    const other = gammaDeviance(cost, incumbent);
    this.#incumbent.add(other);
    this.#difference.add(own - other);
  }

  /** For people. */
  describe(): string {
    const [candidate, incumbent] = [this.#candidate.mean.toFixed(3), this.#incumbent.mean.toFixed(3)];
    return `deviance of its predictions ${candidate}, the incumbent's ${incumbent}`;
  }

  /** @param costSum of all that was predicted. */
  numbers(costSum: number): Record<string, number> {
    return {
      deviance: this.#candidate.mean,
      incumbentDeviance: this.#incumbent.mean,
      devianceDifferenceError: this.#difference.standardError,
      meanLogError: this.#logError.mean,
      calibration: costSum / this.#sum,
    };
  }
}

/** Twice the negative log-likelihood of a gamma law with this mean, up to what does not depend on the mean. */
function gammaDeviance(cost: number, predicted: number): number {
  const ratio = Math.max(cost, LEAST_COST) / predicted;
  return 2 * (ratio - 1 - Math.log(ratio));
}
