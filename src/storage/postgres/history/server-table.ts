/**
 * Servers in PostgreSQL, with what somebody set there for them. `instances` says who has each in its configuration: a server
 * counts as removed when nobody who is alive has it any more.
 */
import type { HistoryChange, KnownServers } from "../../backend.ts";
import type { KnownServer, ServerRow } from "../../history-store.ts";
import { undoneOverrides } from "../../override-rules.ts";
import { lockInTransaction, ownersThatAreGone } from "../schema/locks.ts";
import type { Session } from "../wire/session.ts";
import { timeOf } from "../wire/time-of.ts";

interface StoredServer extends Omit<ServerRow, "firstSeenMs" | "lastSeenMs" | "removedAtMs"> {
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly removedAt: Date | null;
}

const SELECT = `SELECT pool, host, port, weight, capacity, configured_weight AS "configuredWeight",
  configured_capacity AS "configuredCapacity", first_seen AS "firstSeen", last_seen AS "lastSeen", removed_at AS "removedAt"
  FROM servers ORDER BY pool, host, port`;

/** All there are. */
export async function listServers(session: Session): Promise<readonly ServerRow[]> {
  const rows = await session.query<StoredServer>(SELECT);
  return rows.map(({ firstSeen, lastSeen, removedAt, ...rest }) => ({
    ...rest,
    firstSeenMs: firstSeen.getTime(),
    lastSeenMs: lastSeen.getTime(),
    removedAtMs: removedAt?.getTime() ?? null,
  }));
}

/** See `HistoryStore.knowServers`. Within a transaction. */
export async function knowServers(
  session: Session,
  instance: string,
  { servers, atMs }: HistoryChange,
): Promise<KnownServers> {
  await lockInTransaction(session, "servers");
  const before = new Map((await listServers(session)).map((row) => [keyOf(row), row]));
  const undone: ServerRow[] = [];
  const lost = servers.map((server) => {
    const row = before.get(keyOf(server));
    const lostHere = row === undefined ? null : undoneOverrides(row, server);
    if (lostHere !== null) undone.push(row!);
    return { weight: lostHere?.weight ?? false, capacity: lostHere?.capacity ?? false };
  });
  const gone = [instance, ...(await ownersThatAreGone(session, "history", instance))];
  await session.query(
    `UPDATE servers SET instances = kept.instances, removed_at = CASE WHEN kept.instances = '{}' THEN coalesce(removed_at, $2) END
     FROM (SELECT id, ARRAY(SELECT unnest(instances) EXCEPT SELECT unnest($1::text[])) AS instances FROM servers) AS kept
     WHERE kept.id = servers.id AND servers.instances && $1::text[]`,
    [gone, timeOf(atMs)],
  );
  await session.query(
    `INSERT INTO servers (pool, host, port, configured_weight, configured_capacity, first_seen, last_seen, instances)
       SELECT pool, host, port, weight, capacity, $1, $1, ARRAY[$2::text]
       FROM unnest($3::text[], $4::text[], $5::integer[], $6::double precision[], $7::double precision[])
         AS given(pool, host, port, weight, capacity)
     ON CONFLICT (pool, host, port) DO UPDATE SET configured_weight = excluded.configured_weight,
       configured_capacity = excluded.configured_capacity, last_seen = excluded.last_seen, removed_at = NULL,
       instances = array_append(array_remove(servers.instances, $2), $2)`,
    [timeOf(atMs), instance, ...columnsOf(servers)],
  );
  if (undone.length > 0) {
    await session.query(
      `UPDATE servers SET weight = CASE WHEN given.weight THEN NULL ELSE servers.weight END,
         capacity = CASE WHEN given.capacity THEN NULL ELSE servers.capacity END
       FROM unnest($1::text[], $2::text[], $3::integer[], $4::boolean[], $5::boolean[])
         AS given(pool, host, port, weight, capacity)
       WHERE (servers.pool, servers.host, servers.port) = (given.pool, given.host, given.port)`,
      [
        ...columnsOf(servers).slice(0, 3),
        lost.map(({ weight }) => String(weight)),
        lost.map(({ capacity }) => String(capacity)),
      ],
    );
  }
  return { rows: await listServers(session), undone };
}

/** Those that were removed before a moment go. */
export async function deleteRemovedServers(session: Session, beforeMs: number): Promise<void> {
  await session.query("DELETE FROM servers WHERE removed_at < $1", [timeOf(beforeMs)]);
}

function columnsOf(servers: readonly KnownServer[]) {
  return [
    servers.map(({ pool }) => pool),
    servers.map(({ host }) => host),
    servers.map(({ port }) => port),
    servers.map(({ weight }) => weight),
    servers.map(({ capacity }) => capacity),
  ] as const;
}

function keyOf({ pool, host, port }: Pick<KnownServer, "pool" | "host" | "port">): string {
  return `${pool}\n${host}\n${port}`;
}
