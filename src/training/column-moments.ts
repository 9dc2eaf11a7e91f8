/** What the values of a feature are like over rows. */
import { FEATURE_NAMES, type FeatureName } from "../learning/features/feature-names.ts";
import { FEATURE_COUNT } from "../learning/features/fleet-features.ts";
import type { TrainingRows } from "./rows.ts";

/** Moments of the known values. */
export interface ColumnMoments {
  /** Rows in which it is known. */
  readonly known: number;
  /** 0 when it is nowhere known. */
  readonly average: number;
  /** Standard deviation; 0 for what is the same everywhere, but for rounding. */
  readonly deviation: number;
}

/** Moments of one feature. Throws a `RangeError` when there is no such feature. */
export function columnMoments(rows: TrainingRows, name: string): ColumnMoments {
  const column = columnIndex(name);
  let known = 0;
  let sum = 0;
  let squares = 0;
  for (let row = 0; row < rows.length; row++) {
    const x = rows.features[row * FEATURE_COUNT + column];
    if (Number.isNaN(x)) continue;
    known++;
    sum += x;
    squares += x * x;
  }
  if (known === 0) return { known, average: 0, deviation: 0 };
  const average = sum / known;
  const deviation = Math.sqrt(Math.max(0, squares / known - average * average));
  return { known, average, deviation: deviation > 1e-6 * Math.max(1, Math.abs(average)) ? deviation : 0 };
}

/** Makes features unknown in every row: then nothing can be learned of them, and what weighs them stays as it is. */
export function forgetColumns(rows: TrainingRows, names: readonly string[]): void {
  const columns = names.map(columnIndex);
  for (let row = 0; row < rows.length; row++) {
    for (const column of columns) rows.features[row * FEATURE_COUNT + column] = Number.NaN;
  }
}

function columnIndex(name: string): number {
  const column = FEATURE_NAMES.indexOf(name as FeatureName);
  if (column < 0) throw new RangeError(`there is no feature ${JSON.stringify(name)}`);
  return column;
}
