/**
 * How long a client that has its response may go on sending (RFC 9112 section 9.6): as long as it gets on, for many read only
 * when they have sent everything. What it sends is thrown away.
 */

/** It is not waited for when it pauses for so long (nginx: lingering_timeout). */
const PAUSE_MS = 5000;
/** It has the time of a request's body for each so many bytes, which bounds who drips … */
const PROGRESS_BYTES = 1024 * 1024;
/** … and so many times that in all, which bounds who floods. */
const MOST_TIMES = 10;

/** One such client. */
export class Lingering {
  readonly #patienceMs: number;
  readonly #endMs: number;
  #untilMs: number;
  #bytes = 0;

  /** @param patienceMs time without progress. */
  constructor(patienceMs: number, nowMs: number) {
    this.#patienceMs = patienceMs;
    this.#untilMs = nowMs + patienceMs;
    this.#endMs = nowMs + patienceMs * MOST_TIMES;
  }

  /** `bytes` have come. @returns until when more is waited for. */
  onData(bytes: number, nowMs: number): number {
    this.#bytes += bytes;
    if (this.#bytes >= PROGRESS_BYTES) {
      this.#bytes = 0;
      this.#untilMs = Math.min(nowMs + this.#patienceMs, this.#endMs);
    }
    return Math.min(nowMs + PAUSE_MS, this.#untilMs);
  }
}
