/** How a command says how far it is: one line that changes on a terminal, nothing that repeats elsewhere. */
import { visible } from "../shared/visible-text.ts";

/** Between two lines of progress on a terminal, milliseconds. */
const PROGRESS_MS = 200;

/** Where it is said. */
export interface ProgressSink {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** One command's line. */
export class Progress {
  readonly #sink: ProgressSink;
  readonly #nowMs: () => number;
  #phase = "";
  #begunMs = 0;
  #begunAt = 0;
  #shownMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs any clock that runs evenly. */
  constructor(sink: ProgressSink, nowMs: () => number) {
    this.#sink = sink;
    this.#nowMs = nowMs;
  }

  /** A phase is at `done` of `total`. The time left is that of the phase. */
  update(phase: string, done: number, total: number): void {
    const now = this.#nowMs();
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#begunMs = now;
      this.#begunAt = done;
    }
    if (this.#sink.isTTY !== true || (done < total && now - this.#shownMs < PROGRESS_MS)) return;
    this.#shownMs = now;
    const past = done - this.#begunAt;
    const left = past > 0 ? `, ${durationText(((now - this.#begunMs) / past) * (total - done))} left` : "";
    const share = `${Number(done.toFixed(1))} of ${total}`;
    this.#sink.write(done < total ? `\r\x1b[K${phase}: ${share}${left}` : "\r\x1b[K");
  }

  /** So many of something that nobody knows the number of: lines, rows. */
  count(phase: string, done: number): void {
    const now = this.#nowMs();
    if (this.#sink.isTTY !== true || now - this.#shownMs < PROGRESS_MS) return;
    this.#shownMs = now;
    this.#sink.write(`\r\x1b[K${phase}: ${done.toLocaleString("en")}`);
  }

  /** A line that stays, on a terminal and elsewhere. */
  say(line: string): void {
    this.clear();
    this.#sink.write(`${visible(line)}\n`);
  }

  /** Takes the changing line away. */
  clear(): void {
    if (this.#sink.isTTY === true) this.#sink.write("\r\x1b[K");
    this.#shownMs = Number.NEGATIVE_INFINITY;
  }
}

/** Rounded up, in the unit that says most. */
export function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
