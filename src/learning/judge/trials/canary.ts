/** A candidate with a share of the traffic of its own, against whatever serves. */
import type { ArmComparisonOptions } from "../../../evidence/arm-comparison.ts";
import type { CanaryOptions } from "../options.ts";
import { isShown, type TrialRule } from "./trial.ts";

/**
 * One rule promotes: the evidence against "it is worse by more than the margin (1 %)" reaches 1 / `promotionError`, its
 * mean is the lower one, and the least time has passed. By Ville's inequality a candidate that *is* worse by more than
 * that is promoted with probability ≤ 5 %, however long and often one looks. A better candidate meets the rule sooner the
 * better it is. A candidate that is just as good would need hours to prove itself within 1 % and gains nothing, so it times
 * out: "promote what is not shown to be worse" would, over many candidates, let the champion decay step by step, each
 * within its margin. There is one exception: while the champion itself was found worse than the estimator, which serves in
 * its place, whoever keeps up with the estimator (5 %) replaces it. There is nothing that could decay, and without it a
 * champion that is wrong for the fleet would stay for ever, because few models beat the estimator by much.
 *
 * Harm is looked for with bets that begin anew all the time, so that it is found soon whether the candidate was bad from
 * the start or turns bad. One in twenty harmless candidates is stopped by chance at most, and loses no more than its turn.
 *
 * How often and how soon: canary.test.ts.
 * @param replaces the champion was found worse than the estimator, which serves: to keep up with that is enough.
 */
export function canaryRule(
  options: CanaryOptions,
  { bucketMs }: ArmComparisonOptions,
  replaces: boolean,
): TrialRule<"evidenceBetter" | "evidenceHarm"> {
  const { promotionBets, promotionError, harmBets, harmError, leastMs, mostMs } = options;
  const margin = replaces ? options.replacementMargin : options.margin;
  const merit = replaces ? "it keeps up with the estimator, and the champion does not:" : "better:";
  return {
    windowMs: Number.POSITIVE_INFINITY,
    claims: {
      evidenceBetter: {
        against: "reference",
        claim: "better",
        bets: promotionBets,
        startWeight: 1,
        bucketWeight: 0,
        subjectScale: 1 / (1 + margin),
        ownVariance: true,
      },
      evidenceHarm: {
        against: "reference",
        claim: "worse",
        bets: harmBets,
        startWeight: 0.5,
        bucketWeight: (0.5 * bucketMs) / mostMs,
      },
    },
    decide({ reference: by, evidence, ageMs, comparedMs }) {
      if (isShown(evidence.evidenceHarm, harmError) && by.difference > 0) {
        return { passed: false, words: "harm:", by };
      }
      const most = replaces ? margin * by.referenceMean : 0;
      const isProven = isShown(evidence.evidenceBetter, promotionError) && by.difference < most;
      if (isProven && comparedMs >= leastMs) return { passed: true, words: merit, by };
      if (ageMs < mostMs) return undefined;
      return { passed: false, words: `no advantage shown in ${Math.round(mostMs / 60_000)} min:`, by };
    },
  };
}
