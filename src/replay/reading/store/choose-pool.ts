/** Which pool of the store is replayed, and why there is none. */
import type { HistoryReader, MetricQuery } from "../../../storage/history-store.ts";
import { describeSpan, NothingToReplayError } from "../reading.ts";

/** What is asked for. */
interface Window {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly instance?: string;
}

const MINUTE_MS = 60_000;

/** The only pool with requests. Throws a `NothingToReplayError` when there is none, or when there are several. */
export async function onlyPool(reader: HistoryReader, window: Window): Promise<string> {
  const counts = new Map<string, number>();
  for (const piece of piecesOf(window)) {
    for await (const page of reader.metrics({ ...window, ...piece })) {
      for (const row of page) {
        if (row.server !== "") counts.set(row.pool, (counts.get(row.pool) ?? 0) + row.requests);
      }
    }
  }
  if (counts.size === 1) return [...counts.keys()][0];
  if (counts.size === 0) throw await nothingKnown(reader, window);
  const counted = [...counts].sort().map(([name, count]) => `${name} (${count})`);
  throw new NothingToReplayError(
    `there are requests of ${counts.size} pools: ${counted.join(", ")}; --pool says which one to replay`,
  );
}

/** Whole minutes by the minute, what is left at the edges by the second: a window may begin and end within one minute. */
function piecesOf({ sinceMs, untilMs }: Window): Pick<MetricQuery, "sinceMs" | "untilMs" | "resolution">[] {
  const first = Math.ceil(sinceMs / MINUTE_MS) * MINUTE_MS;
  const last = Math.floor(untilMs / MINUTE_MS) * MINUTE_MS;
  if (first >= last) return [{ sinceMs, untilMs, resolution: "second" }];
  return [
    { sinceMs, untilMs: first, resolution: "second" },
    { sinceMs: first, untilMs: last, resolution: "minute" },
    { sinceMs: last, untilMs, resolution: "second" },
  ];
}

/** Why there is nothing, as well as that is known. */
export async function nothingKnown(
  reader: HistoryReader,
  { sinceMs, untilMs }: Window,
  pool?: string,
): Promise<NothingToReplayError> {
  const seconds = await reader.span("second");
  if (seconds.oldestMs === null || seconds.newestMs === null) {
    const minutes = await reader.span("minute");
    return new NothingToReplayError(
      minutes.oldestMs === null
        ? "the store remembers no requests at all: is HISTORY=on, and was there traffic?"
        : "counts by the second are gone already, and replay needs them: HISTORY_DETAIL_HOURS says how long they are kept",
    );
  }
  const of = pool === undefined ? "" : ` of the pool ${pool}`;
  const known = describeSpan(seconds.oldestMs, seconds.newestMs + 1000);
  return new NothingToReplayError(
    `there are no counts by the second${of} ${describeSpan(sinceMs, untilMs)}; the store has them ${known} (HISTORY_DETAIL_HOURS says how long)`,
  );
}
