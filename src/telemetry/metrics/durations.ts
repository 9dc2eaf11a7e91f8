/**
 * Totals per server, kept from what the workers count per slot. A slot may be given to another server, and a bucket of
 * the shared histograms is a 32-bit number that wraps around in a busy instance within days: so the growth since the last
 * look is added up here, as 64-bit floats, for the server that has the slot now.
 */
import { bucketCount, bucketLowerMs, bucketUpperMs } from "../../shared/latency-buckets.ts";
import { Header, MAX_SERVERS, type SharedMemory, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import type { Work } from "./exposition.ts";

/** Upper bounds of the exported buckets, seconds: the standard ones of the Prometheus clients, and finer below 5 ms. */
export const DURATION_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Of one server since it came. */
export interface ServerTotals {
  readonly id: number;
  /** Requests by `DURATION_BOUNDS`, not cumulative; the last entry is beyond the last bound. */
  readonly buckets: Float64Array;
  durationSumMs: number;
  /** Of the responses: dispatch to complete response head. */
  latencySumMs: number;
  responses: number;
  failures: number;
}

/** What was read last from one worker's columns of one slot. */
interface Seen {
  readonly histogram: Uint32Array;
  durationSumMs: number;
  /** Of the responses: dispatch to complete response head. */
  latencySumMs: number;
  responses: number;
  failures: number;
}

/** Which exported bucket a fine one is counted in: by its middle, so that the error stays within 3 %. */
const EXPORTED_BUCKET = Uint8Array.from({ length: bucketCount }, (_, i) => {
  const middleSeconds = Math.min(bucketLowerMs(i) * 1.1, (bucketLowerMs(i) + bucketUpperMs(i)) / 2) / 1000;
  const at = DURATION_BOUNDS.findIndex((bound) => middleSeconds <= bound);
  return at < 0 ? DURATION_BOUNDS.length : at;
});

/** Totals per server that outlive their slot's next owner. */
export class ServerTotalsLedger {
  readonly #memory: SharedMemory;
  readonly #bySlot: (ServerTotals | null)[] = new Array(MAX_SERVERS).fill(null);
  /** Slots that have had a server. */
  readonly #used = new Set<number>();
  /** By worker, then by slot. */
  readonly #seen: (Seen | undefined)[][] = [];

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /**
   * Adds what was counted since the last call. Call it when the fleet changes, at every scrape, and every minute or so
   * besides: within the time in which a bucket could wrap around.
   */
  update(): void {
    for (let slot = 0; slot < MAX_SERVERS; slot++) this.#updateSlot(slot);
  }

  /** As `update`, a slot at a time. */
  *updating(): Work<void> {
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      this.#updateSlot(slot);
      yield;
    }
  }

  #updateSlot(slot: number): void {
    const known = this.#bySlot[slot];
    const id = this.#memory.servers.id[slot];
    if (known !== null) this.#add(slot, known);
    if ((known?.id ?? 0) === id) return;
    // What a slot counted after its former server left is nobody's. A slot's first server has all of it.
    if (known === null && this.#used.has(slot)) this.#add(slot, null);
    this.#used.add(slot);
    this.#bySlot[slot] = id === 0 ? null : emptyTotals(id);
    this.#add(slot, this.#bySlot[slot]);
  }

  /** Totals of the servers that are in the table now. */
  *servers(): IterableIterator<ServerTotals> {
    for (const totals of this.#bySlot) if (totals !== null) yield totals;
  }

  #add(slot: number, totals: ServerTotals | null): void {
    const { header, workers } = this.#memory;
    for (let w = header[Header.WORKER_BLOCKS] - 1; w >= 0; w--) {
      this.#seen[w] ??= [];
      const seen = this.#seen[w][slot];
      if (seen !== undefined) addGrowth(workers[w], slot, seen, totals);
      else if (workers[w].responses[slot] > 0 || workers[w].durationSumMs[slot] > 0 || workers[w].failures[slot] > 0) {
        const zero = {
          histogram: new Uint32Array(bucketCount),
          durationSumMs: 0,
          latencySumMs: 0,
          responses: 0,
          failures: 0,
        };
        this.#seen[w][slot] = zero;
        addGrowth(workers[w], slot, zero, totals);
      }
    }
  }
}

function emptyTotals(id: number): ServerTotals {
  return {
    id,
    buckets: new Float64Array(DURATION_BOUNDS.length + 1),
    durationSumMs: 0,
    latencySumMs: 0,
    responses: 0,
    failures: 0,
  };
}

function addGrowth(block: WorkerBlock, slot: number, seen: Seen, totals: ServerTotals | null): void {
  const durationSumMs = block.durationSumMs[slot];
  const latencySumMs = block.latencySumMs[slot];
  const responses = block.responses[slot];
  const failures = block.failures[slot];
  if (totals !== null) {
    totals.durationSumMs += durationSumMs - seen.durationSumMs;
    totals.latencySumMs += latencySumMs - seen.latencySumMs;
    totals.responses += responses - seen.responses;
    totals.failures += failures - seen.failures;
  }
  seen.durationSumMs = durationSumMs;
  seen.latencySumMs = latencySumMs;
  seen.responses = responses;
  seen.failures = failures;
  const { histogram } = seen;
  const live = block.durationHistogram;
  const from = slot * bucketCount;
  for (let i = 0; i < bucketCount; i++) {
    const now = live[from + i];
    const grown = (now - histogram[i]) >>> 0; // also right when the 32 bits have wrapped
    if (grown === 0) continue;
    histogram[i] = now;
    if (totals !== null) totals.buckets[EXPORTED_BUCKET[i]] += grown;
  }
}
