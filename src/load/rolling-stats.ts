/** What clients saw: throughput, quantiles and failures, over the last seconds and in all. */
import { bucketCount, bucketOf, quantileMs } from "../shared/latency-buckets.ts";

/** Length of one slot of the window, milliseconds. */
const SLOT_MS = 500;

interface Slot {
  epoch: number;
  succeeded: number;
  failed: number;
  readonly latency: Uint32Array;
}

/** The last seconds as one. */
export interface WindowStats {
  /** Responses per second. */
  readonly perSecond: number;
  readonly failedPerSecond: number;
  /** Milliseconds, NaN without responses. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export class RollingStats {
  readonly #slots: readonly Slot[];
  readonly #startMs: number;
  readonly #total = new Uint32Array(bucketCount);
  #succeeded = 0;
  #failed = 0;

  /** @param windowMs length of the window; a multiple of half a second. */
  constructor(startMs: number, windowMs: number) {
    this.#startMs = startMs;
    // One slot more than the window: the one being filled does not count yet.
    this.#slots = Array.from({ length: windowMs / SLOT_MS + 1 }, () => ({
      epoch: -1,
      succeeded: 0,
      failed: 0,
      latency: new Uint32Array(bucketCount),
    }));
  }

  get succeeded(): number {
    return this.#succeeded;
  }

  get failed(): number {
    return this.#failed;
  }

  /** The `q`-quantile of all responses so far, milliseconds; NaN without any. */
  quantile(q: number): number {
    return quantileMs(this.#total, q);
  }

  /** A response came `latencyMs` after its request was meant to be sent. */
  success(latencyMs: number, nowMs: number): void {
    const slot = this.#slotAt(nowMs);
    const bucket = bucketOf(latencyMs);
    slot.succeeded++;
    slot.latency[bucket]++;
    this.#succeeded++;
    this.#total[bucket]++;
  }

  /** A request failed, however late: it has no place among the latencies. */
  failure(nowMs: number): void {
    this.#slotAt(nowMs).failed++;
    this.#failed++;
  }

  /** The last `lengthMs` (at most the window, in half seconds); the half second that is being filled does not count. */
  window(nowMs: number, lengthMs = Number.POSITIVE_INFINITY): WindowStats {
    const current = this.#epoch(nowMs);
    const slots = Math.min(this.#slots.length - 1, Math.ceil(lengthMs / SLOT_MS));
    const oldest = Math.max(0, current - slots);
    const latency = new Uint32Array(bucketCount);
    let succeeded = 0;
    let failed = 0;
    for (const slot of this.#slots) {
      if (slot.epoch < oldest || slot.epoch >= current) continue;
      succeeded += slot.succeeded;
      failed += slot.failed;
      for (let i = 0; i < bucketCount; i++) latency[i] += slot.latency[i];
    }
    const seconds = ((current - oldest) * SLOT_MS) / 1000;
    return {
      perSecond: seconds > 0 ? succeeded / seconds : 0,
      failedPerSecond: seconds > 0 ? failed / seconds : 0,
      p50Ms: quantileMs(latency, 0.5),
      p99Ms: quantileMs(latency, 0.99),
    };
  }

  #epoch(nowMs: number): number {
    return Math.floor((nowMs - this.#startMs) / SLOT_MS);
  }

  #slotAt(nowMs: number): Slot {
    const epoch = this.#epoch(nowMs);
    const slot = this.#slots[epoch % this.#slots.length];
    if (slot.epoch !== epoch) {
      slot.epoch = epoch;
      slot.succeeded = 0;
      slot.failed = 0;
      slot.latency.fill(0);
    }
    return slot;
  }
}
