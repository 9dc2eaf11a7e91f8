/** A model is tried before it goes into service. */
import { ModelFileError } from "./model-file-error.ts";

/** Standard deviations from the mean that a new model is tried at, all features alike. */
const AT = [0, -1, 1, -4, 4, 20];

/**
 * Rows that are scaled already, `[rows × features]`: one alone, then all. Throws a `ModelFileError` about `file` when `run`
 * does: it gets scores of that many rows, or throws.
 */
export async function tryModel(
  file: string,
  features: number,
  run: (scaled: Float32Array, count: number) => Promise<unknown>,
): Promise<void> {
  const rows = Float32Array.from({ length: AT.length * features }, (_, i) => AT[Math.floor(i / features)]);
  try {
    await run(rows.slice(0, features), 1);
    await run(rows, AT.length);
  } catch (cause) {
    throw new ModelFileError(
      file,
      `fails on a trial batch (features from ${Math.min(...AT)} to ${Math.max(...AT)} standard deviations from the mean): ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Throws an `Error` for the first score that is no number. */
export function checkScores(scores: Float32Array): void {
  const wrong = scores.findIndex((score) => !Number.isFinite(score));
  if (wrong >= 0) throw new Error(`the score of row ${wrong} is ${scores[wrong]}: it must be a finite number`);
}
