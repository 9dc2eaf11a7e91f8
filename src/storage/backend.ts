/**
 * What keeps a store's data: SQLite is one backend, a database server may be another. A backend only reads and writes; what
 * waits, is tried again, counted and told is the business of the one buffered store above all of them.
 *
 * A store has two parts, what is learned and what happened, each with an owner of its own: one process writes it. A backend
 * is of one part.
 *
 * Every method rejects with a `StoreError` for what is wrong with the store, and with anything else for what is wrong with
 * what it was given. A backend need not stand two calls at once: whoever owns it makes them one after another. It bounds its
 * own waits (for a lock, for a server); what it does not bound makes rows wait, and is told as a trouble after a while.
 */
import type {
  EventQuery,
  GaugeRow,
  HistoryLimits,
  HistoryQuery,
  HistorySpan,
  KnownServer,
  MetricQuery,
  MetricRow,
  RecordedEvent,
  RequestQuery,
  RequestRow,
  Resolution,
  ServerRow,
} from "./history-store.ts";
import type {
  LearningReader,
  ModelStatus,
  NewModel,
  Sample,
  SampleQuery,
  StatusOptions,
  StoreLimits,
} from "./learning-store.ts";
import type { StorePart } from "./parts.ts";
import type { HistoryRows, LearningRows } from "./rows/row-kinds.ts";
import type { SchemaKeeper } from "./schema-keeper.ts";
import type { StoreError } from "./store-error.ts";

/**
 * What one transaction does: all of it, or nothing. When it fails, the same rows come again, under the same `batchId` and no
 * others with them: a backend that cannot be sure that a failed transaction was not carried out all the same (its answer was
 * lost) notes the id in the transaction, and leaves the rows of a batch out that it has; not the change, which is of this
 * call. What is too much by the backend's limits goes within it, a bounded piece at a time.
 */
export interface StoreWrite<Rows, Change> {
  /** Of `rows`; unique among all that was ever written for this part under the name of this instance. */
  readonly batchId: string;
  readonly rows: Rows;
  readonly change: Change | null;
  /** Writes something in any case: that alone shows whether a trouble is over. */
  readonly probe: boolean;
}

/** For the one process that owns a part of a store. `Result` is what a change tells. */
export interface OwnedBackend<Rows, Change, Result> {
  /** False when it forgets with the process. */
  readonly durable: boolean;
  /** What the part takes, after the last transaction; 0 = not known. */
  readonly bytes: number;
  /** Takes the part into possession and brings it up to date. Before anything else; may be called again when it failed. */
  open(): Promise<void>;
  /** What the change told; `null` when there was none or it has nothing to tell. */
  write(write: StoreWrite<Rows, Change>): Promise<Result | null>;
  /** After a failure: gives up what may be dead for good, so that the next call finds a new connection. Never rejects. */
  mend(failure: StoreError): Promise<void>;
  /** Gives the part up for others, and what still runs as well. Never rejects. */
  close(): Promise<void>;
}

/** Some samples, and what `samplePage` wants to be told for those after them. */
export interface SamplePage {
  readonly samples: readonly Sample[];
  readonly next: number;
}

/** Questions about what is learned, each a short read of its own. */
export interface LearningReads extends Omit<LearningReader, "readSamples" | "close"> {
  /** Samples of a pool with other features than this store's, no older than `sinceMs`. */
  countOtherSamples(pool: string, sinceMs: number): Promise<number>;
  /**
   * A page of what the query means: at most `rows`, from `from` on; `null` = from where the query begins.
   * What is deleted between two pages is missing in the later one; a page without samples is the end.
   */
  samplePage(query: SampleQuery, from: number | null, rows: number): Promise<SamplePage>;
}

/** A change of something that stays, unlike rows, which only come and go. */
export type LearningChange =
  | { readonly kind: "insert_model"; readonly model: NewModel }
  | {
      readonly kind: "set_status";
      readonly version: number;
      readonly status: ModelStatus;
      readonly atMs: number;
      readonly options?: StatusOptions;
    }
  | { readonly kind: "set_note"; readonly pool: string; readonly name: string; readonly value: unknown };

