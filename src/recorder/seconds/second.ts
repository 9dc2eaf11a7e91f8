/** All requests that ended within one second: counts by kind, and of a part of them the details. */
import { historyBucketCount } from "../../shared/history-buckets.ts";
import { DetailWord } from "../../shared/memory/layout/history.ts";
import { MAX_WORKERS } from "../../shared/memory/layout/shared-memory.ts";
import { reasonOf } from "../../shared/memory/packed-words.ts";
import type { Row } from "../../shared/memory/ring.ts";
import { Reservoir } from "../sampling/reservoir.ts";
import { Cell, keyOf, numberOf } from "./cell.ts";

/** So many kinds are told apart within one second (3 MB); what is beyond counts as other, by pool and class. */
export const MAX_CELLS = 4096;
/** Names what was not told apart. */
export const OTHER = -1;

export class Second {
  readonly second: number;
  readonly #cells = new Map<number, Cell>();
  readonly #others = new Map<number, Cell>();
  /** By `DetailReason`: how many requests there were, and those of which there are details. */
  readonly counts = [0, 0, 0];
  readonly details: readonly [Reservoir, Reservoir, Reservoir];
  /** By worker: number of its last record that counts to this second; 0 = none does. */
  readonly lastRequest = new Int32Array(MAX_WORKERS);
  readonly lastDetail = new Int32Array(MAX_WORKERS);

  /** @param maxRows of single requests that are kept. @param random uniform in [0, 1). */
  constructor(second: number, maxRows: number, random: () => number) {
    this.second = second;
    const reservoir = (): Reservoir => new Reservoir(maxRows, random);
    this.details = [reservoir(), reservoir(), reservoir()];
  }

  /** Counts the request of a record. */
  add(row: Row, worker: number, number: number): void {
    const { words } = row;
    const key = numberOf(words);
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#begin(key, row);
    else cell.add(row);
    this.counts[reasonOf(words)]++;
    this.lastRequest[worker] = number;
  }

  /** Takes the details of a request that ended at `endedMs`, milliseconds since the epoch. */
  addDetail({ words, floats }: Row, worker: number, number: number, endedMs: number): void {
    this.details[reasonOf(words)].add(words, floats[DetailWord.PROBABILITY], endedMs);
    this.lastDetail[worker] = number;
  }

  /** Counts by kind. */
  cells(): Cell[] {
    return [...this.#cells.values(), ...this.#others.values()];
  }

  /** There were more kinds than are told apart. */
  get overflowed(): boolean {
    return this.#others.size > 0;
  }

  /** Durations of all of them by `historyBucketOf`. */
  durations(): Float64Array {
    const histogram = new Float64Array(historyBucketCount);
    for (const cell of this.cells()) cell.addDurationsTo(histogram);
    return histogram;
  }

  #begin(number: number, row: Row): void {
    const key = keyOf(row.words);
    let cell: Cell | undefined;
    if (this.#cells.size < MAX_CELLS) {
      cell = new Cell(key);
      this.#cells.set(number, cell);
    } else {
      const coarse = key.pool * 8 + key.statusClass;
      cell = this.#others.get(coarse);
      if (cell === undefined) {
        cell = new Cell({ ...key, server: OTHER, route: OTHER });
        this.#others.set(coarse, cell);
      }
    }
    cell.add(row);
  }
}
