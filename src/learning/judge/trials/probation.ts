/** The model on a small share of the traffic while the estimator serves: may it come back? */
import type { GuardrailOptions } from "../options.ts";
import { isShown, type TrialRule } from "./trial.ts";

/**
 * The model need not prove that it is better, only that it does no evident harm: it was promoted on better evidence once,
 * and the guardrail goes on watching it. It returns after a time with enough outcomes whose mean is not worse beyond
 * tolerance and chance; it is sent back as soon as there is evidence of harm.
 */
export function probationRule(options: GuardrailOptions): TrialRule<"evidenceHarm"> {
  const { bets, probationMs, probationOutcomes, longestProbationMs, probationError, tolerance } = options;
  return {
    windowMs: longestProbationMs,
    claims: { evidenceHarm: { against: "reference", claim: "worse", bets, startWeight: 1, bucketWeight: 0 } },
    decide({ reference: by, evidence, ageMs }) {
      if (isShown(evidence.evidenceHarm, probationError)) return { passed: false, words: "still worse:", by };
      if (ageMs < probationMs) return undefined;
      if (by.subjectCount < probationOutcomes && ageMs < longestProbationMs) return undefined;
      // One standard error of doubt is the model's: what it hides, the guardrail will find.
      if (by.difference - by.standardError > tolerance * by.referenceMean) {
        return { passed: false, words: "still worse:", by };
      }
      return { passed: true, words: "not worse on probation:", by };
    },
  };
}
