/** What happened, and who did it: the time line of an instance, or of all that share a store. */

import { isoMoment } from "../shared/moments.ts";
import type { EventKind, HistoryReader, RecordedEvent } from "../storage/history-store.ts";
import type { EventsQuestion } from "./questions.ts";
import { type Scope, scopeOf } from "./traffic/traffic.ts";

/** An event. `null` = of no single pool or server. */
export interface ShownEvent {
  readonly at: string;
  readonly kind: EventKind;
  readonly pool: string | null;
  readonly server: string | null;
  readonly address: string | null;
  readonly actor: string;
  readonly message: string;
  readonly detail: unknown;
  readonly instance: string;
}

/** The answer. */
export interface EventsAnswer extends Scope {
  readonly subject: "events";
  /** As they happened. */
  readonly events: readonly ShownEvent[];
  readonly notes: readonly string[];
}

/** Answers. Who asks for a pool or a server is also told what happened to the whole instance. */
export async function askEvents(reader: HistoryReader, question: EventsQuestion): Promise<EventsAnswer> {
  const { kinds, limit } = question;
  const newest = await newestEvents(reader, question, limit + 1);
  const events = newest.slice(0, limit).reverse();
  const notes: string[] = [];
  if (newest.length > limit) {
    notes.push(`there are more: these are the last ${limit}, since ${isoMoment(events[0].atMs)} (limit)`);
  }
  if (newest.length === 0) {
    const which = kinds.length === 0 ? "" : ` of the kind ${kinds.join(", ")}`;
    notes.push(`nothing${which} was recorded in that time`);
  }
  return { subject: "events", ...scopeOf(question), events: events.map(shownEvent), notes };
}

/** The newest first, at most `limit`. */
export async function newestEvents(
  reader: HistoryReader,
  question: Omit<EventsQuestion, "subject">,
  limit: number,
): Promise<RecordedEvent[]> {
  const { sinceMs, untilMs, instance, pool, server, kinds } = question;
  const asked = { sinceMs, untilMs, instance, limit, ...(kinds.length === 0 ? {} : { kinds }) };
  const own = await reader.events({ ...asked, pool, server });
  if (pool === undefined && server === undefined) return [...own];
  const ofAll = await reader.events({ ...asked, pool: "", server: "" });
  return [...own, ...ofAll].sort((a, b) => b.atMs - a.atMs).slice(0, limit);
}

/** As answers show it. */
export function shownEvent({
  atMs,
  kind,
  pool,
  server,
  address,
  actor,
  message,
  detail,
  instance,
}: RecordedEvent): ShownEvent {
  return {
    at: isoMoment(atMs),
    kind,
    pool: pool === "" ? null : pool,
    server: server === "" ? null : server,
    address: address === "" ? null : address,
    actor,
    message,
    detail: detail ?? null,
    instance,
  };
}
