/** Reads what the workers' rings say of requests, each record once. */

import {
  DETAIL_ROWS,
  DetailReason,
  DetailWord,
  REQUEST_ROWS,
  RecorderCounter,
  RequestWord,
} from "../shared/memory/layout/history.ts";
import { Header, type SharedMemory } from "../shared/memory/layout/shared-memory.ts";
import { reasonOf, statusOf } from "../shared/memory/packed-words.ts";
import { RingCursor, type Row } from "../shared/memory/ring.ts";
import { inRange, LATENCY_MS, MOMENT_MS, type Range } from "../shared/ranges.ts";
import type { Position } from "./progress.ts";

const STATUS: Range = { least: 100, most: 999 };
const BYTES: Range = { least: 0, most: Number.MAX_SAFE_INTEGER };
const SHARE: Range = { least: Number.MIN_VALUE, most: 1 };

/** Who takes records. The row is used again for the next one. */
export interface RecordTaker {
  request(row: Row, worker: number, number: number): void;
  detail(row: Row, worker: number, number: number): void;
}

/** The rings of all workers. */
export class RecordFeed {
  readonly #memory: SharedMemory;
  readonly #from: Position;
  readonly #requests: RingCursor[] = [];
  readonly #details: RingCursor[] = [];

  /** @param from begins behind it. */
  constructor(memory: SharedMemory, from: Position) {
    this.#memory = memory;
    this.#from = from;
  }

  /**
   * Hands over what is new, of each worker in the order in which it was written; requests before their details. Counts it
   * too, once, whoever has read it before.
   * @returns how many requests were overwritten before they were read, or hold numbers that no request can have.
   */
  drain(taker: RecordTaker): number {
    const { header, history, recorder } = this.#memory;
    const { counters, counted } = recorder;
    let lost = 0;
    for (let worker = 0; worker < header[Header.WORKER_BLOCKS]; worker++) {
      const { requests, details } = history[worker];
      this.#requests[worker] ??= new RingCursor(
        requests,
        REQUEST_ROWS,
        RequestWord.LENGTH,
        this.#from.requests[worker],
      );
      this.#details[worker] ??= new RingCursor(details, DETAIL_ROWS, DetailWord.LENGTH, this.#from.details[worker]);
      const cursor = this.#requests[worker];
      let impossible = 0;
      const overwritten = cursor.drain((row, number) => {
        if (isPossible(row)) taker.request(row, worker, number);
        else impossible++;
      });
      const missing = overwritten + impossible;
      const isNew = (cursor.position - counted[worker]) | 0;
      if (isNew > 0) {
        counters[RecorderCounter.REQUESTS] += Math.max(0, isNew - missing);
        counted[worker] = cursor.position;
      }
      counters[RecorderCounter.REQUESTS_LOST] += missing;
      lost += missing;
      this.#details[worker].drain((row, number) => {
        if (isPossible(row) && inRange(row.floats[DetailWord.PROBABILITY], SHARE)) taker.detail(row, worker, number);
      });
    }
    return lost;
  }
}

/** The memory is other processes', and one of them may have been killed in the midst of a write. */
function isPossible({ words, floats, figures }: Row): boolean {
  return (
    inRange(figures[RequestWord.TIME >> 1], MOMENT_MS) &&
    inRange(figures[RequestWord.RESPONSE_BYTES >> 1], BYTES) &&
    inRange(floats[RequestWord.DURATION], LATENCY_MS) &&
    inRange(floats[RequestWord.WAIT], LATENCY_MS) &&
    inRange(statusOf(words), STATUS) &&
    words[RequestWord.SERVER] >= 0 &&
    reasonOf(words) <= DetailReason.FAILED
  );
}
