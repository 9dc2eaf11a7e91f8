/** Comparisons in words and in figures, the same in all verdicts. */
import type { ArmSummary } from "./arm-comparison.ts";

/** `cost 1.21 against 1.02 (+18.6 % ± 4.0 %; 812 and 210 outcomes)`; ± is one standard error. */
export function describe(summary: ArmSummary): string {
  const { subjectMean, referenceMean, relative, standardError, subjectCount, referenceCount } = summary;
  if (Number.isNaN(relative)) return `too few outcomes to compare (${subjectCount} and ${referenceCount})`;
  const change = `${relative > 0 ? "+" : ""}${(relative * 100).toFixed(1)} %`;
  const error = `${((standardError / referenceMean) * 100).toFixed(1)} %`;
  return (
    `cost ${subjectMean.toFixed(2)} against ${referenceMean.toFixed(2)} ` +
    `(${change} ± ${error}; ${subjectCount} and ${referenceCount} outcomes)`
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
