/**
 * Makes pages of the sparse shared file real before anybody touches them. A page that finds no room when it is first
 * read or written through the mapping ends the process with SIGBUS; a write to the file only fails, with ENOSPC, and
 * that can be handled. So the supervisor writes zeros to whatever is about to be used: the header and the server table
 * when the file is made, a worker's block before its first worker starts, rows of histograms and of learned tables before
 * their slot is given, the workers' rings before what fills them is switched on (of each worker 0.4 megabytes of outcomes for
 * samples, 1.2 more of decisions for `ml`, 3.2 for history, 5.5 for traces), chunks of explanations as they fill, and where
 * classes of requests are told apart 0.2 megabytes of each worker, 0.1 of what requests cost and sixteen kilobytes of each pool.
 *
 * A region is written once, while nobody uses it: these zeros must never meet live numbers.
 */
import { closeSync, openSync, statfsSync, writeSync } from "node:fs";
import { ATTEMPT_CAUSES } from "../attempt-causes.ts";
import { bucketCount } from "../latency-buckets.ts";
import type { ClassCostTable, ClassTable } from "./layout/classes.ts";
import { BriefDurationWord, DURATION_BUCKETS, DURATION_ROWS, DurationWord, ExemplarWord } from "./layout/durations.ts";
import { EXPLAIN_CHUNK_WORDS } from "./layout/explain.ts";
import { SCORE_COLUMNS, TABLE_COPIES, TABLE_MODELS, type WorkerRings } from "./layout/learning.ts";
import type { Ring } from "./layout/ring.ts";
import { MAX_SERVERS, type SharedMemory, type WorkerBlock } from "./layout/shared-memory.ts";

const PAGE_BYTES = 4096;
/** Rows of histograms are made real in steps of so many servers: about 26 KB for each histogram. */
const SLOT_STEP = 16;
const HISTOGRAM_BYTES = bucketCount * Uint32Array.BYTES_PER_ELEMENT;
const BRIEF_BYTES = BriefDurationWord.LENGTH * Float64Array.BYTES_PER_ELEMENT;
const CAUSES_BYTES = ATTEMPT_CAUSES.length * Float64Array.BYTES_PER_ELEMENT;
const COST_ROW_BYTES = SCORE_COLUMNS * Float32Array.BYTES_PER_ELEMENT;
const ZEROS = new Uint8Array(64 * 1024);

/** The file system has no room for another page of the shared memory. */
export class NoSharedMemoryError extends Error {
  override readonly name = "NoSharedMemoryError";
}

