/** `neurabalancer train --from store`. */
import { constants, setPriority } from "node:os";
import { readShippedNetwork } from "../../learning/models/shipped-model.ts";
import { openTrainingStore } from "../../storage/open-store.ts";
import { FINE_TUNE_DEFAULTS, TooFewRowsError } from "../../training/store/fine-tune.ts";
import {
  proposeModel,
  SAMPLE_DEFAULTS,
  type StoreReport,
  trainFromStore,
} from "../../training/store/train-from-store.ts";
import { print, printError, printJson } from "../output.ts";
import { Progress } from "../progress.ts";
import { handedStoreLocation, type StoreFlags, storeLocation } from "../store-location.ts";
import { makeOutput, writeTraining } from "./output.ts";

/** The command's options for this source; what is left out has the defaults. */
export interface StoreTrainingRequest extends StoreFlags {
  readonly pool?: string;
  readonly out?: string;
  /** See `handedStoreLocation`. */
  readonly storeOnStdin?: boolean;
  readonly propose?: boolean;
  readonly seed: number;
  readonly rows?: number;
  readonly epochs?: number;
  readonly rate?: number;
  readonly decay?: number;
  readonly holdOut?: number;
  readonly halfLifeHours?: number;
  readonly json?: boolean;
}

const HOUR_MS = 3600 * 1000;
/** Exit codes. */
const TOO_FEW_SAMPLES = 2;
const NOT_PROPOSED = 3;

/** Trains, and writes or proposes the model. */
export async function runStoreTraining(request: StoreTrainingRequest): Promise<void> {
  const { out, propose, seed, json, halfLifeHours } = request;
  // The balancer's own cores: what serves comes first.
  if (propose) setPriority(constants.priority.PRIORITY_LOW);
  if (out !== undefined) makeOutput(out);
  const progress = new Progress(process.stderr, () => performance.now());
  const epochs = request.epochs ?? FINE_TUNE_DEFAULTS.epochs;
  const store = openTrainingStore(await (request.storeOnStdin ? handedStoreLocation() : storeLocation(request)));
  try {
    const training = await trainFromStore(store, readShippedNetwork, {
      ...FINE_TUNE_DEFAULTS,
      pool: request.pool ?? SAMPLE_DEFAULTS.pool,
      seed,
      epochs,
      rate: request.rate ?? FINE_TUNE_DEFAULTS.rate,
      decay: request.decay ?? FINE_TUNE_DEFAULTS.decay,
      holdOut: request.holdOut ?? FINE_TUNE_DEFAULTS.holdOut,
      rows: request.rows ?? SAMPLE_DEFAULTS.rows,
      halfLifeMs: halfLifeHours === undefined ? SAMPLE_DEFAULTS.halfLifeMs : halfLifeHours * HOUR_MS,
      onEpoch: ({ epoch }) => progress.update("epochs", epoch, epochs),
    });
    progress.clear();
    const { network, report } = training;
    if (out !== undefined) writeTraining(out, network, report);
    const accepted = report.verdict === "better";
    const version = propose && accepted ? await proposeModel(store, training, Date.now()) : null;
    const where = placeOf(out, version);
    if (json) printJson({ ...report, proposedVersion: version });
    else print(describe(report, where));
    if (propose && !accepted) process.exitCode = NOT_PROPOSED;
  } catch (error) {
    if (!(error instanceof TooFewRowsError)) throw error;
    printError(`neurabalancer: ${error.message}`);
    process.exitCode = TOO_FEW_SAMPLES;
  } finally {
    await store.close();
  }
}

function placeOf(out: string | undefined, version: number | null): string {
  if (out !== undefined) return `The model and its report are in ${out}.`;
  return version === null
    ? "It was not proposed: only what predicts better with confidence is worth a trial."
    : `It is in the store as version ${version}, a candidate.`;
}

function describe(report: StoreReport, where: string): string {
  const { start, rows, heldOut, effectiveRows, samples, epochs, calibration, sentence } = report;
  const lines = [
    `Trained from ${start.version === null ? "the shipped model" : `version ${start.version}`}.`,
    ...(start.note === null ? [] : [`Note: ${start.note}.`]),
    `Learned from ${rows} rows (worth ${effectiveRows} equal ones), held out the newest ${heldOut}; left out ${samples.failed} failed, ${samples.unusable} unusable, ${samples.skipped} with other features.`,
    "",
    "epoch   learned from   held out",
    ...epochs.map(
      ({ epoch, training, validation }) =>
        `${String(epoch).padStart(5)}   ${training.toFixed(4).padStart(12)}   ${validation.toFixed(4).padStart(8)}`,
    ),
    "",
    "Calibration on the held-out rows, latencies relative to the fleet's mean:",
    "decile   predicted   observed",
    ...calibration.trained.map(
      ({ predicted, observed }, i) =>
        `${String(i + 1).padStart(6)}   ${predicted.toFixed(3).padStart(9)}   ${observed.toFixed(3).padStart(8)}`,
    ),
    "",
  ];
  return [...lines, sentence, where].join("\n");
}
