/** What a judge found about a model: one shape, whoever looked and at what. */

/** A finding with what it rests on. */
export interface Finding {
  /** It speaks for the model. */
  readonly passed: boolean;
  /** One sentence for an operator, with the figures that decided. */
  readonly reason: string;
  /** The same figures and others for programs. Only finite numbers. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** A finding for the model. */
export function passed(reason: string, numbers: Readonly<Record<string, number>> = {}): Finding {
  return { passed: true, reason, numbers: finiteNumbers(numbers) };
}

/** A finding against it. */
export function failed(reason: string, numbers: Readonly<Record<string, number>> = {}): Finding {
  return { passed: false, reason, numbers: finiteNumbers(numbers) };
}

/** Drops what is not known (NaN) or not finite, because JSON has no word for it. */
export function finiteNumbers(numbers: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.freeze(Object.fromEntries(Object.entries(numbers).filter(([, value]) => Number.isFinite(value))));
}