/** What is learned, for its owner. `write` returns the version of the model that was inserted. */
export interface LearningBackend extends LearningReads, OwnedBackend<LearningRows, LearningChange, number> {}

/** What is learned, for others, beside its owner or without one. Nothing is touched before the first question. */
export interface LearningVisitor extends LearningReads {
  /** See `TrainingStore.insertModel`. Rejects where the visit is only to read. */
  insertModel(model: NewModel): Promise<number>;
  close(): Promise<void>;
}

/** Where a page ended, for the next one: only the backend that made it knows what it says. */
export type PagePosition = readonly (string | number)[];

/** Some rows, and what the method that gave them wants to be told for those after them; `null` = there are none. */
export interface HistoryPage<Row> {
  readonly rows: readonly Row[];
  readonly next: PagePosition | null;
}

/** Questions about what happened, each a short read of its own. Pages are in the order of time, `from` as in `samplePage`. */
export interface HistoryReads {
  metricPage(query: MetricQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<MetricRow>>;
  /** Whatever the query's limit is. */
  requestPage(query: RequestQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<RequestRow>>;
  gaugePage(query: HistoryQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<GaugeRow>>;
  events(query: EventQuery): Promise<readonly RecordedEvent[]>;
  servers(): Promise<readonly ServerRow[]>;
  span(resolution: Resolution): Promise<HistorySpan>;
}

/** See `HistoryStore.knowServers`. */
export interface HistoryChange {
  readonly kind: "know_servers";
  readonly servers: readonly KnownServer[];
  readonly atMs: number;
}

/** What that told. */
export interface KnownServers {
  readonly rows: readonly ServerRow[];
  /** Overrides that were undone, as they were. */
  readonly undone: readonly ServerRow[];
}

/** What happened, for its owner. Counts by the second add up to minutes and hours in the transaction that inserts them. */
export interface HistoryBackend extends HistoryReads, OwnedBackend<HistoryRows, HistoryChange, KnownServers> {}

/** What happened, for others. Nothing is touched before the first question. */
export interface HistoryVisitor extends HistoryReads {
  close(): Promise<void>;
}

/** What a visitor's backend of what is learned is made from. */
export interface LearningVisitOptions {
  /** What samples' values mean, in order. */
  readonly features: readonly string[];
  readonly limits: StoreLimits;
}

/** What every owner's backend is made from. */
export interface OwnerOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** What was found damaged is there now, and a new one is begun. */
  readonly movedAside: (path: string, reason: string) => void;
  /** What was opened, as a sentence, where there is more to say of it than its name. Once. */
  readonly opened?: (about: string) => void;
}

/** What an owner's backend of what is learned is made from. */
export interface LearningOptions extends LearningVisitOptions, OwnerOptions {}

/** What an owner's backend of what happened is made from. */
export interface HistoryOptions extends OwnerOptions {
  /** Whose rows these are. */
  readonly instance: string;
  readonly limits: HistoryLimits;
}

/** All that is known of one kind of backend outside its folder. */
export interface BackendKind<Location> {
  /** A server: what cannot be used now may well be later, without anybody doing anything here. */
  readonly isServer: boolean;
  /** The place of a part as messages call it, without secrets. */
  describe(location: Location, part: StorePart): string;
  /** Why nothing can be kept there, as a sentence that begins with the setting; `null` = nothing speaks against it. Changes nothing. */
  problem(location: Location): Promise<string | null>;
  readonly learning: {
    own(location: Location, options: LearningOptions): LearningBackend;
    visit(location: Location, access: "read" | "write", options: LearningVisitOptions): LearningVisitor;
  };
  readonly history: {
    own(location: Location, options: HistoryOptions): HistoryBackend;
    visit(location: Location): HistoryVisitor;
  };
  /** The versions of its tables, for whoever wants to know or change them. Nothing is touched before the first question. */
  schema(location: Location, nowMs: () => number): SchemaKeeper;
}
