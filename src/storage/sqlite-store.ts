/**
 * The learning store in SQLite, as the one process has it that owns it. What is handed over waits in memory and is written
 * in one transaction per second or per 1,000 rows, together with the deletion of as many of the oldest as are too many: no
 * step is long (1,000 samples: median 2 to 5 ms, 99th percentile 5 to 20 on two shared cores, the upper figures beside
 * other load; bench/micro/learning-store.ts). After a failure the rows wait, and it is tried again, later each time; the connection is opened anew.
 */
import type { Connection } from "./connection.ts";
import type {
  LearningStore,
  ModelStatus,
  NewModel,
  Sample,
  StatusOptions,
  StoreEvents,
  StoreLimits,
  StoreStatus,
  Verdict,
} from "./learning-store.ts";
import { type SampleRow, toRow } from "./sample-table.ts";
import { SqliteReads } from "./sqlite-reads.ts";
import { StoreError, type StoreProblem, storeErrorOf } from "./store-error.ts";
import type { StoreSource } from "./store-file.ts";
import { toVerdictRow, type VerdictRow } from "./verdict-table.ts";
import { WriteBuffer } from "./write-buffer.ts";

/** Rows of a transaction. */
const BATCH_ROWS = 1_000;
const FLUSH_MS = 1_000;
/** 10 s of 1,000 samples a second: a checkpoint or a short lock must not cost any. About 2 MB. */
const BUFFERED_SAMPLES = 10_000;
const BUFFERED_VERDICTS = 1_000;
/** More than a batch, so that deleting catches up with writing; few enough to take milliseconds. */
const DELETED_ROWS = 2_000;
/** Pages of 4 KB that are given back at a time. */
const VACUUMED_PAGES = 256;
/** Share of the file's limit from which on the oldest samples go: room for what a transaction adds. */
const USED_SHARE = 0.9;
/** Share of the limit that may lie free in the file, to be used again. */
const FREE_SHARE = 0.05;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/** What a store needs beside its source. */
export interface SqliteStoreOptions {
  readonly source: StoreSource;
  /** Opened by the source. */
  readonly connection: Connection;
  /** What each sample's values mean, in order. */
  readonly features: readonly string[];
  readonly limits: StoreLimits;
  readonly events: StoreEvents;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Why the source is not the one that was wanted; it stays the store's problem. */
  readonly standing?: StoreProblem;
}

/** See the top of this file. */
export class SqliteLearningStore extends SqliteReads implements LearningStore {
  readonly #options: SqliteStoreOptions;
  readonly #samples = new WriteBuffer<SampleRow>(BUFFERED_SAMPLES);
  readonly #verdicts = new WriteBuffer<VerdictRow>(BUFFERED_VERDICTS);
  #connection: Connection | null;
  #problem: StoreProblem | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** What the timer was set to, so that a full batch need not wait for one that was set before. */
  #delayMs = 0;
  #failures = 0;
  #lastVersion = 0;
  #closed = false;
  #rowsWritten = 0;
  #rowsUnfit = 0;
  #flushErrors = 0;

  constructor(options: SqliteStoreOptions) {
    super();
    this.#options = options;
    this.#connection = options.connection;
  }

