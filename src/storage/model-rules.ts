/** Which models are kept: the same in every backend. */
import type { ModelStatus, NewModel, StoreLimits } from "./learning-store.ts";

/** Files and report of one model together: several hundred times our own model, and room for those made elsewhere. */
const MAX_MODEL_BYTES = 4 * 1024 * 1024;
/** Share of the store's bytes that models may take. */
const MODELS_SHARE = 0.25;
/** Former champions that are kept beside the newest models: of all pools, and of each in any case. */
const KEPT_CHAMPIONS = 10;
const LEAST_KEPT_CHAMPIONS = 2;
const IN_USE: readonly ModelStatus[] = ["champion", "canary", "shadow"];

/** A model, so far as it matters for whether it is kept. */
export interface KeptModel {
  readonly pool: string;
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
 * its pool's last former champions, where `previousChampion` is found. Within its equal part of the limits each pool keeps
 * its newest; what others leave of theirs is for the newest of all.
 * @param models all there are, the newest first.
 */
export function surplusModels(models: readonly KeptModel[], { maxModels, maxBytes }: StoreLimits): number[] {
  const pools = Map.groupBy(models, ({ pool }) => pool);
  const kept = new Set<KeptModel>();
  const all = new Room(maxModels, maxBytes * MODELS_SHARE);
  for (const ofPool of pools.values()) {
    const part = new Room(Math.floor(maxModels / pools.size), (maxBytes * MODELS_SHARE) / pools.size);
    const needed = formerChampions(ofPool, Math.max(LEAST_KEPT_CHAMPIONS, Math.floor(KEPT_CHAMPIONS / pools.size)));
    for (const model of ofPool) {
      const isNeeded = needed.has(model) || IN_USE.includes(model.status);
      if (!isNeeded && !part.has(model)) continue;
      part.take(model);
      all.take(model);
      kept.add(model);
    }
  }
  const surplus: number[] = [];
  for (const model of models) {
    if (kept.has(model)) continue;
    if (all.has(model)) all.take(model);
    else surplus.push(model.version);
  }
  return surplus;
}

function formerChampions(models: readonly KeptModel[], count: number): ReadonlySet<KeptModel> {
  const former = models.filter(({ status, promotion }) => status === "retired" && promotion !== null);
  return new Set(former.sort((a, b) => b.promotion! - a.promotion!).slice(0, count));
}

/** For so many models, and so many bytes of them. */
class Room {
  #models: number;
  #bytes: number;

  constructor(models: number, bytes: number) {
    this.#models = models;
    this.#bytes = bytes;
  }

  has({ bytes }: KeptModel): boolean {
    return this.#models > 0 && bytes <= this.#bytes;
  }

  take({ bytes }: KeptModel): void {
    this.#models--;
    this.#bytes -= bytes;
  }
}
