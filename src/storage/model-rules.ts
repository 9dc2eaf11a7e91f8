/** Which models are kept: the same in every backend. */
import type { ModelStatus, NewModel, StoreLimits } from "./learning-store.ts";

/** Files and report of one model together: several hundred times our own model, and room for those made elsewhere. */
const MAX_MODEL_BYTES = 4 * 1024 * 1024;
/** Share of the store's bytes that models may take. */
const MODELS_SHARE = 0.25;
/** Former champions that are kept beside the newest models. */
const KEPT_CHAMPIONS = 10;
const IN_USE: readonly ModelStatus[] = ["champion", "canary", "shadow"];

/** A model, so far as it matters for whether it is kept. */
export interface KeptModel {
  readonly version: number;
  readonly status: ModelStatus;
  /** Which promotion of all that there were was its last; `null` = it never was the champion. */
  readonly promotion: number | null;
  readonly bytes: number;
}

/** The report as text. Throws a `RangeError` when the model is too large to keep. */
export function modelReport({ files, report }: NewModel): string {
  const json = JSON.stringify(report ?? null);
  const bytes = files.onnx.length + files.scalerJson.length + files.featuresJson.length + json.length;
  if (bytes <= MAX_MODEL_BYTES) return json;
  throw new RangeError(`the model has ${bytes} bytes with its report, and at most ${MAX_MODEL_BYTES} are kept`);
}

/**
 * The versions that have to go: the oldest beyond the limits, but never one in use (champion, canary, shadow) nor one of
 * the last ten former champions, where `previousChampion` is found.
 * @param models all there are, the newest first.
 */
export function surplusModels(models: readonly KeptModel[], { maxModels, maxBytes }: StoreLimits): number[] {
  const former = models.filter(({ status, promotion }) => status === "retired" && promotion !== null);
  former.sort((a, b) => b.promotion! - a.promotion!);
  const needed = new Set(former.slice(0, KEPT_CHAMPIONS).map(({ version }) => version));
  const surplus: number[] = [];
  let kept = 0;
  let keptBytes = 0;
  for (const { version, status, bytes } of models) {
    const dispensable = !needed.has(version) && !IN_USE.includes(status);
    if (dispensable && (kept >= maxModels || keptBytes + bytes > maxBytes * MODELS_SHARE)) {
      surplus.push(version);
      continue;
    }
    kept++;
    keptBytes += bytes;
  }
  return surplus;
}
