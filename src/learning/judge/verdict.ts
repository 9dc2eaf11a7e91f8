/** What the judges decided, as it is stored, logged and shown. */

/** Policies from the best to the safest: the model, the estimator (`adaptive`), weighted round robin. */
export const RUNG = Object.freeze({ MODEL: 0, ESTIMATOR: 1, FLOOR: 2 });
/** A step of the ladder. */
export type Rung = (typeof RUNG)[keyof typeof RUNG];

/** What the policies are called where people read about them. */
export const RUNG_NAMES = Object.freeze(["the model", "the estimator", "weighted round robin"]);

/** Kinds of verdict. */
export const VERDICT_KINDS = [
  /** A candidate came; its shadow begins. */
  "candidate",
  "shadow_passed",
  "shadow_failed",
  "canary_started",
  "promoted",
  "rejected",
  /** A promoted model has proven itself. */
  "watch_passed",
  /** The model before it serves again. */
  "rolled_back",
  /** The guardrail went down the ladder. */
  "demoted",
  /** The model gets a small share while the estimator serves. */
  "probation_started",
  "probation_failed",
  /** The guardrail came back up. */
  "recovered",
  "paused",
  "resumed",
] as const;
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
