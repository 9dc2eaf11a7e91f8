/** Quantiles, means and confidence intervals. */

/** The `q`-quantile (0 … 1) of values in rising order, by linear interpolation; NaN of none. */
export function quantile(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

/** Arithmetic mean; NaN of none. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** An average with the half-width of its 95 % confidence interval. */
export interface Estimate {
  readonly value: number;
  /** `null` with fewer than two values. */
  readonly halfWidth: number | null;
}

/** Mean over seeds, with Student's interval. */
export function estimate(values: readonly number[]): Estimate {
  const value = mean(values);
  const n = values.length;
  if (n < 2) return { value, halfWidth: null };
  const variance = values.reduce((sum, x) => sum + (x - value) ** 2, 0) / (n - 1);
  return { value, halfWidth: studentQuantile(n - 1) * Math.sqrt(variance / n) };
}

/** Geometric mean of positive values, with the interval of their logarithms (half-width on the scale of the value). */
export function geometricEstimate(values: readonly number[]): Estimate {
  const logs = estimate(values.map(Math.log));
  const value = Math.exp(logs.value);
  return { value, halfWidth: logs.halfWidth === null ? null : value * Math.expm1(logs.halfWidth) };
}

/** 97.5 % quantiles of Student's t for 1 … 10 degrees of freedom; beyond, its expansion is within 0.1 %. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
const NORMAL = 1.959964;

function studentQuantile(degrees: number): number {
  if (degrees <= STUDENT.length) return STUDENT[degrees - 1];
  // Cornish & Fisher 1938.
  return (
    NORMAL +
    (NORMAL ** 3 + NORMAL) / (4 * degrees) +
    (5 * NORMAL ** 5 + 16 * NORMAL ** 3 + 3 * NORMAL) / (96 * degrees ** 2)
  );
}
