/**
 * A part of a store for the one process that owns it, over any backend. What is handed over waits in memory and is written in
 * one transaction per second or per 1,000 rows. After a failure the rows wait, and it is tried again, later each time. Calls
 * to the backend go one after another, so that no transaction runs into another. How long the backend takes is nobody's
 * business but that of whoever waits for a call, and nobody waits for longer than `PATIENCE_MS`.
 */
import type { OwnedBackend } from "../backend.ts";
import type { StoreEvents, StoreStatus } from "../learning-store.ts";
import type { ItemOf, RowBatches, RowKinds } from "../rows/row-kinds.ts";
import { StoreError, type StoreProblem } from "../store-error.ts";
import { CallLine } from "./call-line.ts";
import { type Later, later, within } from "./later.ts";
import { WaitingRows } from "./waiting-rows.ts";

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
/** How long a call may take, its turn included. Then it fails for whoever waits; it is not given up itself. */
const PATIENCE_MS = 10_000;
/** How long what is left may take to be written at the end, and the backend to be given up: less than a process is given. */
const LAST_FLUSH_MS = 1_500;
const GIVE_UP_MS = 250;
/** Reasons that are told of one trouble. */
const MOST_TOLD = 5;

/** Parts that this process has opened: with it and the time their batches have names of their own. */
let opened = 0;

/** What a part needs. */
export interface BufferedOptions<Backend> {
  /** Open, or to be opened by what is asked of it first. */
  readonly backend: Backend;
  /** What messages call the place. */
  readonly name: string;
  readonly events: StoreEvents;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Why the backend is not the one that was wanted; it stays the store's problem. */
  readonly standing?: StoreProblem;
  /** Why the backend could not be opened yet: it is tried again, as after any other failure. */
  readonly failure?: StoreError;
  /** Real time unless set. */
  readonly later?: Later;
}

/** See the top of this file. */
export class BufferedPart<
  Kinds extends RowKinds,
  Change,
  Result,
  Backend extends OwnedBackend<RowBatches<Kinds>, Change, Result>,
