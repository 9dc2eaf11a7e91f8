/**
 * Totals per server, kept from what the workers count per slot. A slot may be given to another server, and a bucket of
 * the shared histograms is a 32-bit number that wraps around in a busy instance within days: so the growth since the last
 * look is added up here, as 64-bit floats, for the server that has the slot now.
 */
import { ATTEMPT_CAUSES } from "../../shared/attempt-causes.ts";
import { bucketCount, bucketLowerMs, bucketUpperMs } from "../../shared/latency-buckets.ts";
import { nativeBucket } from "../../shared/memory/duration-table.ts";
import {
  BriefDurationWord,
  DURATION_BOUNDS,
  DURATION_BUCKETS,
  NATIVE_BUCKETS,
} from "../../shared/memory/layout/durations.ts";
import { Header, MAX_SERVERS, type SharedMemory, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import type { Work } from "./exposition.ts";

const CAUSES = ATTEMPT_CAUSES.length;

/** Of one server since it came. */
export interface ServerTotals {
  readonly id: number;
  /** Whole requests by `DURATION_BOUNDS`, not cumulative; the last entry is beyond the last bound. */
  readonly buckets: Float64Array;
  durationSumMs: number;
  responses: number;
  failures: number;
  /** From the dispatch to the response head. */
  latencySumMs: number;
  /** As `buckets`, of the same; and by native bucket (duration-table.ts). */
  readonly latencyBuckets: Float64Array;
  readonly latencyNative: Float64Array;
  /** `BriefDurationWord`s: connections that were made, and their TLS handshakes. */
  readonly connects: Float64Array;
  readonly handshakes: Float64Array;
  /** Requests over a kept connection. */
  reuses: number;
  /** By `ATTEMPT_CAUSES`: what the server failed (together `failures`), and what of that another attempt followed. */
  readonly failureCauses: Float64Array;
  readonly retryCauses: Float64Array;
}

/** Single numbers of a slot. */
const FIGURES = ["durationSumMs", "latencySumMs", "responses", "failures", "reuses"] as const;
/** Several of a slot, that is to say a row of so many. */
const ROWS = [
  ["connects", BriefDurationWord.LENGTH],
  ["handshakes", BriefDurationWord.LENGTH],
  ["failureCauses", CAUSES],
  ["retryCauses", CAUSES],
] as const;

/** What was read last from one worker's columns of one slot. */
interface Seen
  extends Record<(typeof FIGURES)[number], number>,
    Readonly<Record<(typeof ROWS)[number][0], Float64Array>> {
  readonly durationHistogram: Uint32Array;
  readonly latencyHistogram: Uint32Array;
}

/** Which exported bucket a fine one is counted in: by its middle, so that the error stays within 3 %. */
const MIDDLE_SECONDS = Float64Array.from(
  { length: bucketCount },
  (_, i) => Math.min(bucketLowerMs(i) * 1.1, (bucketLowerMs(i) + bucketUpperMs(i)) / 2) / 1000,
);
const EXPORTED_BUCKET = Uint8Array.from(MIDDLE_SECONDS, (middleSeconds) => {
  const at = DURATION_BOUNDS.findIndex((bound) => middleSeconds <= bound);
  return at < 0 ? DURATION_BOUNDS.length : at;
});
const NATIVE_BUCKET = Uint8Array.from(MIDDLE_SECONDS, nativeBucket);

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
      if (this.#seen[w][slot] === undefined && !isUsed(workers[w], slot)) continue;
      this.#seen[w][slot] ??= nothingSeen();
      addGrowth(workers[w], slot, this.#seen[w][slot]!, totals);
    }
  }
}

function emptyTotals(id: number): ServerTotals {
  return {
    id,
    buckets: new Float64Array(DURATION_BUCKETS),
    durationSumMs: 0,
    responses: 0,
    failures: 0,
    latencySumMs: 0,
    latencyBuckets: new Float64Array(DURATION_BUCKETS),
    latencyNative: new Float64Array(NATIVE_BUCKETS),
    reuses: 0,
    ...emptyRows(),
  };
}

function nothingSeen(): Seen {
  return {
    durationHistogram: new Uint32Array(bucketCount),
    latencyHistogram: new Uint32Array(bucketCount),
    durationSumMs: 0,
    latencySumMs: 0,
    responses: 0,
    failures: 0,
    reuses: 0,
    ...emptyRows(),
  };
}

function emptyRows() {
  return {
    connects: new Float64Array(BriefDurationWord.LENGTH),
    handshakes: new Float64Array(BriefDurationWord.LENGTH),
    failureCauses: new Float64Array(CAUSES),
    retryCauses: new Float64Array(CAUSES),
  };
}

/** Anything was counted: attempts begin with a connection. */
function isUsed(block: WorkerBlock, slot: number): boolean {
  if (FIGURES.some((name) => block[name][slot] > 0)) return true;
  return ROWS.some(([name, length]) => block[name].subarray(slot * length, (slot + 1) * length).some((n) => n > 0));
}

function addGrowth(block: WorkerBlock, slot: number, seen: Seen, totals: ServerTotals | null): void {
  for (const name of FIGURES) {
    const now = block[name][slot];
    if (totals !== null) totals[name] += now - seen[name];
    seen[name] = now;
  }
  for (const [name, length] of ROWS)
    addRowGrowth(block[name], slot * length, seen[name], totals === null ? null : totals[name]);
  addHistogramGrowth(block.durationHistogram, slot, seen.durationHistogram, (bucket, grown) => {
    if (totals !== null) totals.buckets[EXPORTED_BUCKET[bucket]] += grown;
  });
  addHistogramGrowth(block.latencyHistogram, slot, seen.latencyHistogram, (bucket, grown) => {
    if (totals === null) return;
    totals.latencyBuckets[EXPORTED_BUCKET[bucket]] += grown;
    totals.latencyNative[NATIVE_BUCKET[bucket]] += grown;
  });
}

function addRowGrowth(live: Float64Array, from: number, seen: Float64Array, totals: Float64Array | null): void {
  for (let i = 0; i < seen.length; i++) {
    const now = live[from + i];
    if (totals !== null) totals[i] += now - seen[i];
    seen[i] = now;
  }
}

function addHistogramGrowth(
  live: Uint32Array,
  slot: number,
  seen: Uint32Array,
  add: (bucket: number, grown: number) => void,
): void {
  const from = slot * bucketCount;
  for (let i = 0; i < bucketCount; i++) {
    const now = live[from + i];
    const grown = (now - seen[i]) >>> 0; // also right when the 32 bits have wrapped
    if (grown === 0) continue;
    seen[i] = now;
    add(i, grown);
  }
}
