/** What servers were like, from gauges, and from events, which know the moment. */
import type { EventKind, EventRow, HistoryQuery, HistoryReader } from "../../../storage/history-store.ts";
import type { Recording } from "../../recording.ts";
import { Absences } from "../absences.ts";
import type { StoreServers } from "./servers.ts";

/** Gauges are noted every ten seconds: so far back one says how a server was at the beginning. */
const LOOK_BACK_MS = 60_000;
const STATE_EVENTS: readonly EventKind[] = ["health", "ejection", "server_removed"];
const MAX_EVENTS = 10_000;
/** The state in which a server may be asked. */
const UP = "up";

/** When servers were away; weights are noted with `servers`. @param window with a pool. */
export async function readStates(
  reader: HistoryReader,
  window: HistoryQuery,
  servers: StoreServers,
): Promise<Recording["absences"]> {
  const { sinceMs, untilMs } = window;
  const absences = new Absences(sinceMs, untilMs - sinceMs);
  const events = await reader.events({ ...window, kinds: STATE_EVENTS, limit: MAX_EVENTS });
  const changes = changesIn(events, servers);
  let next = 0;
  const catchUp = (ms: number) => {
    while (next < changes.length && changes[next].atMs <= ms) {
      const { server, there, atMs } = changes[next++];
      absences.observe(server, there, atMs);
    }
  };
  for await (const page of reader.gauges({ ...window, sinceMs: sinceMs - LOOK_BACK_MS })) {
    for (const gauge of page) {
      catchUp(gauge.atMs);
      const server = servers.find(gauge);
      if (server === undefined) continue;
      if (gauge.atMs >= sinceMs) servers.weigh(server, gauge.weight);
      absences.observe(server, gauge.state === UP, gauge.atMs);
    }
  }
  catchUp(Number.POSITIVE_INFINITY);
  return absences.finish();
}

/** The oldest first. */
function changesIn(events: readonly EventRow[], servers: StoreServers) {
  return events
    .flatMap((event) => {
      const to = stateAfter(event);
      const server = servers.find(event);
      return to === null || server === undefined ? [] : [{ atMs: event.atMs, server, there: to === UP }];
    })
    .reverse();
}

/** Which state a server went to; `null` = the event is about something else. */
function stateAfter({ kind, detail }: EventRow): string | null {
  if (kind === "server_removed") return "removed";
  if (typeof detail !== "object" || detail === null) return null;
  const { to } = detail as { to?: unknown };
  return typeof to === "string" ? to : null;
}
