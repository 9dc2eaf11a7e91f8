/** A promoted model on its first minutes of all the traffic. */
import type { ArmComparisonOptions } from "../../../evidence/arm-comparison.ts";
import type { ArmSummary } from "../../../evidence/bucket-sums.ts";
import type { WatchOptions } from "../options.ts";
import { isShown, type TrialRule } from "./trial.ts";

/** The record of a model that had no canary. */
export const NO_RECORD = 1;

/**
 * A model can be good at a fifth of the traffic and bad at all of it (its own choices change the servers' load), or turn bad
 * later. So the model before it keeps a share of the requests for some minutes (hold-back), and the new champion is
 * compared with that, with far more outcomes than the control arm would give. Beside that it is held to its own record: as
 * canary it cost r times what control cost; if it now costs clearly more than that, it has turned bad even where control
 * is no better. Both look for a change at any time, so a roll-back comes within seconds of it.
 *
 * How soon, and how rarely without a reason: lifecycle-simulation.test.ts.
 * @param record what it cost as canary, as a multiple of control (`recordOf`).
 */
export function watchRule(
  { ms, windowMs, error, bets, recordMargin }: WatchOptions,
  { bucketMs }: ArmComparisonOptions,
  record: number,
): TrialRule<"evidenceWorseThanBefore" | "evidenceWorseThanRecord"> {
  const common = {
    claim: "worse",
    bets,
    startWeight: 0.5,
    bucketWeight: (0.5 * bucketMs) / ms,
    ownVariance: true,
  } as const;
  return {
    windowMs,
    claims: {
      evidenceWorseThanBefore: { ...common, against: "reference" },
      evidenceWorseThanRecord: { ...common, against: "control", subjectScale: 1 / (record * (1 + recordMargin)) },
    },
    numbers: { record },
    decide({ reference: before, control, evidence, ageMs }) {
      if (isShown(evidence.evidenceWorseThanBefore, error) && before.difference > 0) {
        return { passed: false, words: "worse than the model before it:", by: before };
      }
      if (isShown(evidence.evidenceWorseThanRecord, error)) {
        const own = `as canary it cost ${record.toFixed(2)} of control`;
        return { passed: false, words: `worse than its own record (${own}): against control now`, by: control };
      }
      if (ageMs < ms) return undefined;
      const by = before.referenceCount > 0 ? before : control;
      return { passed: true, words: `proven in ${Math.round(ms / 60_000)} min:`, by };
    },
  };
}

/** What a model cost on trial as a multiple of control, for the watch over it; at most 1. */
export function recordOf({ subjectMean, referenceMean, difference, standardError }: ArmSummary): number {
  // The upper end of what it may have cost: a lucky canary must not be held to its luck.
  const record = referenceMean > 0 ? (subjectMean + 2 * standardError) / (subjectMean - difference) : Number.NaN;
  // A record of "worse than control" is no licence: the guardrail allows none of it either.
  return Number.isNaN(record) ? NO_RECORD : Math.min(1, record);
}
