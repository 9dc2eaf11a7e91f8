/** Whatever gives servers scores: a model in this process or one behind an endpoint. The learner holds one of these. */

/**
 * What the scores mean. Lower is better in both.
 * - `log_relative_cost`: the logarithm of the expected cost relative to the fleet's mean latency, as `Network` has it.
 * - `score`: known to whoever made the model; only comparable with other scores of the same model.
 */
export type OutputKind = "log_relative_cost" | "score";

/** A model that is ready to be asked. */
export interface ScoreModel {
  /** What the columns of `rows` are, in order (feature-names.ts). */
  readonly featureNames: readonly string[];
  readonly outputKind: OutputKind;
  /**
   * The scores of `count` rows, in their order; all finite.
   * @param rows `[count × featureNames.length]`, row by row, in the features' own units; NaN = unknown. Read before the
   * call returns, so that the caller may fill it again at once.
   * Rejects when the model cannot give every score; the reason is made for the operator.
   */
  predict(rows: Float64Array | Float32Array, count: number): Promise<Float32Array>;
  /** Ends its use: what is being predicted is finished or rejected, and what it holds is given back. */
  release(): Promise<void>;
}

/** Throws a `RangeError` unless `rows` holds exactly `count` rows for the model. */
export function checkRows(model: Pick<ScoreModel, "featureNames">, rows: ArrayLike<number>, count: number): void {
  const expected = count * model.featureNames.length;
  if (!Number.isInteger(count) || count < 1 || rows.length !== expected) {
    throw new RangeError(
      `${count} rows of ${model.featureNames.length} features are ${expected} numbers: got ${rows.length}`,
    );
  }
}
