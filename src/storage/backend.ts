/**
 * What keeps a store's data: SQLite is one backend, a database server may be another. A backend only reads and writes; what
 * waits, is tried again, counted and told is the business of the one buffered store above all of them.
 *
 * Every method rejects with a `StoreError` for what is wrong with the store, and with anything else for what is wrong with
 * what it was given. A backend need not stand two calls at once: whoever owns it makes them one after another. It bounds its
 * own waits (for a lock, for a server); what it does not bound makes rows wait, and is told as a trouble after a while.
 */
import type {
  LearningReader,
  ModelStatus,
  NewModel,
  Sample,
  SampleQuery,
  StatusOptions,
  StoreLimits,
} from "./learning-store.ts";
import type { RowBatches } from "./rows/row-kinds.ts";
import type { StoreError } from "./store-error.ts";

/** Some samples, and what `samplePage` wants to be told for those after them. */
export interface SamplePage {
  readonly samples: readonly Sample[];
  readonly next: number;
}

/** Questions, each a short read of its own. */
export interface BackendReads extends Omit<LearningReader, "readSamples" | "close"> {
  /** Samples of a pool with other features than this store's, no older than `sinceMs`. */
  countOtherSamples(pool: string, sinceMs: number): Promise<number>;
  /**
   * A page of what the query means: at most `rows`, from `from` on; `null` = from where the query begins.
   * What is deleted between two pages is missing in the later one; a page without samples is the end.
   */
  samplePage(query: SampleQuery, from: number | null, rows: number): Promise<SamplePage>;
}

/** A change of something that stays, unlike rows, which only come and go. */
export type StoreChange =
  | { readonly kind: "insert_model"; readonly model: NewModel }
  | {
      readonly kind: "set_status";
      readonly version: number;
      readonly status: ModelStatus;
      readonly atMs: number;
      readonly options?: StatusOptions;
    }
  | { readonly kind: "set_note"; readonly pool: string; readonly name: string; readonly value: unknown };

/**
 * What one transaction does: all of it, or nothing. When it fails, nothing was done: the same rows come again. What is too
 * much by the backend's limits goes within it, a bounded piece at a time.
 */
export interface StoreWrite {
  readonly rows: RowBatches;
  readonly change: StoreChange | null;
  /** Writes something in any case: that alone shows whether a trouble is over. */
  readonly probe: boolean;
}

/** For the one process that owns the store. */
export interface StoreBackend extends BackendReads {
  /** False when it forgets with the process. */
  readonly durable: boolean;
  /** Takes the store into possession and brings it up to date. Before anything else; may be called again when it failed. */
  open(): Promise<void>;
  /** Returns the version of the model that was inserted, `null` when none was. */
  write(write: StoreWrite): Promise<number | null>;
  /** After a failure: gives up what may be dead for good, so that the next call finds a new connection. Never rejects. */
  mend(failure: StoreError): Promise<void>;
  /** Gives the store up for others, and what still runs as well. Never rejects. */
  close(): Promise<void>;
}

/** For others, beside the process that owns the store or without one. Nothing is touched before the first question. */
export interface VisitingBackend extends BackendReads {
  /** See `TrainingStore.insertModel`. Rejects where the visit is only to read. */
  insertModel(model: NewModel): Promise<number>;
  close(): Promise<void>;
}

/** What a visitor's backend is made from. */
export interface VisitingOptions {
  /** What samples' values mean, in order. */
  readonly features: readonly string[];
  readonly limits: StoreLimits;
}

/** What an owner's backend is made from. */
export interface BackendOptions extends VisitingOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** What was found damaged is there now, and a new one is begun. */
  readonly movedAside: (path: string, reason: string) => void;
  /** Steps of the schema, in the backend's language, unless its own are meant. */
  readonly migrations?: readonly string[];
}

/** All that is known of one kind of backend outside its folder. */
export interface BackendKind<Location> {
  /** The place as messages call it, without secrets. */
  describe(location: Location): string;
  /** Why nothing can be kept there, as a sentence that begins with the setting; `null` = nothing speaks against it. Changes nothing. */
  problem(location: Location): Promise<string | null>;
  own(location: Location, options: BackendOptions): StoreBackend;
  visit(location: Location, access: "read" | "write", options: VisitingOptions): VisitingBackend;
}
