/** What requests of one kind add up to within a second. */
import { historyBucketCount, historyBucketOf } from "../../shared/history-buckets.ts";
import { RequestWord } from "../../shared/memory/layout/history.ts";
import { attemptsOf, failuresOf, poolRowOf, routeOf, statusOf } from "../../shared/memory/packed-words.ts";
import type { Row } from "../../shared/memory/ring.ts";
import { ROUTE_NUMBERS } from "../../shared/memory/series-table.ts";
import type { MetricRow } from "../../storage/history-store.ts";
import { statusClassOf } from "../../storage/rows/request-row.ts";

/** Which requests, by what records call them. */
export interface CellKey {
  readonly server: number;
  readonly route: number;
  /** Row of the pool, or `NO_POOL`. */
  readonly pool: number;
  readonly statusClass: number;
}

/** Rows of pools there may be, `NO_POOL` among them; classes of status, and some. */
const POOL_ROWS = 256;
const STATUS_CLASSES = 8;

/** One kind within one second. */
export class Cell {
  readonly key: CellKey;
  #requests = 0;
  #failures = 0;
  #retries = 0;
  #durationSumMs = 0;
  #waitSumMs = 0;
  #waited = 0;
  #responseBytes = 0;
  readonly #durations = new Uint32Array(historyBucketCount);
  #longest = -1;

  constructor(key: CellKey) {
    this.key = key;
  }

  /** Counts the request of a record. */
  add({ words, floats, figures }: Row): void {
    const durationMs = floats[RequestWord.DURATION];
    const waitMs = floats[RequestWord.WAIT];
    const bucket = historyBucketOf(durationMs);
    this.#requests++;
    this.#failures += failuresOf(words);
    this.#retries += Math.max(0, attemptsOf(words) - 1);
    this.#durationSumMs += durationMs;
    this.#waitSumMs += waitMs;
    if (waitMs > 0) this.#waited++;
    this.#responseBytes += figures[RequestWord.RESPONSE_BYTES >> 1];
    this.#durations[bucket]++;
    if (bucket > this.#longest) this.#longest = bucket;
  }

  /** Adds what another one has counted. */
  merge(other: Cell): void {
    this.#requests += other.#requests;
    this.#failures += other.#failures;
    this.#retries += other.#retries;
    this.#durationSumMs += other.#durationSumMs;
    this.#waitSumMs += other.#waitSumMs;
    this.#waited += other.#waited;
    this.#responseBytes += other.#responseBytes;
    for (let i = 0; i <= other.#longest; i++) this.#durations[i] += other.#durations[i];
    this.#longest = Math.max(this.#longest, other.#longest);
  }

  /** Adds its durations to a histogram. */
  addDurationsTo(histogram: Float64Array): void {
    for (let i = 0; i <= this.#longest; i++) histogram[i] += this.#durations[i];
  }

  /** All but whose it is and when. */
  figures(): Omit<MetricRow, "atMs" | "pool" | "route" | "server" | "address" | "statusClass"> {
    return {
      requests: this.#requests,
      failures: this.#failures,
      retries: this.#retries,
      durationSumMs: this.#durationSumMs,
      waitSumMs: this.#waitSumMs,
      waited: this.#waited,
      responseBytes: this.#responseBytes,
      durations: Array.from(this.#durations.subarray(0, this.#longest + 1)),
    };
  }
}

/** The kind of a record's request. */
export function keyOf(words: Int32Array): CellKey {
  return {
    server: words[RequestWord.SERVER],
    route: routeOf(words),
    pool: poolRowOf(words),
    statusClass: statusClassOf(statusOf(words)),
  };
}

/** A number for it that no other kind has. */
export function numberOf(words: Int32Array): number {
  const route = words[RequestWord.SERVER] * ROUTE_NUMBERS + (routeOf(words) % ROUTE_NUMBERS);
  return (route * POOL_ROWS + poolRowOf(words)) * STATUS_CLASSES + statusClassOf(statusOf(words));
}
