/** What a worker tells the tracer: a record of each sampled request, when it and whatever goes on beside it are over. */
import { TRACE_ROWS, type TraceRings, TraceWord } from "../../../shared/memory/layout/tracing.ts";
import { RingWriter } from "../../../shared/memory/ring.ts";
import { TraceRecord, type TraceRecordOwner } from "./trace-record.ts";

/** Records that are kept for the next requests, of 2 KB each. */
const MAX_IDLE = 256;

/** Writes the ring of one worker. */
export class TraceWriter implements TraceRecordOwner {
  readonly #ring: RingWriter;
  readonly #clockOffsetMs: number;
  readonly #idle: TraceRecord[] = [];
  /** Of requests that are over, whose copies are not. */
  readonly #held: TraceRecord[] = [];
  #closed = false;

  /** @param clockOffsetMs added to the worker's clock it gives the boot clock (boot-clock.ts). */
  constructor(rings: TraceRings, clockOffsetMs: number) {
    this.#ring = new RingWriter(rings.requests, TRACE_ROWS, TraceWord.LENGTH);
    this.#clockOffsetMs = clockOffsetMs;
  }

  /** A sampled request begins. */
  begin(): TraceRecord {
    const record = this.#idle.pop() ?? new TraceRecord(this, this.#clockOffsetMs);
    record.begin();
    return record;
  }

  onTraceHeld(record: TraceRecord): void {
    this.#held.push(record);
  }

  onTraceComplete(record: TraceRecord): void {
    const at = this.#held.indexOf(record);
    if (at >= 0) this.#held.splice(at, 1);
    this.#ring.ring.words.set(record.words, this.#ring.next());
    this.#ring.commit();
    if (this.#idle.length < MAX_IDLE && !this.#closed) this.#idle.push(record);
  }

  /** The worker ends: what it has is written, as far as it has come. */
  close(nowMs: number): void {
    this.#closed = true;
    while (this.#held.length > 0) this.#held[0].giveUp(nowMs);
  }
}