> {
  readonly #options: BufferedOptions<Backend>;
  readonly #later: Later;
  readonly #rows: WaitingRows<Kinds>;
  readonly #line = new CallLine();
  #problem: StoreProblem | null = null;
  /** What was said of it. */
  readonly #told = new Set<string>();
  /** In a row. */
  #failures = 0;
  /** Takes the wait for the next batch back; `null` = there is none. */
  #cancelWait: (() => void) | null = null;
  /** What that wait was set to, so that a full batch need not wait for one that was set before. */
  #delayMs = 0;
  /** Batches whose turn has not come: behind a call that hangs one is enough. */
  #inLine = 0;
  /** The end has begun: nothing more is taken. */
  #closing: Promise<void> | null = null;
  /** The backend has been given up. */
  #closed = false;
  #rowsWritten = 0;
  #flushErrors = 0;

  /** @param featureCount how many features the store's samples have. */
  constructor(kinds: Kinds, featureCount: number, options: BufferedOptions<Backend>) {
    this.#options = options;
    this.#later = options.later ?? later;
    this.#rows = new WaitingRows(kinds, featureCount, `${process.pid}-${options.nowMs()}-${++opened}`);
    if (options.failure === undefined) return;
    this.#failures = 1;
    this.#note(options.failure);
  }

  /** Hands rows of a kind over. Never throws: see `status`. */
  append<K extends keyof Kinds & string>(kind: K, items: readonly ItemOf<Kinds[K]>[]): void {
    if (this.#closing !== null) this.#rows.refuse(items.length);
    else this.#rows.push(kind, items);
    this.#wake();
  }

  async flush(): Promise<boolean> {
    // So many batches as there are now: what comes meanwhile must not make it endless.
    for (let left = this.#rows.batches; left > 0 && this.#rows.length > 0; left--) {
      if (!(await this.#flushOnce())) break;
    }
    return this.#rows.length === 0;
  }

  status(): StoreStatus {
    const { backend, standing = null } = this.#options;
    return {
      durable: backend.durable,
      problem: this.#problem ?? standing,
      bufferedRows: this.#rows.length,
      rowsWritten: this.#rowsWritten,
      rowsDropped: this.#rows.dropped,
      flushErrors: this.#flushErrors,
      bytes: backend.bytes,
    };
  }

  /** Writes what is left, once, and gives the store up for others; a backend that does not answer is given up as well. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#sleep();
    await within(this.flush(), LAST_FLUSH_MS, this.#later, () => false);
    this.#closed = true;
    await within(this.#options.backend.close(), GIVE_UP_MS, this.#later, () => {});
  }

  /** Puts one question to the backend. */
  ask<T>(question: (backend: Backend) => Promise<T>): Promise<T> {
    return this.#call(() => question(this.#options.backend));
  }

  /** Does one change, in a transaction with rows that wait. Resolves to what it told. */
  change(change: Change): Promise<Result | null> {
    return this.#call(() => this.#write(change));
  }

  /** One call of somebody outside. One that has failed for want of an answer before its turn came is not made at all. */
  async #call<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw closedError();
    let isWaiting = true;
    try {
      return await this.#takeTurn(() => (isWaiting ? work() : Promise.reject(new Error("nobody waits for it"))));
    } finally {
      isWaiting = false;
    }
  }

  /** Waits for the calls before it, does `work`, and takes note of what goes wrong. */
  #takeTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#line.run(async () => {
      if (this.#closed) throw closedError();
      try {
        return await work();
      } catch (error) {
        if (error instanceof StoreError) await this.#degrade(error);
        throw error;
      } finally {
        this.#wake();
      }
    });
    return within(done, PATIENCE_MS, this.#later, () => {
      const failure = new StoreError("unavailable", `${this.#options.name}: no answer for ${PATIENCE_MS / 1000} s`);
      this.#failures ||= 1;
      this.#note(failure);
      throw failure;
    });
  }

  /**
   * One transaction: some of what waits, and `change`. Within its turn.
   * @param mayGiveUp a row that is refused alone is given up. Only as often as failures are tried again by ourselves: where a
   *   table refuses all of them, most still wait when somebody has mended it.
   */
  async #write(change: Change | null, mayGiveUp = false): Promise<Result | null> {
    const probe = this.#problem !== null;
    const { id: batchId, rows } = this.#rows.take();
    try {
      const result = await this.#options.backend.write({ batchId, rows, change, probe });
      this.#rowsWritten += this.#rows.settle();
      this.#recover();
      return result;
    } catch (error) {
      // What is wrong with a change is no reason to lose rows; where there is none, the rows are what is wrong.
      if (change === null && !(error instanceof StoreError)) {
        this.#rows.refused(mayGiveUp);
        throw new StoreError("refused", `${this.#options.name} refuses rows: ${(error as Error).message}`, error);
      }
      this.#rows.putBack();
      throw error;
    }
  }

  /** Writes a batch, if it is still `due` when its turn comes. False when that failed. */
  async #flushOnce(due = () => true, mayGiveUp = false): Promise<boolean> {
    this.#inLine++;
    try {
      await this.#takeTurn(async () => {
        this.#inLine--;
        // Others whose turn came before may have written it.
        const isNeeded = this.#rows.length > 0 || this.#problem !== null;
        if (isNeeded && due()) await this.#write(null, mayGiveUp);
      });
      return true;
    } catch {
      this.#flushErrors++;
      return false;
    }
  }

  /** Sees to it that the next batch is written when it is due. */
  #wake(): void {
    if (this.#closing !== null || this.#inLine > 0) return;
    const delayMs = this.#problem !== null ? this.#retryMs : this.#rows.dueMs;
    if (delayMs === null || (this.#cancelWait !== null && this.#delayMs <= delayMs)) return;
    this.#sleep();
    this.#delayMs = delayMs;
    this.#cancelWait = this.#later(delayMs, () => {
      this.#cancelWait = null;
      const isRetry = this.#problem !== null;
      // What failed while this waited for its turn is tried again later, not at once.
      void this.#flushOnce(() => isRetry || this.#problem === null, isRetry);
    });
  }

  #sleep(): void {
    this.#cancelWait?.();
    this.#cancelWait = null;
  }

  get #retryMs(): number {
    return Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
  }

  async #degrade(failure: StoreError): Promise<void> {
    this.#failures++;
    this.#note(failure);
    await this.#options.backend.mend(failure);
  }

  #note({ kind, message }: StoreError): void {
    const { nowMs, events } = this.#options;
    const before = this.#problem;
    this.#problem = { kind, message, sinceMs: before?.sinceMs ?? nowMs() };
    // A reason of the same kind is told when it stays: what ends a connection is seldom what keeps the next from being made.
    const isNews = before?.message === message && !this.#told.has(message) && this.#told.size < MOST_TOLD;
    if (before?.kind !== kind || isNews) {
      this.#told.add(message);
      events.degraded?.(this.#problem);
    }
    this.#wake();
  }

  #recover(): void {
    const problem = this.#problem;
    this.#failures = 0;
    if (problem === null) return;
    this.#problem = null;
    this.#told.clear();
    const { nowMs, events } = this.#options;
    events.recovered?.(problem, nowMs() - problem.sinceMs);
  }
}

function closedError(): StoreError {
  return new StoreError("unavailable", "the store is closed");
}
