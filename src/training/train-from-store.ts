/** Fine-tuning on the samples of a store: what the balancer's own traffic says. */
import { ModelFileError } from "../learning/model-files/model-file-error.ts";
import type { Network } from "../learning/network.ts";
import type { LearningReader, TrainingStore } from "../storage/learning-store.ts";
import { type FineTuneOptions, type FineTuneReport, fineTune, TooFewRowsError } from "./fine-tune.ts";
import { readSampleRows, type SampleRowOptions, type SampleRows } from "./sample-rows.ts";
import { filesOf, networkOf } from "./stored-network.ts";

/** Which samples, and how they are learned from. */
export interface StoreTrainingOptions extends FineTuneOptions, SampleRowOptions {}

/** Unless told otherwise. */
export const SAMPLE_DEFAULTS: SampleRowOptions = Object.freeze({ rows: 200_000, halfLifeMs: 6 * 3600 * 1000 });

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
 * Trains the store's champion further, or the shipped model where there is none that can be trained. Rejects with a
 * `TooFewRowsError`, a `TrainingError` when the result is unusable, a `StoreError` when the store cannot be read.
 */
export async function trainFromStore(
  store: LearningReader,
  shipped: () => Network,
  options: StoreTrainingOptions,
): Promise<StoreTraining> {
  const { network: start, ...origin } = await startingModel(store, shipped);
  const { rows, ...samples } = await readSampleRows(store, options);
  if (rows.length < options.leastRows) {
    const left = `${samples.failed} failed, ${samples.unusable} unusable and ${samples.skipped} with other features were left out`;
    throw new TooFewRowsError(
      `the store has ${rows.length} samples to learn from (${left}), and ${options.leastRows} are needed: let the balancer serve for longer`,
    );
  }
  const { network, report } = fineTune(start, rows, options);
  const { onEpoch: _, ...written } = options;
  return { network, report: { from: "store", options: written, start: origin, samples, ...report } };
}

/** Leaves the model in the store as a candidate, with its report. Returns its version. */
export function proposeModel(
  store: TrainingStore,
  { network, report }: StoreTraining,
  createdAtMs: number,
): Promise<number> {
  return store.insertModel({
    createdAtMs,
    origin: "trained",
    parentVersion: report.start.version,
    status: "candidate",
    files: filesOf(network),
    report,
  });
}

async function startingModel(store: LearningReader, shipped: () => Network): Promise<StartingModel> {
  const champion = await store.champion();
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
