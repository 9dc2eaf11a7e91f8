/** When servers were not to be asked, from what was seen of them in the order of time. */
import type { Recording } from "../recording.ts";

export class Absences {
  readonly #startMs: number;
  readonly #durationMs: number;
  /** Since when a server is away, by server. */
  readonly #away = new Map<number, number>();
  readonly #found: { server: number; fromMs: number; toMs: number }[] = [];

  /** @param startMs of the recording, milliseconds since the epoch. */
  constructor(startMs: number, durationMs: number) {
    this.#startMs = startMs;
    this.#durationMs = durationMs;
  }

  /** A server was seen there or away. */
  observe(server: number, there: boolean, atMs: number): void {
    const since = this.#away.get(server);
    if (!there) {
      if (since === undefined) this.#away.set(server, atMs);
      return;
    }
    if (since === undefined) return;
    this.#away.delete(server);
    this.#add(server, since, atMs);
  }

  /** All of them, by beginning; who is still away stays away. */
  finish(): Recording["absences"] {
    for (const [server, since] of this.#away) this.#add(server, since, Number.POSITIVE_INFINITY);
    this.#away.clear();
    return this.#found.sort((a, b) => a.fromMs - b.fromMs || a.server - b.server);
  }

  #add(server: number, sinceMs: number, untilMs: number): void {
    const fromMs = Math.max(0, sinceMs - this.#startMs);
    const toMs = Math.min(this.#durationMs, untilMs - this.#startMs);
    if (toMs > fromMs) this.#found.push({ server, fromMs, toMs });
  }
}
