/** What a source of recordings gives: the recording, and what people must know about it. */
import type { Recording } from "../recording.ts";

export interface Reading {
  readonly recording: Recording;
  /** Sentences: what is missing, what was left out, what was guessed. */
  readonly notes: readonly string[];
}

/** What of a source is read. */
export interface ReadingWindow {
  /** Milliseconds since the epoch: requests that arrived then or later; `-Infinity` = from the beginning. */
  readonly sinceMs: number;
  /** And before that; `Infinity` = to the end. */
  readonly untilMs: number;
  /** Only this pool of servers (a backend of HAProxy, an upstream of nginx); `null` = the only one there is. */
  readonly pool: string | null;
}

/** There is nothing to replay, or too little: no fault of whoever asks. The message says why, and what would be right. */
export class NothingToReplayError extends Error {
  override readonly name = "NothingToReplayError";
}

/** Single requests that a recording holds at most, about 27 bytes each. */
export const MAX_REQUESTS = 2_000_000;
/** Seconds × classes of exact arrivals at most, 8 bytes each: a week of thirteen classes. */
export const MAX_ARRIVAL_CELLS = 8_000_000;
/** Servers of one pool at most, as everywhere in the product. */
export const MAX_SERVERS = 512;

/** Throws when arrivals by second would not fit into memory. */
export function checkSpan(fromMs: number, toMs: number, classes: number): void {
  if (((toMs - fromMs) / 1000) * Math.max(1, classes) <= MAX_ARRIVAL_CELLS) return;
  const days = Math.floor(MAX_ARRIVAL_CELLS / Math.max(1, classes) / 86_400);
  throw new NothingToReplayError(
    `${describeSpan(fromMs, toMs)} is more than can be replayed at once: take ${days} days at most, by --since and --until`,
  );
}

/** `from 2026-11-29 10:00:00 to 2026-11-29 11:00:00 UTC` */
export function describeSpan(fromMs: number, toMs: number): string {
  return `from ${utc(fromMs)} to ${utc(toMs)} UTC`;
}

function utc(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}
