/** Goes through what workers keep, the newest first, in pieces: each `yield` is a moment at which others may have their turn. */
import { ChunkReader, chunksOf, type FoundChunk } from "../../shared/memory/explain/chunk-reader.ts";
import { type ExplainMemory, ExplainRing, ExplainWord } from "../../shared/memory/layout/explain.ts";
import { hashRequestId } from "../../shared/memory/request-id-hash.ts";
import { endedMs, type FoundRecord } from "./record.ts";

/** Records between two moments at which others may have their turn. */
const PIECE = 256;

/** Which rings are looked at. */
export type Rings = readonly ExplainRing[];
export const ALL_RINGS: Rings = [ExplainRing.KEPT, ExplainRing.USUAL];
export const KEPT_RING: Rings = [ExplainRing.KEPT];

/** One ring, from its newest record on. */
class RingCursor {
  readonly #reader: ChunkReader;
  readonly #worker: number;
  readonly #chunks: Iterator<FoundChunk>;
  #records: Iterator<{ row: FoundRecord["row"]; at: number }> | null = null;
  /** The newest one that was not taken yet. Its row is used again. */
  record: FoundRecord | null = null;

  constructor(memory: ExplainMemory, worker: number, ring: ExplainRing) {
    this.#reader = new ChunkReader(memory);
    this.#worker = worker;
    this.#chunks = chunksOf(memory, worker, ring).values();
    this.next();
  }

  next(): void {
    for (;;) {
      const found = this.#records?.next();
      if (found !== undefined && !found.done) {
        this.record = { ...found.value, worker: this.#worker };
        return;
      }
      const chunk = this.#chunks.next();
      if (chunk.done) {
        this.record = null;
        return;
      }
      this.#records = this.#reader.read(chunk.value);
    }
  }
}

/**
 * The records of workers 0 … `workers`-1, those that ended last first; what is yielded in between is `null`. A record is good until the
 * next is asked for.
 */
export function* newestFirst(
  memory: ExplainMemory,
  workers: number,
  rings: Rings,
): Generator<FoundRecord | null, void> {
  const cursors: RingCursor[] = [];
  for (let worker = 0; worker < workers; worker++) {
    for (const ring of rings) {
      cursors.push(new RingCursor(memory, worker, ring));
      yield null;
    }
  }
  for (let count = 1; ; count++) {
    let newest: RingCursor | null = null;
    let endMs = Number.NEGATIVE_INFINITY;
    for (const cursor of cursors) {
      if (cursor.record === null) continue;
      const ms = endedMs(cursor.record);
      if (newest !== null && ms <= endMs) continue;
      newest = cursor;
      endMs = ms;
    }
    if (newest?.record == null) return;
    yield newest.record;
    newest.next();
    if (count % PIECE === 0) yield null;
  }
}

/** Finds requests by their id. */
export class IdMatch {
  readonly #hash = new Int32Array(4);
  /** Where it could be one of ours. */
  readonly #own: Int32Array | null;

  constructor(id: string) {
    const bytes = Buffer.from(id, "latin1");
    hashRequestId(bytes, 0, bytes.length, this.#hash, 0);
    this.#own = /^[0-9a-f]{32}$/.test(id) ? new Int32Array(new Uint8Array(Buffer.from(id, "hex")).buffer) : null;
  }

  /** Is it this one? */
  takes({ row: { words }, at }: FoundRecord): boolean {
    const own = this.#own;
    const from = at + ExplainWord.ID;
    return (own !== null && equal(words, from, own)) || equal(words, from, this.#hash);
  }
}

function equal(words: Int32Array, at: number, four: Int32Array): boolean {
  return words[at] === four[0] && words[at + 1] === four[1] && words[at + 2] === four[2] && words[at + 3] === four[3];
}

/** When the oldest record of these rings began, milliseconds of the boot clock; `null` = there is none. */
export function oldestMs(memory: ExplainMemory, workers: number, ring: ExplainRing): number | null {
  let oldest: number | null = null;
  for (let worker = 0; worker < workers; worker++) {
    const since = chunksOf(memory, worker, ring).at(-1)?.sinceMs;
    // Of several workers the one that forgets first says how far back all are known.
    if (since !== undefined) oldest = Math.max(oldest ?? since, since);
  }
  return oldest;
}
