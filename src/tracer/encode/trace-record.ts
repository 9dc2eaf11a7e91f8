/** A record of a sampled request, taken apart: one object that is filled again for each. */
import { FAILURE_CODES } from "../../shared/failure-codes.ts";
import { TRACE_ATTEMPTS, TRACE_TEXT_PLACES, TraceAttemptWord, TraceWord } from "../../shared/memory/layout/tracing.ts";
import type { Row } from "../../shared/memory/ring.ts";
import { METHODS } from "../../shared/memory/series-table.ts";

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** One record, read where it lies. Of what a row may hold nothing is believed that is out of its bounds. */
export class TraceRecord {
  #row!: Row;
  #bytes!: Buffer;

  /** Reads `row` from now on. */
  over(row: Row): this {
    if (this.#row !== row) this.#bytes = Buffer.from(row.words.buffer, row.words.byteOffset, row.words.byteLength);
    this.#row = row;
    return this;
  }

  get traceId(): Uint8Array {
    return this.#id(TraceWord.TRACE_ID, TRACE_ID_BYTES);
  }

  get spanId(): Uint8Array {
    return this.#id(TraceWord.SPAN_ID, SPAN_ID_BYTES);
  }

  /** `null` = the request came without a trace. */
  get parentId(): Uint8Array | null {
    const { words } = this.#row;
    if (words[TraceWord.PARENT_ID] === 0 && words[TraceWord.PARENT_ID + 1] === 0) return null;
    return this.#id(TraceWord.PARENT_ID, SPAN_ID_BYTES);
  }

  /** Float64 at a word of the record. */
  figure(word: number): number {
    return this.#row.figures[word >> 1];
  }

  /** Float32. */
  float(word: number): number {
    return this.#row.floats[word];
  }

  word(word: number): number {
    return this.#row.words[word];
  }

  get route(): number {
    return this.#row.words[TraceWord.ROUTE] & 0xffff;
  }

  /** 0 = none was sent. */
  get status(): number {
    return this.#row.words[TraceWord.ROUTE] >>> 16;
  }

  get poolRow(): number {
    return this.#row.words[TraceWord.POOL] & 0xff;
  }

  /** `other` = one that is not in `METHODS`. */
  get method(): (typeof METHODS)[number] {
    return METHODS[(this.#row.words[TraceWord.POOL] >>> 8) & 0xff] ?? METHODS[0];
  }

  /** Empty = none. */
  get failure(): string {
    return FAILURE_CODES[this.#row.words[TraceWord.POOL] >>> 16] ?? "other";
  }

  has(flag: number): boolean {
    return (this.#row.words[TraceWord.FLAGS] & flag) !== 0;
  }

  /** Those that the record holds. */
  get attempts(): number {
    return Math.min(this.#row.words[TraceWord.ATTEMPTS] & 0xff, TRACE_ATTEMPTS);
  }

  get allAttempts(): number {
    return this.#row.words[TraceWord.ATTEMPTS] >>> 8;
  }

  /** What is no UTF-8 is replaced: a collector refuses all spans that are sent with one that has such a text. */
  text(name: keyof typeof TRACE_TEXT_PLACES): string {
    const { at, room, index } = TRACE_TEXT_PLACES[name];
    const length = (this.#row.words[TraceWord.LENGTHS + (index >> 1)] >>> ((index & 1) * 16)) & 0xffff;
    return length === 0 ? "" : this.#bytes.toString("utf8", at, at + Math.min(length, room));
  }

  /** First word of an attempt. */
  attempt(index: number): number {
    return TraceWord.ATTEMPT + index * TraceAttemptWord.LENGTH;
  }

  attemptId(at: number): Uint8Array {
    return this.#id(at + TraceAttemptWord.SPAN_ID, SPAN_ID_BYTES);
  }

  #id(word: number, bytes: number): Uint8Array {
    return this.#bytes.subarray(word * 4, word * 4 + bytes);
  }
}
