/** Spans that wait to be sent: first come, first sent. Bounded in their number and in bytes; what finds no room is lost. */

/** Bytes of encoded spans that may wait, those that are being sent among them. */
export const MAX_QUEUE_BYTES = 16 * 1024 * 1024;
/** Beside the bytes of a span, what the runtime needs for it. */
const OVERHEAD_BYTES = 160;

export class SpanQueue {
  readonly #maxSpans: number;
  readonly #maxBytes: number;
  #spans: Uint8Array[] = [];
  #first = 0;
  #bytes = 0;
  /** Taken out and neither sent nor lost yet. */
  #takenSpans = 0;
  #takenBytes = 0;

  constructor(maxSpans: number, maxBytes = MAX_QUEUE_BYTES) {
    this.#maxSpans = maxSpans;
    this.#maxBytes = maxBytes;
  }

  /** Those that were not taken out. */
  get length(): number {
    return this.#spans.length - this.#first;
  }

  /** Those that are being sent among them. */
  get waiting(): number {
    return this.length + this.#takenSpans;
  }

  get waitingBytes(): number {
    return this.#bytes + this.#takenBytes;
  }

  /** @returns false when there is no room for it. */
  add(span: Uint8Array): boolean {
    const bytes = span.length + OVERHEAD_BYTES;
    if (this.length >= this.#maxSpans || this.waitingBytes + bytes > this.#maxBytes) return false;
    this.#spans.push(span);
    this.#bytes += bytes;
    return true;
  }

  /** The oldest `count` spans. They count as waiting until `done`. */
  take(count: number): readonly Uint8Array[] {
    const taken = this.#spans.slice(this.#first, this.#first + count);
    this.#first += taken.length;
    if (this.#first * 2 > this.#spans.length) {
      this.#spans = this.#spans.slice(this.#first);
      this.#first = 0;
    }
    this.#takenSpans = taken.length;
    this.#takenBytes = taken.reduce((sum, { length }) => sum + length + OVERHEAD_BYTES, 0);
    this.#bytes -= this.#takenBytes;
    return taken;
  }

  /** Those that were taken out last have gone their way. */
  done(): void {
    this.#takenSpans = 0;
    this.#takenBytes = 0;
  }
}
