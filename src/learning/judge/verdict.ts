/** What the judges decided, as it is stored, logged and shown. */
import type { VERDICT_KINDS } from "../../shared/memory/layout/learning.ts";
import { type Finding, finiteNumbers } from "./finding.ts";

/** What may be decided. */
export type VerdictKind = (typeof VERDICT_KINDS)[number];

/** One decision, with what it rests on. */
export interface Verdict extends Omit<Finding, "passed"> {
  readonly atMs: number;
  /** The model that it is about; `null` when none is. */
  readonly modelVersion: number | null;
  readonly kind: VerdictKind;
}

/** A verdict, with those of its numbers that are finite. */
export function verdict(
  atMs: number,
  kind: VerdictKind,
  modelVersion: number | null,
  reason: string,
  numbers: Readonly<Record<string, number>> = {},
): Verdict {
  return Object.freeze({ atMs, modelVersion, kind, reason, numbers: finiteNumbers(numbers) });
}
