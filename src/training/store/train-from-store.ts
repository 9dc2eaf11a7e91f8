/** Fine-tuning on the samples of a store: what the balancer's own traffic says. */
import { ModelFileError } from "../../learning/models/files/model-file-error.ts";
import { encodeModelFiles } from "../../learning/models/files/model-files.ts";
import type { Network } from "../../learning/models/network.ts";
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import type { LearningReader, TrainingStore } from "../../storage/learning-store.ts";
import { compareDeviance } from "../deviance-comparison.ts";
import type { TrainingRows } from "../rows.ts";
import { type FineTuneOptions, type FineTuneReport, fineTune, TooFewRowsError } from "./fine-tune.ts";
import { readSampleRows, type SampleRowOptions, type SampleRows } from "./sample-rows.ts";
import { networkOf } from "./stored-network.ts";

/** Which samples, and how they are learned from. */
export interface StoreTrainingOptions extends FineTuneOptions, SampleRowOptions {}

/** Unless told otherwise. */
export const SAMPLE_DEFAULTS: SampleRowOptions = Object.freeze({
  pool: DEFAULT_POOL,
  rows: 200_000,
  halfLifeMs: 6 * 3600 * 1000,
});

/** What the training began with. */
export interface StartingModel {
  readonly network: Network;
  /** The champion's version; `null` = the shipped model. */
  readonly version: number | null;
  /** Why it is not the champion, when there is one. */
  readonly note: string | null;
}

/** What a training on samples measured, and of what. */
export interface StoreReport extends FineTuneReport {
  readonly from: "store";
  readonly options: Omit<StoreTrainingOptions, "onEpoch">;
  readonly start: Omit<StartingModel, "network">;
  readonly samples: Omit<SampleRows, "rows">;
}

/** A model that was trained on the store's samples. */
export interface StoreTraining {
  readonly network: Network;
  readonly report: StoreReport;
}

/**
 * Trains the pool's champion further, or the shipped model where there is none that can be trained. Rejects with a
 * `TooFewRowsError`, a `TrainingError` when the result is unusable, a `StoreError` when the store cannot be read.
 */
export async function trainFromStore(
  store: LearningReader,
  shipped: () => Network,
  options: StoreTrainingOptions,
): Promise<StoreTraining> {
  const current = await startingModel(store, options.pool, shipped);
  const { rows, ...samples } = await readSampleRows(store, options);
  if (rows.length < options.leastRows) {
    const left = `${samples.failed} failed, ${samples.unusable} unusable and ${samples.skipped} with other features were left out`;
    const of = options.pool === DEFAULT_POOL ? "" : ` of the pool ${options.pool}`;
    throw new TooFewRowsError(
      `the store has ${rows.length} samples${of} to learn from (${left}), and ${options.leastRows} are needed: let the balancer serve for longer`,
    );
  }
  const { network: start, ...origin } = bestStart(current, shipped(), rows, options);
  const { network, report } = fineTune(start, rows, options, current.network);
  const { onEpoch: _, ...written } = options;
  return { network, report: { from: "store", options: written, start: origin, samples, ...report } };
}

/**
 * The current model, unless the shipped one or the bare estimator predicts the rows better for sure: the pull towards what a
 * training begins with would hold it to a model that is wrong for the fleet. The newest rows have no say in it.
 */
function bestStart(
  current: StartingModel,
  shipped: Network,
  rows: TrainingRows,
  { holdOut, seed }: StoreTrainingOptions,
): StartingModel {
  const older = rows.part(0, rows.length - Math.max(1, Math.floor(rows.length * holdOut)));
  let best = current;
  let least = 0;
  for (const [name, network] of [
    ["the shipped model", shipped],
    ["the estimator alone", estimatorAlone(shipped)],
  ] as const) {
    const { difference, high, low } = compareDeviance(current.network, network, older, seed);
    if (high >= 0 || difference >= least) continue;
    least = difference;
    const by = `${difference.toFixed(4)}, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}`;
    best = {
      network,
      version: null,
      note: `${name} predicts better than the current model (${by}), so it began there`,
    };
  }
  return best;
}

/** A network with the same inputs and hidden units that says what the estimator says. */
function estimatorAlone(network: Network): Network {
  const at = network.features.indexOf("log_expected");
  const linear = new Float64Array(network.features.length);
  if (at < 0) return network;
  linear[at] = network.scale[at];
  return { ...network, linear, b2: network.mean[at], w2: new Float64Array(network.w2.length) };
}

/** Leaves the model in the store as a candidate, with its report. Returns its version. */
export function proposeModel(
  store: TrainingStore,
  { network, report }: StoreTraining,
  createdAtMs: number,
): Promise<number> {
  return store.insertModel({
    pool: report.options.pool,
    createdAtMs,
    origin: "trained",
    parentVersion: report.start.version,
    status: "candidate",
    files: encodeModelFiles(network),
    report,
  });
}

async function startingModel(store: LearningReader, pool: string, shipped: () => Network): Promise<StartingModel> {
  const champion = await store.champion(pool);
  if (champion === null) return { network: shipped(), version: null, note: null };
  const { version } = champion;
  const files = await store.modelFiles(version);
  try {
    if (files !== null) return { network: networkOf(files, version), version, note: null };
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    // A model made elsewhere can serve and yet not be trained further: then the comparison is with the shipped one.
    return { network: shipped(), version: null, note: `the champion is not what was trained: ${error.message}` };
  }
  return { network: shipped(), version: null, note: `the files of the champion, version ${version}, are gone` };
}
