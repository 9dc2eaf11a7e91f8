/** Events in PostgreSQL. */
import type { EventQuery, RecordedEvent } from "../../history-store.ts";
import { type StoredEvent, toEvent } from "../../rows/event-row.ts";
import { CopyData } from "../wire/copy.ts";
import type { Parameter, Session } from "../wire/session.ts";
import { timeOf } from "../wire/time-of.ts";

const COLUMNS = "kind, pool, server, address, actor, message, detail";

/** Inserts rows, at least one. Within a transaction. */
export async function insertEvents(session: Session, rows: readonly StoredEvent[], instance: string): Promise<void> {
  const data = new CopyData();
  for (const { atMs, kind, pool, server, address, actor, message, detail } of rows) {
    data.row(9).time(atMs).text(instance).text(kind).text(pool).text(server).text(address).text(actor).text(message);
    data.jsonb(detail);
  }
  await session.copy(`COPY events (at, instance, ${COLUMNS}) FROM STDIN (FORMAT binary)`, data.end());
}

/** The newest first. */
export async function listEvents(session: Session, query: EventQuery): Promise<readonly RecordedEvent[]> {
  const parameters: Parameter[] = [timeOf(query.sinceMs), timeOf(query.untilMs), query.limit];
  let conditions = "";
  for (const name of ["instance", "pool", "server"] as const) {
    if (query[name] === undefined) continue;
    parameters.push(query[name]);
    conditions += ` AND ${name} = $${parameters.length}`;
  }
  if (query.kinds !== undefined && query.kinds.length > 0) {
    parameters.push(query.kinds);
    conditions += ` AND kind = ANY($${parameters.length}::text[])`;
  }
  const rows = await session.query<Omit<StoredEvent, "atMs"> & { readonly at: Date; readonly instance: string }>(
    `SELECT at, instance, kind, pool, server, address, actor, message, detail::text AS detail FROM events
     WHERE at >= $1 AND at < $2${conditions} ORDER BY at DESC, id DESC LIMIT $3`,
    parameters,
  );
  return rows.map(({ at, ...rest }) => toEvent({ ...rest, atMs: at.getTime() }));
}
