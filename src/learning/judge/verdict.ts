/** What the judges decided, as it is stored, logged and shown. */
import type { VERDICT_KINDS } from "../../shared/layout.ts";

/** Policies from the best to the safest: the model, the estimator (`adaptive`), weighted round robin. */
export const RUNG = Object.freeze({ MODEL: 0, ESTIMATOR: 1, FLOOR: 2 });
/** A step of the ladder. */
export type Rung = (typeof RUNG)[keyof typeof RUNG];

/** What the policies are called where people read about them. */
export const RUNG_NAMES = Object.freeze(["the model", "the estimator", "weighted round robin"]);

/** One of them. */
export type VerdictKind = (typeof VERDICT_KINDS)[number];

/** One decision, with what it rests on. */
export interface Verdict {
  readonly atMs: number;
  /** The model that it is about; `null` when none is. */
  readonly modelVersion: number | null;
  readonly kind: VerdictKind;
  /** One sentence for an operator, with the figures that decided. */
  readonly reason: string;
  /** The same figures and others for programs. Only finite numbers. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** Drops what is not known (NaN) or not finite, because JSON has no word for it. */
export function finiteNumbers(numbers: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.freeze(Object.fromEntries(Object.entries(numbers).filter(([, value]) => Number.isFinite(value))));
}
