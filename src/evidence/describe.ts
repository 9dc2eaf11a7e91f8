/** Comparisons in words and in figures, the same in all verdicts. */
import type { ArmSummary } from "./bucket-sums.ts";

/** `cost 1.21 against 1.02 (+18.6 % ± 4.0 %; 812 and 210 outcomes)`; ± is one standard error. */
export function describe(summary: ArmSummary): string {
  const { subjectMean, referenceMean, relative, standardError, subjectCount, referenceCount } = summary;
  if (Number.isNaN(relative)) return `too few outcomes to compare (${subjectCount} and ${referenceCount})`;
  return (
    `cost ${subjectMean.toFixed(2)} against ${referenceMean.toFixed(2)} ` +
    `(${signed(relative)} ± ${percent(standardError / referenceMean, 1)}; ${subjectCount} and ${referenceCount} outcomes)`
  );
}

/** The same for programs. */
export function figures(summary: ArmSummary): Record<string, number> {
  return {
    cost: summary.subjectMean,
    referenceCost: summary.referenceMean,
    relative: summary.relative,
    relativeError: summary.standardError / summary.referenceMean,
    outcomes: summary.subjectCount,
    referenceOutcomes: summary.referenceCount,
  };
}

/** A share as people write it: `19 %`. */
export function percent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** A change as people write it: `+18.6 %`. */
export function signed(share: number): string {
  return `${share > 0 ? "+" : ""}${percent(share, 1)}`;
}
