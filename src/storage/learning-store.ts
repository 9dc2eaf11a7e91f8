/**
 * What is learned and must outlive the process: samples of traffic, versions of the model, and the verdicts on them. This
 * is the narrow interface that the learner, the trainer and the supervisor know; where the data lies is the business of
 * whoever implements it. All that may wait on a disk or a network returns a promise; handing over never waits.
 */
import type { StoreProblem } from "./store-error.ts";

/** One answered attempt as the learner saw it when it was placed, and what came of it. */
export interface Sample {
  /** Name of the pool of servers that it is of, here and below: pools learn nothing from each other. */
  readonly pool: string;
  /** When the response came, milliseconds since the epoch. */
  readonly atMs: number;
  /** URL and address of the server: the same after a restart. */
  readonly serverId: string;
  /** Which of the policies that shared the traffic placed it, or another strategy: a `DecisionArm`, or `OTHER_STRATEGY_ARM`. */
  readonly arm: number;
  /** Version of the model that placed it; 0 when none did. */
  readonly modelVersion: number;
  /** Probability with which this server was chosen, above 0, at most 1; of another strategy 1 for want of knowledge. */
  readonly propensity: number;
  /** `[n]`, one value for each of the store's features in their order; NaN where unknown. */
  readonly features: Float32Array;
  readonly latencyMs: number;
  /** The fleet's mean latency then, milliseconds: what features and target are relative to. */
  readonly meanMs: number;
  readonly failed: boolean;
}

/** Which samples. */
export interface SampleQuery {
  readonly pool: string;
  /** Those that are no older; milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** At most so many, and then the newest. */
  readonly limit: number;
  /** The order of what is given: oldest first unless set. */
  readonly newestFirst?: boolean;
}

/** Samples in pages of bounded size. Each page is a short read of its own, so that a slow reader holds nobody up. */
export interface SampleScan {
  /** Samples of another list of features, which nobody can use: not among the pages. */
  readonly skippedRows: number;
  /** Read once. */
  readonly pages: AsyncIterable<readonly Sample[]>;
}

/** Where a model may come from; `cluster` = another instance trained it. */
export const MODEL_ORIGINS = ["shipped", "trained", "file", "cluster"] as const;
/** Where one came from. */
export type ModelOrigin = (typeof MODEL_ORIGINS)[number];

/** Where a model stands. Each pool has one champion at most. */
export type ModelStatus = (typeof MODEL_STATUSES)[number];

/** All there are, in the order of a model's life. */
export const MODEL_STATUSES = ["candidate", "shadow", "canary", "champion", "retired", "rejected"] as const;

/** The three files of the contract. */
export interface StoredModelFiles {
  /** `load_balancer.onnx`. */
  readonly onnx: Uint8Array;
  /** `scaler.json`. */
  readonly scalerJson: string;
  /** `inference_features.json`. */
  readonly featuresJson: string;
}

/** A model that has no version yet. */
export interface NewModel {
  /** Whose traffic it was made for, and who may route by it. */
  readonly pool: string;
  readonly createdAtMs: number;
  readonly origin: ModelOrigin;
  /** The version that its training began with; `null` when there was none. */
  readonly parentVersion: number | null;
  readonly status: ModelStatus;
  readonly files: StoredModelFiles;
  /** What its training measured: anything that JSON can say. */
  readonly report: unknown;
}

/** A model without its files. */
export interface Model extends Omit<NewModel, "files"> {
  /** Ascending, never given twice: also not to two pools. */
  readonly version: number;
  /** Since when it has its status, milliseconds since the epoch. */
  readonly statusAtMs: number;
  /** When it last became the champion; `null` when it never was. */
  readonly promotedAtMs: number | null;
}

/** A decision about a model, or about learning as a whole. */
export interface Verdict {
  readonly pool: string;
  readonly atMs: number;
  /** `null` for one that is about no model. */
  readonly modelVersion: number | null;
  /** Such as `shadow_passed`, `canary_started`, `promoted`, `rejected`, `rolled_back`, `demoted`, `recovered`. */
  readonly kind: string;
  /** One sentence for people. */
  readonly reason: string;
  /** What the decision rests on: anything that JSON can say. */
  readonly numbers: unknown;
}

/** Which models, newest first. */
export interface ModelQuery {
  readonly limit: number;
  /** Only this pool's. */
  readonly pool?: string;
}

/** Which verdicts, newest first. */
export interface VerdictQuery {
  readonly limit: number;
  /** Only this pool's. */
  readonly pool?: string;
  /** Only those about this model. */
  readonly modelVersion?: number;
}

