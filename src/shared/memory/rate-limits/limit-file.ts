/**
 * The file of one rate limit in the instance's runtime directory, which the supervisor makes and every worker maps: what is
 * counted by key, and by worker what became of requests. Where nothing is limited there is none.
 *
 * Writers: of the table all workers, by compare-and-swap; of a worker's own part that worker, and after its death the supervisor.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { Carver } from "../layout/carver.ts";
import { MAX_WORKERS } from "../layout/shared-memory.ts";
import { DirtyRows, dirtyWords } from "./dirty-rows.ts";
import type { HashSecret } from "./half-sip-hash.ts";
import { SET_WORDS } from "./key-table.ts";

/** "NBRL" in little-endian bytes. */
const MAGIC = 0x4c52424e;

/** Words of its header (Int32). Writer: supervisor, before anybody else maps it. */
const FileWord = { MAGIC: 0, SETS: 1, SECRET: 2, LENGTH: 16 } as const;

/** What workers are told of a limit that instances share (Float64). Writer: supervisor (control/rate-limits/). */
export const SharingWord = {
  /** When Redis has last said anything, milliseconds of the boot clock: a second later it is away. */
  HEARD_MS: 0,
  /** How many instances share it. */
  INSTANCES: 1,
  LENGTH: 8,
} as const;

/** What a worker counts (Float64): they only grow. */
export const LimitCounter = {
  ALLOWED: 0,
  REFUSED: 1,
  /** Would have been refused, were it not for the dry run. */
  WOULD_REFUSE: 2,
  /** Not limited, by `exempt`. */
  EXEMPT: 3,
  /** Keys that were forgotten because there was no room for another one. */
  FORGOTTEN: 4,
  /** Requests whose key found no place: let pass or refused, as the limit says. */
  UNCOUNTED: 5,
  LENGTH: 8,
} as const;

/** Requests that one worker holds places for at once, of a limit of those at once. */
export const HELD_PLACES = 16_384;
/** Keys of which a worker remembers that they were refused. */
export const REFUSED_ROWS = 16;
/** Bytes of a key's name. */
export const REFUSED_NAME_BYTES = 80;

/** One worker's part. */
export interface LimitWorkerPart {
  readonly counters: Float64Array;
  /** Times refused, by row. */
  readonly refusedCounts: Float64Array;
  /** When last, milliseconds of the boot clock, by row. */
  readonly refusedLastMs: Float64Array;
  /** Bytes of the name, by row: written after the name; 0 = there is none. */
  readonly refusedLengths: Int32Array;
  readonly refusedNames: Uint8Array;
  /** Indexes into `table` of the places that its requests have, + 1; 0 = free. Empty where requests in a period are limited. */
  readonly held: Int32Array;
}

/** Of a limit that instances share; else all is empty. Columns are by row: `rowOf` of a place. */
export interface SharingMemory {
  /** By `SharingWord`. */
  readonly words: Float64Array;
  /**
   * Requests that passed since the supervisor looked; of requests at once 1 = one was refused since. Writers: workers (`Atomics`),
   * supervisor, who takes it.
   */
  readonly used: Int32Array;
  /** The half of the hash that the table does not have. Writers: workers. */
  readonly hashes: Int32Array;
  /**
   * What this instance was lent: requests that may still pass; of requests at once 1 + how many may be at once, 0 = nothing was said.
   * Writers: supervisor, workers (`Atomics`).
   */
  readonly lent: Int32Array;
  /** When one more may pass where nothing is lent, milliseconds of the boot clock, low 32 bits. Writer: supervisor. */
  readonly waits: Int32Array;
  /** Rows that have changed or were refused since the supervisor looked. */
  readonly dirty: DirtyRows;
}

/** The row of a place of the table. */
export function rowOf(place: number): number {
  return ((place >> 4) << 3) | (place & 7);
}

/** The other way. */
export function placeOf(row: number): number {
  return ((row >> 3) << 4) | 8 | (row & 7);
}

/** Views over the file. */
export interface LimitMemory {
  readonly secret: HashSecret;
  readonly sharing: SharingMemory;
  /** Sets of a `KeyTable`. */
  readonly table: Int32Array;
  readonly workers: readonly LimitWorkerPart[];
}

/** What decides how large a file is. */
export interface LimitShape {
  /** Rounded up to a power of two. */
  readonly keys: number;
  /** Requests at once are limited, not in a period. */
  readonly concurrent: boolean;
  /** With other instances. */
  readonly shared: boolean;
}

