/** Opens a store, for each of those that use it: what is learned, and what happened. */
import { hostname } from "node:os";
import { FEATURE_NAMES } from "../learning/features/feature-names.ts";
import { backendFor, learningInMemory, type StoreLocation } from "./backends.ts";
import { BufferedHistory } from "./buffered/history.ts";
import { BufferedLearning } from "./buffered/learning.ts";
import type { HistoryLimits, HistoryReader, HistoryStore } from "./history-store.ts";
import {
  DEFAULT_LIMITS,
  type LearningReader,
  type LearningStore,
  type StoreEvents,
  type StoreLimits,
  type TrainingStore,
} from "./learning-store.ts";
import type { SchemaKeeper } from "./schema-keeper.ts";
import { StoreError, type StoreProblem } from "./store-error.ts";
import { VisitedHistory } from "./visited-history.ts";
import { VisitedStore } from "./visited-store.ts";

/** In memory there is room for less: about 10 MB. */
const MEMORY_SAMPLES = 50_000;
/** How long the instance before this one may take to end. */
const LOCK_WAIT_MS = 5_000;
const LOCK_POLL_MS = 100;
/** How often it is tried whether a server that could not be used can be. */
const SERVER_POLL_MS = 15_000;

/** How a store is opened; what is left out has the product's defaults. */
export interface OpenStoreOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly limits?: Partial<StoreLimits>;
  readonly events?: StoreEvents;
  /** How long to wait for another instance to give the place up, milliseconds. */
  readonly lockWaitMs?: number;
  readonly features?: readonly string[];
  /** The place is a server that could not be used when the store was opened, and can be now: opened again, it would be used. */
  readonly onAvailable?: () => void;
  /** How often that is tried, milliseconds. */
  readonly pollMs?: number;
}

/** A store, and what keeps it from being the one that was asked for. */
export interface OpenedStore {
  readonly store: LearningStore;
  /**
   * `null` when all is well. Otherwise a sentence, and the store is in memory until it is opened again: learning goes on
   * and is forgotten with the process, and others that open the place see nothing of it.
   */
  readonly problem: string | null;
}

/** Opens the store for the process that owns it. Never rejects for what is wrong with the place. */
export async function openLearningStore(location: StoreLocation, options: OpenStoreOptions): Promise<OpenedStore> {
  const { nowMs, events = {}, lockWaitMs = LOCK_WAIT_MS, features = FEATURE_NAMES } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const movedAside = (path: string, reason: string) => events.movedAside?.(path, reason);
  const made = { features, limits, nowMs, movedAside };
  const kind = backendFor(location);
  const rest = { name: kind.describe(location, "learning"), features, events, nowMs };
  const backend = kind.learning.own(location, made);
  try {
    await openWhenFree(backend, lockWaitMs);
    return { store: new BufferedLearning({ ...rest, backend }), problem: null };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    await backend.close();
    const standing: StoreProblem = {
      kind: error.kind,
      message: `${error.message}; what is learned is kept in memory and ends with the process`,
      sinceMs: nowMs(),
    };
    const maxSamples = Math.min(limits.maxSamples, MEMORY_SAMPLES);
    const memory = learningInMemory({ ...made, limits: { ...limits, maxSamples } });
    await memory.open();
    if (kind.isServer && options.onAvailable !== undefined) {
      const { pollMs = SERVER_POLL_MS, onAvailable } = options;
      waitForServer(() => kind.learning.own(location, made), pollMs, onAvailable);
    }
    return { store: new BufferedLearning({ ...rest, backend: memory, standing }), problem: standing.message };
  }
}

/** Tries now and then, as long as the process lives for other reasons. */
function waitForServer(
  make: () => { open(): Promise<void>; close(): Promise<void> },
  pollMs: number,
  then: () => void,
): void {
  const attempt = async (): Promise<void> => {
    const backend = make();
    try {
      await backend.open();
    } catch {
      return again(); // the problem stands, and was told
    } finally {
      await backend.close();
    }
    then();
  };
  const again = (): void => void setTimeout(() => void attempt(), pollMs).unref();
  again();
}

/** How a store is opened by those who do not own it. */
export type VisitOptions = Pick<OpenStoreOptions, "limits" | "features">;

/** Opens the store beside the instance that owns it, or without one, to read samples and leave a model. */
export function openTrainingStore(location: StoreLocation, options: VisitOptions = {}): TrainingStore {
  return visit(location, "write", options);
}

/** Opens the store to read, which may be done at any time by anyone. Nothing is touched before the first question. */
export function openStoreReader(location: StoreLocation, options: VisitOptions = {}): LearningReader {
  return visit(location, "read", options);
}

/** How a history is opened; what is left out has the product's defaults. */
export interface OpenHistoryOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Whose rows these are: what the location says, or the machine's name, unless set. */
  readonly instance?: string;
  readonly limits: HistoryLimits;
  readonly events?: StoreEvents;
  /** How long to wait for another instance to give the place up, milliseconds. */
  readonly lockWaitMs?: number;
}

/**
 * Opens the history for the process that records it. Never rejects for what is wrong with the place: rows wait in memory then,
 * within bounds, and it is tried again; `status` and `events` tell.
 */
export async function openHistoryStore(location: StoreLocation, options: OpenHistoryOptions): Promise<HistoryStore> {
  const { nowMs, limits, events = {}, lockWaitMs = LOCK_WAIT_MS } = options;
  const kind = backendFor(location);
  const backend = kind.history.own(location, {
    nowMs,
    limits,
    instance: options.instance ?? instanceOf(location),
    movedAside: (path, reason) => events.movedAside?.(path, reason),
    opened: (about) => events.opened?.(about),
  });
  const rest = { backend, name: kind.describe(location, "history"), events, nowMs };
  try {
    await openWhenFree(backend, lockWaitMs);
    return new BufferedHistory(rest);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    await backend.mend(error);
    return new BufferedHistory({ ...rest, failure: error });
  }
}

/** Opens the history to read, which may be done at any time by anyone. Nothing is touched before the first question. */
export function openHistoryReader(location: StoreLocation): HistoryReader {
  return new VisitedHistory(backendFor(location).history.visit(location));
}

/** The versions of a store's tables. Nothing is touched before the first question. */
export function openSchemaKeeper(location: StoreLocation, nowMs: () => number): SchemaKeeper {
  return backendFor(location).schema(location, nowMs);
}

/** What rows call the instance whose store this is. */
export function instanceOf({ instance }: StoreLocation): string {
  return instance ?? hostname();
}

/** Why nothing can be kept there, as a sentence that begins with the setting; `null` = nothing speaks against it. Changes nothing. */
export function storeProblem(location: StoreLocation): Promise<string | null> {
  return backendFor(location).problem(location);
}

function visit(location: StoreLocation, access: "read" | "write", { limits, features = FEATURE_NAMES }: VisitOptions) {
  const options = { features, limits: { ...DEFAULT_LIMITS, ...limits } };
  return new VisitedStore(backendFor(location).learning.visit(location, access, options));
}

/** An instance that is started while the one before it still ends should not have to do without its store. */
async function openWhenFree(backend: { open(): Promise<void> }, lockWaitMs: number): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += LOCK_POLL_MS) {
    try {
      await backend.open();
      return;
    } catch (error) {
      const busy = error instanceof StoreError && (error.kind === "in_use" || error.kind === "locked");
      if (!busy || waitedMs >= lockWaitMs) throw error;
      await Bun.sleep(LOCK_POLL_MS);
    }
  }
}