  appendSamples(batch: readonly Sample[]): void {
    const rows = batch.map((sample) => toRow(sample, this.#options.features.length)).filter((row) => row !== null);
    this.#rowsUnfit += batch.length - rows.length;
    if (this.#closed) this.#rowsUnfit += rows.length;
    else this.#samples.push(rows);
    this.#wake();
  }

  appendVerdict(verdict: Verdict): void {
    const row = toVerdictRow(verdict);
    if (row === null || this.#closed) this.#rowsUnfit++;
    else this.#verdicts.push([row]);
    this.#wake();
  }

  async insertModel(model: NewModel): Promise<number> {
    return this.#write(({ models }) => models.insert(model, this.#options.limits));
  }

  async setModelStatus(version: number, status: ModelStatus, atMs: number, options?: StatusOptions): Promise<void> {
    this.#write(({ models }) => models.setStatus(version, status, atMs, options));
  }

  async setNote(name: string, value: unknown): Promise<void> {
    this.#write(({ notes }) => notes.set(name, value));
  }

  async flush(): Promise<boolean> {
    while (this.#buffered > 0 && this.#flushOnce());
    return this.#buffered === 0;
  }

  status(): StoreStatus {
    const { source, standing = null } = this.#options;
    return {
      durable: source.durable,
      problem: this.#problem ?? standing,
      bufferedRows: this.#buffered,
      rowsWritten: this.#rowsWritten,
      rowsDropped: this.#rowsUnfit + this.#samples.dropped + this.#verdicts.dropped,
      flushErrors: this.#flushErrors,
    };
  }

  /** Writes what is left, once, and gives the store up for others. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.flush();
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#disconnect();
    this.#options.source.release();
  }

  protected override use<T>(work: (connection: Connection) => T): T {
    if (this.#closed) throw new StoreError("unavailable", "the store is closed");
    try {
      if (this.#connection !== null && !this.#connection.isInPlace) this.#disconnect();
      this.#connection ??= this.#options.source.open();
      return work(this.#connection);
    } catch (error) {
      const failure = storeErrorOf(error, "the learning store");
      if (failure instanceof StoreError) this.#degrade(failure);
      throw failure;
    }
  }

  get #buffered(): number {
    return this.#samples.length + this.#verdicts.length;
  }

  /** One transaction: some of what waits, `work`, and what has to go for it. */
  #write<T>(work: (connection: Connection) => T): T {
    const samples = this.#samples.first(BATCH_ROWS);
    const verdicts = this.#verdicts.first(BATCH_ROWS);
    const result = this.use((connection) =>
      connection.transaction(() => {
        // Something is written in any case: that alone shows whether a trouble is over.
        if (this.#problem !== null) connection.touch();
        connection.samples.insert(samples);
        connection.verdicts.insert(verdicts);
        const done = work(connection);
        this.#bound(connection, verdicts.length > 0);
        this.#lastVersion = connection.models.lastVersion();
        return done;
      }),
    );
    this.#samples.remove(samples.length);
    this.#verdicts.remove(verdicts.length);
    this.#rowsWritten += samples.length + verdicts.length;
    this.#recover();
    return result;
  }

  #bound(connection: Connection, verdictsGrew: boolean): void {
    const { maxSamples, maxBytes, maxVerdicts } = this.#options.limits;
    if (verdictsGrew) connection.verdicts.prune(maxVerdicts);
    const excess = connection.samples.total() - maxSamples;
    if (excess > 0) connection.samples.deleteOldest(Math.min(excess, DELETED_ROWS));
    const { file, used } = connection.bytes();
    if (used > maxBytes * USED_SHARE) connection.samples.deleteOldest(DELETED_ROWS);
    if (file - used > maxBytes * FREE_SHARE) connection.vacuum(VACUUMED_PAGES);
  }

  /** Writes a batch. False when that failed. */
  #flushOnce(): boolean {
    try {
      this.#write(() => {});
      return true;
    } catch (error) {
      this.#flushErrors++;
      if (!(error instanceof StoreError)) this.#dropBatch();
      return false;
    } finally {
      this.#wake();
    }
  }

  /** Rows that will never be taken must not keep those behind them from being written. */
  #dropBatch(): void {
    const samples = this.#samples.first(BATCH_ROWS).length;
    const verdicts = this.#verdicts.first(BATCH_ROWS).length;
    this.#samples.remove(samples);
    this.#verdicts.remove(verdicts);
    this.#rowsUnfit += samples + verdicts;
  }

  /** Sets the timer to when the next batch is due. */
  #wake(): void {
    if (this.#closed) return;
    let delayMs: number;
    if (this.#problem !== null) delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
    else if (this.#samples.length >= BATCH_ROWS || this.#verdicts.length > 0) delayMs = 0;
    else if (this.#samples.length > 0) delayMs = FLUSH_MS;
    else return;
    if (this.#timer !== null && this.#delayMs <= delayMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#delayMs = delayMs;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flushOnce();
    }, delayMs);
    this.#timer.unref();
  }

  #degrade(failure: StoreError): void {
    const { nowMs, events, source } = this.#options;
    this.#failures++;
    const before = this.#problem;
    // A new connection: the old one's descriptor may be dead for good, as after a remount. One in memory is all there is.
    if (source.durable && failure.kind !== "locked") this.#disconnect();
    this.#problem = { kind: failure.kind, message: failure.message, sinceMs: before?.sinceMs ?? nowMs() };
    if (before?.kind !== failure.kind) events.degraded?.(this.#problem);
    if (failure.kind === "corrupt") this.#replace(failure);
    this.#wake();
  }

  /** What this connection found damaged is not opened again: the check at opening may not look there. */
  #replace(failure: StoreError): void {
    try {
      this.#options.source.replace(failure.message, this.#lastVersion);
    } catch {
      // It cannot be moved, for a reason that the next attempt to open it meets as well and tells.
    }
  }

  #recover(): void {
    const problem = this.#problem;
    this.#failures = 0;
    if (problem === null) return;
    this.#problem = null;
    const { nowMs, events } = this.#options;
    events.recovered?.(problem, nowMs() - problem.sinceMs);
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}
