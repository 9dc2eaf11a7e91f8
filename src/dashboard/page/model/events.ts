/** The time line: what is remembered of it, what of it a reader wants, and which kinds there are. */
import type { TimelineEvent } from "../../../shared/live/timeline.ts";

/** More are not kept. */
const MOST = 2_000;

/** Newest first, each once; the oldest are forgotten beyond 2,000. */
export function withEvents(known: readonly TimelineEvent[], more: readonly TimelineEvent[]): readonly TimelineEvent[] {
  const byId = new Map([...known, ...more].map((event) => [event.id, event]));
  return [...byId.values()].sort(newestFirst).slice(0, MOST);
}

function newestFirst(a: TimelineEvent, b: TimelineEvent): number {
  return Date.parse(b.at) - Date.parse(a.at) || numberOf(b) - numberOf(a);
}

/** Within its run. */
function numberOf({ id }: TimelineEvent): number {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}

/** How many there are of each kind, the most frequent first. */
export function kindsOf(
  events: readonly TimelineEvent[],
): readonly { readonly kind: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const { kind } of events) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => ({ kind, count })).sort((a, b) => b.count - a.count);
}

/** Those of a kind, or with the words in what they say. Empty = all. */
export function filterEvents(events: readonly TimelineEvent[], kind: string, words: string): readonly TimelineEvent[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return events.filter((event) => {
    if (kind !== "" && event.kind !== kind) return false;
    const text = `${event.message} ${event.pool} ${event.server} ${event.actor}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** A mark on charts: what happened at one moment, or close to it. */
export interface Mark {
  readonly atMs: number;
  readonly events: readonly TimelineEvent[];
}

/** Marks of a span; events closer to each other than `apartMs` are one. Oldest first. */
export function marksOf(events: readonly TimelineEvent[], sinceMs: number, apartMs: number): Mark[] {
  const marks: { atMs: number; events: TimelineEvent[] }[] = [];
  for (let i = events.length - 1; i >= 0; i--) {
    const atMs = Date.parse(events[i].at);
    if (!(atMs > sinceMs)) continue;
    const last = marks.at(-1);
    if (last !== undefined && atMs - last.atMs < apartMs) last.events.push(events[i]);
    else marks.push({ atMs, events: [events[i]] });
  }
  return marks;
}