/** Makes the file, with room for all of its keys and for workers 0 … `workers`-1. Throws what the system says: no room. */
export function createLimitFile(path: string, shape: LimitShape, workers: number, secret: HashSecret): LimitMemory {
  const fd = openSync(path, "wx", 0o600);
  try {
    const { size, firstPart } = measure(shape);
    ftruncateSync(fd, size);
    zero(fd, 0, firstPart);
  } finally {
    closeSync(fd);
  }
  reserveLimitWorkers(path, shape, 0, workers);
  const { header } = carve(new Carver(mapFile(path)), shape);
  header[FileWord.SETS] = setsFor(shape.keys);
  header[FileWord.SECRET] = secret.k0;
  header[FileWord.SECRET + 1] = secret.k1;
  Atomics.store(header, FileWord.MAGIC, MAGIC);
  return openLimitFile(path, shape);
}

/** Makes room for workers `from` … `to`-1, which nobody uses yet. Throws what the system says. */
export function reserveLimitWorkers(path: string, shape: LimitShape, from: number, to: number): void {
  if (to <= from) return;
  const { firstPart, partBytes } = measure(shape);
  const fd = openSync(path, "r+");
  try {
    zero(fd, firstPart + from * partBytes, firstPart + to * partBytes);
  } finally {
    closeSync(fd);
  }
}

/** Maps a file that the supervisor made. Throws when it is not one of this shape. */
export function openLimitFile(path: string, shape: LimitShape): LimitMemory {
  const { header, table, sharing, workers } = carve(new Carver(mapFile(path)), shape);
  if (header[FileWord.MAGIC] !== MAGIC || header[FileWord.SETS] !== setsFor(shape.keys)) {
    throw new Error(`${path} is not the file of a rate limit with ${shape.keys} keys`);
  }
  return { secret: { k0: header[FileWord.SECRET], k1: header[FileWord.SECRET + 1] }, table, sharing, workers };
}

/** The same in memory of one process. */
export function limitMemory(shape: LimitShape, secret: HashSecret): LimitMemory {
  const { table, sharing, workers } = carve(new Carver(new ArrayBuffer(measure(shape).size)), shape);
  return { secret, table, sharing, workers };
}

function setsFor(keys: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, keys / (SET_WORDS / 2))));
}

function carve(c: Carver, { keys, concurrent, shared }: LimitShape) {
  const sets = setsFor(keys);
  const header = c.int32(FileWord.LENGTH);
  const table = c.int32(sets * SET_WORDS);
  const rows = shared ? (sets * SET_WORDS) / 2 : 0;
  const dirty = dirtyWords(rows);
  const sharing: SharingMemory = {
    words: c.float64(shared ? SharingWord.LENGTH : 0),
    used: c.int32(rows),
    hashes: c.int32(rows),
    lent: c.int32(rows),
    waits: c.int32(concurrent ? 0 : rows),
    dirty: new DirtyRows(c.int32(dirty.rows), c.int32(dirty.groups)),
  };
  const offsets: number[] = [];
  const workers = Array.from({ length: MAX_WORKERS }, (): LimitWorkerPart => {
    c.page();
    offsets.push(c.size);
    return {
      counters: c.float64(LimitCounter.LENGTH),
      refusedCounts: c.float64(REFUSED_ROWS),
      refusedLastMs: c.float64(REFUSED_ROWS),
      refusedLengths: c.int32(REFUSED_ROWS),
      refusedNames: c.uint8(REFUSED_ROWS * REFUSED_NAME_BYTES),
      held: c.int32(concurrent ? HELD_PLACES : 0),
    };
  });
  c.page();
  return { header, table, sharing, workers, offsets };
}

function measure(shape: LimitShape): { size: number; firstPart: number; partBytes: number } {
  const c = new Carver();
  const { offsets } = carve(c, shape);
  return { size: c.size, firstPart: offsets[0], partBytes: offsets[1] - offsets[0] };
}

function mapFile(path: string): ArrayBufferLike {
  return Bun.mmap(path, { shared: true }).buffer;
}

const ZEROS = new Uint8Array(64 * 1024);

function zero(fd: number, from: number, to: number): void {
  for (let at = from; at < to; ) at += writeSync(fd, ZEROS, 0, Math.min(ZEROS.length, to - at), at);
}