/** Which pages of one shared file are real. Used by the process that made the file, alone. */
export class MemoryPages {
  readonly #path: string;
  readonly #memory: SharedMemory;
  /** Worker blocks 0 … n-1 are real, with `#slots` rows of histograms each. */
  #workers = 0;
  #slots = 0;
  /** By ring: those of workers 0 … n-1 are real; `wanted` = those of further ones will be. */
  readonly #rings = {
    decisions: { real: 0, wanted: false },
    outcomes: { real: 0, wanted: false },
    work: { real: 0, wanted: false },
  };
  /** The same of the rings of history. */
  #histories = 0;
  #wantsHistory = false;
  /** And of those of traces. */
  #traces = 0;
  #wantsTraces = false;
  /** And of those of templates; the pools whose tables of classes are real, by row. */
  #templates = 0;
  #wantsTemplates = false;
  readonly #classPools = new Set<number>();
  /** Rows of durations, and of their exemplars: workers 0 … n-1 have so many, all but the last one. */
  readonly #durations: Rows = { real: [], wanted: 0 };
  readonly #exemplars: Rows = { real: [], wanted: 0 };

  /** @param path the file that `memory` maps, of which nothing but the base is in use yet (see `reserveBase`). */
  constructor(path: string, memory: SharedMemory) {
    this.#path = path;
    this.#memory = memory;
  }

  /** Makes room for worker blocks 0 … `count`-1. Throws a `NoSharedMemoryError`. */
  reserveWorkers(count: number): void {
    if (count <= this.#workers) return;
    this.#write((zero) => {
      for (let index = this.#workers; index < count; index++) {
        const block = this.#memory.workers[index];
        const used = block.info.byteOffset + PAGE_BYTES; // the first page is part of the base
        for (const column of Object.values(block) as WorkerBlock[keyof WorkerBlock][]) {
          if (rowsBySlot(block).some(([rows]) => rows === column)) continue;
          if (column === block.durations || column === block.exemplars) continue; // a row at a time: see `reserveDurations`
          zero(Math.max(used, column.byteOffset), column.byteOffset + column.byteLength);
        }
        zeroRows(block, 0, this.#slots, zero);
        this.#workers = index + 1;
      }
      this.#reserveRings(zero);
      this.#reserveHistories(zero);
      this.#reserveTraces(zero);
      this.#reserveTemplates(zero);
      this.#reserveDurations(zero);
    });
  }

  /** As `reserveRings`, for what is learned of classes of requests to the pools in these rows. */
  reserveClasses(rows: readonly number[]): void {
    if (rows.every((row) => this.#classPools.has(row))) return;
    const { costs, pools } = this.#memory.classes;
    const isFirst = this.#classPools.size === 0;
    this.#write((zero) => {
      this.#wantsTemplates = true;
      this.#reserveTemplates(zero);
      this.#rings.work.wanted = true;
      this.#reserveRings(zero);
      if (isFirst) zeroColumns(costs, zero);
      for (const row of rows) if (!this.#classPools.has(row)) zeroColumns(pools[row], zero);
    });
    for (const row of rows) this.#classPools.add(row);
  }

  /** As `reserveRings`, for those by which the recorder is told of requests. */
  reserveHistory(): void {
    this.#write((zero) => {
      this.#wantsHistory = true;
      this.#reserveHistories(zero);
    });
  }

  /** As `reserveRings`, for those by which the tracer is told of requests. */
  reserveTraces(): void {
    this.#write((zero) => {
      this.#wantsTraces = true;
      this.#reserveTraces(zero);
    });
  }

  /**
   * Makes room for rows 0 … `count`-1 of durations by route, and for the last one, which is everything else's; with `exemplars`
   * for these too. Throws a `NoSharedMemoryError`.
   */
  reserveDurations(count: number, exemplars: boolean): void {
    this.#write((zero) => {
      this.#durations.wanted = Math.max(this.#durations.wanted, Math.min(count, DURATION_ROWS - 1));
      this.#exemplars.wanted = exemplars || this.#exemplars.wanted > 0 ? this.#durations.wanted : 0;
      this.#reserveDurations(zero);
    });
  }

  /** Makes room for a chunk of explanations. Throws a `NoSharedMemoryError`. */
  reserveExplainChunk(chunk: number): void {
    const { byteOffset, BYTES_PER_ELEMENT } = this.#memory.explain.words;
    const bytes = EXPLAIN_CHUNK_WORDS * BYTES_PER_ELEMENT;
    this.#write((zero) => zero(byteOffset + chunk * bytes, byteOffset + (chunk + 1) * bytes));
  }

  /** What the file system has left, bytes. */
  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#path);
    return bavail * bsize;
  }

  /** Makes room for the rings of all workers there are and of those to come. Throws a `NoSharedMemoryError`. */
  reserveRings(): void {
    this.#wantRings(["outcomes", "decisions"]);
  }

  /** As `reserveRings`, of outcomes alone: for those that keep samples under another strategy than `ml`. */
  reserveOutcomes(): void {
    this.#wantRings(["outcomes"]);
  }

  /** Makes room for servers in slots 0 … `count`-1. Throws a `NoSharedMemoryError`. */
  reserveSlots(count: number): void {
    if (count <= this.#slots) return;
    const slots = Math.min(MAX_SERVERS, Math.ceil(count / SLOT_STEP) * SLOT_STEP);
    this.#write((zero) => {
      for (let index = 0; index < this.#workers; index++) {
        zeroRows(this.#memory.workers[index], this.#slots, slots, zero);
      }
      zeroCosts(this.#memory, this.#slots, slots, zero);
    });
    this.#slots = slots;
  }

  #wantRings(names: readonly (keyof WorkerRings)[]): void {
    this.#write((zero) => {
      for (const name of names) this.#rings[name].wanted = true;
      this.#reserveRings(zero);
    });
  }

  #reserveRings(zero: Zero): void {
    for (const [name, rings] of Object.entries(this.#rings)) {
      for (; rings.wanted && rings.real < this.#workers; rings.real++) {
        const { head, words } = this.#memory.rings[rings.real][name as keyof WorkerRings];
        zero(head.byteOffset, words.byteOffset + words.byteLength);
      }
    }
  }

  #reserveHistories(zero: Zero): void {
    for (; this.#wantsHistory && this.#histories < this.#workers; this.#histories++) {
      for (const { head, words } of Object.values(this.#memory.history[this.#histories]) as Ring[]) {
        zero(head.byteOffset, words.byteOffset + words.byteLength);
      }
    }
  }

  #reserveTraces(zero: Zero): void {
    for (; this.#wantsTraces && this.#traces < this.#workers; this.#traces++) {
      const { head, words } = this.#memory.traces[this.#traces].requests;
      zero(head.byteOffset, words.byteOffset + words.byteLength);
    }
  }

  #reserveTemplates(zero: Zero): void {
    for (; this.#wantsTemplates && this.#templates < this.#workers; this.#templates++) {
      const { head, words } = this.#memory.classes.templates[this.#templates];
      zero(head.byteOffset, words.byteOffset + words.byteLength);
    }
  }

  #reserveDurations(zero: Zero): void {
    for (let index = 0; index < this.#workers; index++) {
      const { durations, exemplars } = this.#memory.workers[index];
      zeroMoreRows(durations, DurationWord.LENGTH, index, this.#durations, zero);
      zeroMoreRows(exemplars, DURATION_BUCKETS * ExemplarWord.LENGTH, index, this.#exemplars, zero);
    }
  }

  /** What there is no room for is wanted no more: nor of workers to come. */
  #write(work: (zero: Zero) => void): void {
    const undo = this.#wanted();
    const fd = openSync(this.#path, "r+");
    try {
      work((from, to) => zeroFile(fd, from, to));
    } catch (cause) {
      undo();
      throw noRoom(this.#path, cause);
    } finally {
      closeSync(fd);
    }
  }

  /** @returns what makes wanted again what is so now. */
  #wanted(): () => void {
    const rows = [...Object.values(this.#rings), this.#durations, this.#exemplars].map((of) => ({
      of,
      wanted: of.wanted,
    }));
    const [wantsHistory, wantsTraces, wantsTemplates] = [this.#wantsHistory, this.#wantsTraces, this.#wantsTemplates];
    return () => {
      for (const { of, wanted } of rows) of.wanted = wanted;
      this.#wantsHistory = wantsHistory;
      this.#wantsTraces = wantsTraces;
      this.#wantsTemplates = wantsTemplates;
    };
  }
}

