/** Rows of all kinds that wait to be written, and how they are put together to batches. */

import type { RowKind } from "../rows/row-kind.ts";
import type { ItemOf, RowBatches, RowKinds } from "../rows/row-kinds.ts";
import { WriteBuffer } from "./write-buffer.ts";

/** Rows of a kind in one transaction. */
const BATCH_ROWS = 1_000;

/** Rows of one transaction. */
export interface Batch<Kinds extends RowKinds> {
  /** The same for the same rows, whenever they are taken again. */
  readonly id: string;
  readonly rows: RowBatches<Kinds>;
}

/** A kind with its buffer, whatever its rows are: what goes into one comes out of the same. */
interface Queue {
  readonly kind: RowKind<unknown, unknown>;
  readonly buffer: WriteBuffer<unknown>;
}

export class WaitingRows<Kinds extends RowKinds> {
  readonly #featureCount: number;
  readonly #run: string;
  readonly #queues: ReadonlyMap<string, Queue>;
  #unfit = 0;
  #batchId = "";
  #batches = 0;
  /** Rows of a kind in the next one: fewer while some are refused, until it is known which. */
  #most = BATCH_ROWS;

  /** @param run what no other owner of the place is or was called. */
  constructor(kinds: Kinds, featureCount: number, run: string) {
    this.#featureCount = featureCount;
    this.#run = run;
    this.#queues = new Map(
      Object.entries(kinds).map(([name, value]) => {
        const kind = value as RowKind<unknown, unknown>;
        return [name, { kind, buffer: new WriteBuffer(kind) }];
      }),
    );
  }

  /** Rows that are not known to be written. */
  get length(): number {
    return this.#sum(({ buffer }) => buffer.length);
  }

  /** Rows that were handed over and lost: there was no room, or they were unfit to be kept. */
  get dropped(): number {
    return this.#unfit + this.#sum(({ buffer }) => buffer.dropped);
  }

  /** How many transactions it takes to write them all. */
  get batches(): number {
    const fresh = Math.max(...[...this.#queues.values()].map(({ buffer }) => Math.ceil(buffer.fresh / this.#most)));
    return fresh + (this.#hasFailed || this.#sum(({ buffer }) => buffer.taken) > 0 ? 1 : 0);
  }

  /** How long those that wait may go on waiting, milliseconds; `null` = there are none. */
  get dueMs(): number | null {
    let due: number | null = null;
    for (const { kind, buffer } of this.#queues.values()) {
      if (buffer.waiting === 0) continue;
      const dueMs = buffer.waiting >= BATCH_ROWS ? 0 : kind.flushMs;
      due = Math.min(due ?? dueMs, dueMs);
    }
    return due;
  }

  push<K extends keyof Kinds & string>(name: K, items: readonly ItemOf<Kinds[K]>[]): void {
    const { kind, buffer } = this.#queues.get(name)!;
    const rows = items.map((item) => kind.encode(item, this.#featureCount)).filter((row) => row !== null);
    this.#unfit += items.length - rows.length;
    buffer.push(rows);
  }

  /** So many were handed over to nobody. */
  refuse(count: number): void {
    this.#unfit += count;
  }

  /**
   * The oldest, to be written; those that were put back, and no others with them, if there are any. The next call is
   * `settle`, `putBack` or `refused`.
   */
  take(): Batch<Kinds> {
    const again = this.#hasFailed;
    if (!again) this.#batchId = `${this.#run}-${++this.#batches}`;
    const batches = [...this.#queues].map(
      ([name, { buffer }]) => [name, again ? buffer.takeAgain() : buffer.take(this.#most)] as const,
    );
    return { id: this.#batchId, rows: Object.fromEntries(batches) as unknown as RowBatches<Kinds> };
  }

  /** What was taken is written. Returns how many rows that are. */
  settle(): number {
    this.#most = Math.min(BATCH_ROWS, 2 * this.#most);
    return this.#sum(({ buffer }) => buffer.settle());
  }

  /** What was taken could not be written now. */
  putBack(): void {
    for (const { buffer } of this.#queues.values()) buffer.putBack();
  }

  /** What was taken is refused. Half as many are taken next. @param mayGiveUp one that is alone in its kind is lost. */
  refused(mayGiveUp: boolean): void {
    const taken = Math.max(...[...this.#queues.values()].map(({ buffer }) => buffer.taken));
    this.#most = Math.max(1, Math.ceil(taken / 2));
    for (const { buffer } of this.#queues.values()) {
      if (taken > 1 || !mayGiveUp) buffer.giveBack();
      else this.#unfit += buffer.settle();
    }
  }

  get #hasFailed(): boolean {
    return this.#sum(({ buffer }) => buffer.failed) > 0;
  }

  #sum(of: (queue: Queue) => number): number {
    let sum = 0;
    for (const queue of this.#queues.values()) sum += of(queue);
    return sum;
  }
}
