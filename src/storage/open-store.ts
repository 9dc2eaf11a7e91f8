/** Opens the learning store of a data directory, for each of those that use it. */
import { FEATURE_NAMES } from "../learning/features/feature-names.ts";
import type { Connection } from "./connection.ts";
import { storePath } from "./data-directory.ts";
import {
  DEFAULT_LIMITS,
  type LearningReader,
  type LearningStore,
  type StoreEvents,
  type StoreLimits,
  type TrainingStore,
} from "./learning-store.ts";
import { SqliteLearningStore } from "./sqlite-store.ts";
import { StoreError, type StoreProblem } from "./store-error.ts";
import { StoreFile, StoreMemory, type StoreSource } from "./store-file.ts";
import { StoreVisitor } from "./store-visitor.ts";

/** In memory there is room for less: about 10 MB. */
const MEMORY_SAMPLES = 50_000;
/** How long the instance before this one may take to end. */
const LOCK_WAIT_MS = 5_000;
const LOCK_POLL_MS = 100;

/** How a store is opened; what is left out has the product's defaults. */
export interface OpenStoreOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly limits?: Partial<StoreLimits>;
  readonly events?: StoreEvents;
  /** How long to wait for another instance to give the directory up, milliseconds. */
  readonly lockWaitMs?: number;
  readonly features?: readonly string[];
  readonly migrations?: readonly string[];
}

/** A store, and what keeps it from being the one that was asked for. */
export interface OpenedStore {
  readonly store: LearningStore;
  /**
   * `null` when all is well. Otherwise a sentence, and the store is in memory until it is opened again: learning goes on
   * and is forgotten with the process, and others that open the directory see nothing of it.
   */
  readonly problem: string | null;
}

/** Opens the store for the process that owns it. Never throws for what is wrong with the disk. */
export async function openLearningStore(dataDir: string, options: OpenStoreOptions): Promise<OpenedStore> {
  const { nowMs, events = {}, lockWaitMs = LOCK_WAIT_MS, features = FEATURE_NAMES, migrations } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const movedAside = (path: string, reason: string) => events.movedAside?.(path, reason);
  const file = new StoreFile({ dataDir, nowMs, movedAside, features, migrations });
  const rest = { features, events, nowMs };
  try {
    const connection = await openWhenFree(file, lockWaitMs);
    return { store: new SqliteLearningStore({ ...rest, source: file, connection, limits }), problem: null };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    file.release();
    const standing: StoreProblem = {
      kind: error.kind,
      message: `${error.message}; what is learned is kept in memory and ends with the process`,
      sinceMs: nowMs(),
    };
    const memory = new StoreMemory({ features, migrations });
    const maxSamples = Math.min(limits.maxSamples, MEMORY_SAMPLES);
    const store = new SqliteLearningStore({
      ...rest,
      source: memory,
      connection: memory.open(),
      limits: { ...limits, maxSamples },
      standing,
    });
    return { store, problem: standing.message };
  }
}

/** How a store is opened by those who do not own it. */
export type VisitOptions = Pick<OpenStoreOptions, "limits" | "features">;

/** Opens the store beside the instance that owns it, or without one, to read samples and leave a model. */
export function openTrainingStore(dataDir: string, options: VisitOptions = {}): TrainingStore {
  return visit(dataDir, "write", options);
}

/** Opens the store to read, which may be done at any time by anyone. Nothing is touched before the first question. */
export function openStoreReader(dataDir: string, options: VisitOptions = {}): LearningReader {
  return visit(dataDir, "read", options);
}

function visit(dataDir: string, access: "read" | "write", { limits, features = FEATURE_NAMES }: VisitOptions) {
  return new StoreVisitor(storePath(dataDir), access, { features }, { ...DEFAULT_LIMITS, ...limits });
}

/** An instance that is started while the one before it still ends should not have to do without its store. */
async function openWhenFree(source: StoreSource, lockWaitMs: number): Promise<Connection> {
  for (let waitedMs = 0; ; waitedMs += LOCK_POLL_MS) {
    try {
      return source.open();
    } catch (error) {
      const busy = error instanceof StoreError && (error.kind === "in_use" || error.kind === "locked");
      if (!busy || waitedMs >= lockWaitMs) throw error;
      await Bun.sleep(LOCK_POLL_MS);
    }
  }
}