/**
 * Makes real what every process touches: all before the learned tables, and the first page of each block, where its
 * gauges are (who sums a gauge over all workers reads them all). For a new file only. Throws a `NoSharedMemoryError`.
 */
export function reserveBase(fd: number, path: string, layout: SharedMemory): void {
  try {
    zeroFile(fd, 0, layout.learned[0].cost.byteOffset);
    const { first, words } = layout.explain;
    zeroFile(fd, first.byteOffset, words.byteOffset);
    for (const { info } of layout.workers) zeroFile(fd, info.byteOffset, info.byteOffset + PAGE_BYTES);
  } catch (cause) {
    throw noRoom(path, cause);
  }
}

type Zero = (from: number, to: number) => void;

/** Rows of a column of workers' blocks that are real by worker, and that are wanted of each. */
interface Rows {
  readonly real: number[];
  wanted: number;
}

function zeroMoreRows(column: Float64Array, length: number, worker: number, rows: Rows, zero: Zero): void {
  const bytes = length * column.BYTES_PER_ELEMENT;
  const real = rows.real[worker] ?? 0;
  if (rows.wanted <= real) return;
  const at = column.byteOffset;
  zero(at + real * bytes, at + rows.wanted * bytes);
  if (real === 0) zero(at + (DURATION_ROWS - 1) * bytes, at + DURATION_ROWS * bytes);
  rows.real[worker] = rows.wanted;
}

/** Columns that have a row for each slot, with the bytes of a row. */
function rowsBySlot(block: WorkerBlock): [column: Uint32Array | Float64Array, bytes: number][] {
  return [
    [block.latencyHistogram, HISTOGRAM_BYTES],
    [block.durationHistogram, HISTOGRAM_BYTES],
    [block.connects, BRIEF_BYTES],
    [block.handshakes, BRIEF_BYTES],
    [block.failureCauses, CAUSES_BYTES],
    [block.retryCauses, CAUSES_BYTES],
  ];
}

function zeroRows(block: WorkerBlock, from: number, to: number, zero: Zero): void {
  for (const [{ byteOffset }, bytes] of rowsBySlot(block)) zero(byteOffset + from * bytes, byteOffset + to * bytes);
}

function zeroCosts({ learned }: SharedMemory, from: number, to: number, zero: Zero): void {
  for (let table = 0; table < TABLE_MODELS * TABLE_COPIES; table++) {
    const first = learned[0].cost.byteOffset + table * MAX_SERVERS * COST_ROW_BYTES;
    zero(first + from * COST_ROW_BYTES, first + to * COST_ROW_BYTES);
  }
}

function zeroColumns(columns: ClassTable | ClassCostTable, zero: Zero): void {
  for (const { byteOffset, byteLength } of Object.values(columns) as Int32Array[])
    zero(byteOffset, byteOffset + byteLength);
}

function zeroFile(fd: number, from: number, to: number): void {
  for (let at = from; at < to; ) at += writeSync(fd, ZEROS, 0, Math.min(ZEROS.length, to - at), at);
}

function noRoom(path: string, cause: unknown): NoSharedMemoryError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = code === "ENOSPC" ? "the file system is full" : message;
  return new NoSharedMemoryError(`no room for shared memory in ${path}: ${why}`, { cause });
}
