/** Of the traffic of late, the part that is replayed: under one strategy, and not more than can be replayed in seconds. */
import type { HistoryReader } from "../../../storage/history-store.ts";
import { MAX_EVENTS, STRATEGY_EVENTS, strategySince } from "./strategy.ts";

const SECOND_MS = 1000;

/** What is asked for. Times in milliseconds since the epoch. */
export interface RecentOptions {
  readonly pool: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Requests in it, about. */
  readonly mostRequests: number;
}

/** What of it is taken. */
export interface RecentWindow {
  /** A full second, at least that which was asked for. */
  readonly sinceMs: number;
  /** Why it is shorter, a sentence each. */
  readonly notes: readonly string[];
}

/** Rejects with a `StoreError` as the reader does. */
export async function recentWindow(reader: HistoryReader, options: RecentOptions): Promise<RecentWindow> {
  const { pool, untilMs, mostRequests } = options;
  const askedMs = fullSecond(options.sinceMs);
  const notes: string[] = [];
  const events = await reader.events({ sinceMs: 0, untilMs, kinds: STRATEGY_EVENTS, limit: MAX_EVENTS });
  const changedMs = Math.min(untilMs, fullSecond(strategySince(events, pool, askedMs, untilMs)));
  if (changedMs > askedMs) notes.push("The strategy was changed: only what came since then is replayed.");
  const sinceMs = await lastRequests(reader, { pool, sinceMs: changedMs, untilMs, mostRequests });
  if (sinceMs > changedMs) notes.push(`Of more than ${mostRequests} requests only the last are replayed.`);
  return { sinceMs, notes };
}

/** Where the last `mostRequests` begin. */
async function lastRequests(reader: HistoryReader, options: RecentOptions): Promise<number> {
  const { mostRequests, ...window } = options;
  const counts = new Map<number, number>();
  for await (const page of reader.metrics({ ...window, resolution: "second" })) {
    for (const { atMs, requests } of page) {
      const second = Math.floor(atMs / SECOND_MS);
      counts.set(second, (counts.get(second) ?? 0) + requests);
    }
  }
  let sum = 0;
  for (const [second, count] of [...counts].sort(([a], [b]) => b - a)) {
    sum += count;
    if (sum > mostRequests) return (second + 1) * SECOND_MS;
  }
  return options.sinceMs;
}

function fullSecond(ms: number): number {
  return Math.ceil(ms / SECOND_MS) * SECOND_MS;
}