/** Reading. Every method rejects with a `StoreError` when the store cannot be read. */
export interface LearningReader {
  /** Samples with the store's features. What was appended and not flushed is not among them. */
  readSamples(query: SampleQuery): Promise<SampleScan>;
  /** How many samples `readSamples` could give of a pool. */
  countSamples(pool: string): Promise<number>;
  champion(pool: string): Promise<Model | null>;
  /** The one to go back to: the pool's last champion before this one that was retired, not rejected. */
  previousChampion(pool: string): Promise<Model | null>;
  model(version: number): Promise<Model | null>;
  /** The newest first. */
  models(query: ModelQuery): Promise<Model[]>;
  modelFiles(version: number): Promise<StoredModelFiles | null>;
  verdicts(query: VerdictQuery): Promise<Verdict[]>;
  /** What `setNote` was told last under that name for the pool; `null` when there is nothing. */
  note(pool: string, name: string): Promise<unknown>;
  close(): Promise<void>;
}

/** What a trainer may do: read, and leave a new model. */
export interface TrainingStore extends LearningReader {
  /** Returns the version. Throws a `RangeError` when the model is too large to keep. */
  insertModel(model: NewModel): Promise<number>;
}

/** What becomes of the champion that is followed by another. */
export interface StatusOptions {
  /** `rejected` when it turned out bad: then `previousChampion` never names it. `retired` unless set. */
  readonly outgoing?: "retired" | "rejected";
}

/** All of it. One process at a time has this. */
export interface LearningStore extends TrainingStore {
  /** Hands samples over; they are written within a second. Never throws: see `status`. Features are copied. */
  appendSamples(batch: readonly Sample[]): void;
  /** Hands a verdict over; it is written at once, or in the same transaction as the next change of a model. */
  appendVerdict(verdict: Verdict): void;
  /**
   * Changes a model's status; one that becomes its pool's champion takes the place of the one that was, in one transaction.
   * Throws a `RangeError` when there is no such model.
   */
  setModelStatus(version: number, status: ModelStatus, atMs: number, options?: StatusOptions): Promise<void>;
  /** Keeps one small thing of a pool, anything that JSON can say, in the place of what the name stood for before. */
  setNote(pool: string, name: string, value: unknown): Promise<void>;
  /** Tries now to write what was handed over, also while the store waits after a failure. True when nothing is left. */
  flush(): Promise<boolean>;
  status(): StoreStatus;
}

/** How the store is, with counts since it was opened. */
export interface StoreStatus {
  /** False for a store in memory, which forgets with the process. */
  readonly durable: boolean;
  /** Why less is kept than should be; `null` when all is well. */
  readonly problem: StoreProblem | null;
  /** Samples and verdicts that were handed over and not yet written. */
  readonly bufferedRows: number;
  readonly rowsWritten: number;
  /** Handed over and lost: the buffer was full, or the row was unfit to be kept. */
  readonly rowsDropped: number;
  /** Attempts to write that failed. */
  readonly flushErrors: number;
  /** What the store takes on its disk; 0 = not known. */
  readonly bytes: number;
}

/** What a store tells whoever owns a log. Nothing of it is repeated while it lasts. */
export interface StoreEvents {
  /** It works with less than it should, from now on or for another reason than before. */
  readonly degraded?: (problem: StoreProblem) => void;
  /** That is over. */
  readonly recovered?: (problem: StoreProblem, lastedMs: number) => void;
  /** The file was damaged; a new one was begun. */
  readonly movedAside?: (path: string, reason: string) => void;
  /** What was opened, as a sentence, where there is more to say of it than its name. */
  readonly opened?: (about: string) => void;
}

/**
 * How much is kept, of all pools together. What is too much goes oldest first, of the pool that has the most: a pool that has
 * no more than its equal part loses nothing for another's sake.
 */
export interface StoreLimits {
  readonly maxSamples: number;
  /** Of the file, without its write-ahead log, which is kept below 8 MB. */
  readonly maxBytes: number;
  readonly maxVerdicts: number;
  /** Of the models that are not needed: see model-rules.ts. */
  readonly maxModels: number;
}

/** What is kept unless told otherwise. */
export const DEFAULT_LIMITS: StoreLimits = Object.freeze({
  maxSamples: 500_000,
  maxBytes: 256 * 1024 * 1024,
  maxVerdicts: 10_000,
  maxModels: 50,
});
