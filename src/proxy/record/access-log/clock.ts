/** The time in lines, as bytes: what of it did not change since the line before is not made again. */
import { FixedText } from "../../http1/fixed-text.ts";

/** Offset of the milliseconds in a time as of RFC 3339. */
const MILLISECONDS_AT = 20;

/** One log's. Times are in UTC. */
export class LineClock {
  /** `2026-11-30T00:00:00.000Z`. */
  readonly isoText = new FixedText("1970-01-01T00:00:00.000Z");
  /** Its bytes. */
  readonly iso = this.isoText.bytes;
  /** `[30/Nov/2026:00:00:00 +0000]`, as Apache and nginx write it. */
  readonly bracketed = Buffer.from("[01/Jan/1970:00:00:00 +0000]");
  #lastMs = -1;
  #lastSecond = -1;

  /** @param wallMs milliseconds since the epoch. */
  set(wallMs: number): void {
    const wholeMs = Math.floor(wallMs);
    if (wholeMs === this.#lastMs) return;
    this.#lastMs = wholeMs;
    const second = Math.floor(wholeMs / 1000);
    const { iso } = this;
    if (second !== this.#lastSecond) {
      this.#lastSecond = second;
      const date = new Date(second * 1000);
      iso.write(date.toISOString());
      const [, day, month, year, time] = date.toUTCString().split(" ");
      this.bracketed.write(`[${day}/${month}/${year}:${time} +0000]`);
    }
    const ms = (wholeMs - second * 1000) | 0;
    const tens = (ms / 10) | 0;
    const hundreds = (ms / 100) | 0;
    iso[MILLISECONDS_AT] = 48 + hundreds;
    iso[MILLISECONDS_AT + 1] = 48 + (tens - hundreds * 10);
    iso[MILLISECONDS_AT + 2] = 48 + (ms - tens * 10);
  }
}
