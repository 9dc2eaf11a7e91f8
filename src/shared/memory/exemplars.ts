/**
 * Examples of traced requests beside the buckets of durations (duration-table.ts): the last one of each bucket. Writer: the
 * worker, of its own block. Readers: whoever renders metrics, in another process: an example whose sequence number is odd, or
 * another one afterwards, is being written.
 */
import { clearExemplars, type DurationColumns, OTHER_ROW } from "./duration-table.ts";
import { DURATION_BUCKETS, ExemplarWord } from "./layout/durations.ts";

const WORD_BYTES = Float64Array.BYTES_PER_ELEMENT;
const INTS = WORD_BYTES / Int32Array.BYTES_PER_ELEMENT;
const TRACE_ID_BYTES = 16;
/** Readers that met a write look again so often; the next scrape will do, too. */
const LOOKS = 3;

/** A request of a bucket. */
export interface Exemplar {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Its duration, seconds. */
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
}

function wordOf(row: number, bucket: number): number {
  return (row * DURATION_BUCKETS + bucket) * ExemplarWord.LENGTH;
}

/** Writes those of one worker. */
export class ExemplarWriter {
  readonly #figures: Float64Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  /** @param exemplars the worker's column. */
  constructor(exemplars: Float64Array) {
    const { buffer, byteOffset, byteLength } = exemplars;
    this.#figures = exemplars;
    this.#words = new Int32Array(buffer, byteOffset, byteLength / Int32Array.BYTES_PER_ELEMENT);
    this.#bytes = new Uint8Array(buffer, byteOffset, byteLength);
  }

  /** For a worker that begins to write them: those of its rows are forgotten. */
  static cleared({ durationKeys, exemplars }: DurationColumns): ExemplarWriter {
    durationKeys.forEach((key, row) => {
      if (key !== 0 || row === OTHER_ROW) clearExemplars(exemplars, row);
    });
    return new ExemplarWriter(exemplars);
  }

  /** The request is the last one of the bucket. `digits[start …]` are the 32 hexadecimal digits of its trace id. */
  write(row: number, bucket: number, valueSeconds: number, timeMs: number, digits: Uint8Array, start: number): void {
    const at = wordOf(row, bucket);
    const sequence = (at + ExemplarWord.SEQUENCE) * INTS;
    const writing = this.#words[sequence] | 1; // odd already, when a worker died over it
    Atomics.store(this.#words, sequence, writing);
    this.#figures[at + ExemplarWord.VALUE] = valueSeconds;
    this.#figures[at + ExemplarWord.TIME] = timeMs;
    const id = (at + ExemplarWord.TRACE_ID) * WORD_BYTES;
    for (let i = 0; i < TRACE_ID_BYTES; i++) {
      this.#bytes[id + i] = (nibble(digits[start + 2 * i]) << 4) | nibble(digits[start + 2 * i + 1]);
    }
    Atomics.store(this.#words, sequence, (writing + 1) | 0);
  }
}

/** Value of a hexadecimal digit. */
function nibble(digit: number): number {
  return digit <= 57 ? digit - 48 : (digit | 32) - 87;
}

/** Reads those of one worker. */
export class ExemplarReader {
  readonly #figures: Float64Array;
  readonly #words: Int32Array;
  readonly #bytes: Buffer;

  /** @param exemplars the worker's column. */
  constructor(exemplars: Float64Array) {
    const { buffer, byteOffset, byteLength } = exemplars;
    this.#figures = exemplars;
    this.#words = new Int32Array(buffer, byteOffset, byteLength / Int32Array.BYTES_PER_ELEMENT);
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength);
  }

  /** The bucket's example; null = there is none, or it is just being written. */
  read(row: number, bucket: number): Exemplar | null {
    const at = wordOf(row, bucket);
    const sequence = (at + ExemplarWord.SEQUENCE) * INTS;
    const id = (at + ExemplarWord.TRACE_ID) * WORD_BYTES;
    for (let look = 0; look < LOOKS; look++) {
      const before = Atomics.load(this.#words, sequence);
      if (before === 0) return null;
      if ((before & 1) !== 0) continue;
      const value = this.#figures[at + ExemplarWord.VALUE];
      const timeMs = this.#figures[at + ExemplarWord.TIME];
      const traceId = this.#bytes.toString("hex", id, id + TRACE_ID_BYTES);
      if (Atomics.load(this.#words, sequence) === before) return { traceId, value, timeMs };
    }
    return null;
  }
}
