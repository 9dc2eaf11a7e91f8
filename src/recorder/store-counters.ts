/** Shows in the shared memory how the store is. */
import { RecorderCounter } from "../shared/memory/layout/history.ts";
import type { StoreStatus } from "../storage/learning-store.ts";

export class StoreCounters {
  readonly #counters: Float64Array;
  readonly #shown = new Map<number, number>();

  constructor(counters: Float64Array) {
    this.#counters = counters;
  }

  /**
   * @param status `null` = it is not open yet.
   * @param dropped rows that found no room before the store had them.
   * @param waiting and those that wait there.
   */
  show(status: StoreStatus | null, dropped: number, waiting: number): void {
    const counters = this.#counters;
    counters[RecorderCounter.STORE_DEGRADED] = status !== null && (status.problem !== null || !status.durable) ? 1 : 0;
    counters[RecorderCounter.ROWS_WAITING] = waiting + (status?.bufferedRows ?? 0);
    this.#grow(RecorderCounter.ROWS_DROPPED, dropped + (status?.rowsDropped ?? 0));
    if (status === null) return;
    counters[RecorderCounter.STORE_BYTES] = status.bytes;
    this.#grow(RecorderCounter.ROWS_WRITTEN, status.rowsWritten);
    this.#grow(RecorderCounter.WRITE_ERRORS, status.flushErrors);
  }

  /** They count over all recorders of a run; `value` is this one's. */
  #grow(index: number, value: number): void {
    this.#counters[index] += value - (this.#shown.get(index) ?? 0);
    this.#shown.set(index, value);
  }
}
