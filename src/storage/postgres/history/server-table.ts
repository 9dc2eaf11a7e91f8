/**
 * Servers in PostgreSQL, with what somebody set there for them. `instances` says who has each in its configuration: a server
 * counts as removed when nobody who is alive has it any more. `configured` says with which weight and capacity each has or had
 * it, by name, so that instances of different configurations do not undo what was set for all of them.
 */
import type { HistoryChange, KnownServers } from "../../backend.ts";
import type { KnownServer, ServerRow } from "../../history-store.ts";
import { type Configured, undoneOverrides } from "../../override-rules.ts";
import { lockInTransaction, ownersThatAreGone } from "../schema/locks.ts";
import type { Session } from "../wire/session.ts";
import { timeOf } from "../wire/time-of.ts";

interface StoredServer extends Omit<ServerRow, "firstSeenMs" | "lastSeenMs" | "removedAtMs"> {
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly removedAt: Date | null;
  readonly instances: readonly string[];
  readonly configured: string;
}

/** A server, and who has it how: by instance, those that are gone among them. */
interface SharedServer {
  readonly row: ServerRow;
  readonly instances: readonly string[];
  readonly configured: ReadonlyMap<string, Configured>;
}

/** So many instances' values are remembered of a server; beyond that only those of who has it. */
const REMEMBERED = 64;

const SELECT = `SELECT pool, host, port, weight, capacity, configured_weight AS "configuredWeight",
  configured_capacity AS "configuredCapacity", first_seen AS "firstSeen", last_seen AS "lastSeen", removed_at AS "removedAt",
  instances, configured::text AS configured
  FROM servers ORDER BY pool, host, port`;

/** All there are. @param instance what it has configured stands in them, where that is known; else what was told last. */
export async function listServers(session: Session, instance?: string): Promise<readonly ServerRow[]> {
  const servers = await sharedServers(session);
  if (instance === undefined) return servers.map(({ row }) => row);
  return servers.map(({ row, configured }) => {
    const own = configured.get(instance);
    return own === undefined ? row : { ...row, configuredWeight: own.weight, configuredCapacity: own.capacity };
  });
}

async function sharedServers(session: Session): Promise<readonly SharedServer[]> {
  const rows = await session.query<StoredServer>(SELECT);
  return rows.map(({ firstSeen, lastSeen, removedAt, instances, configured, ...rest }) => ({
    row: {
      ...rest,
      firstSeenMs: firstSeen.getTime(),
      lastSeenMs: lastSeen.getTime(),
      removedAtMs: removedAt?.getTime() ?? null,
    },
    instances,
    configured: new Map(Object.entries(JSON.parse(configured) as Readonly<Record<string, Configured>>)),
  }));
}

/** See `HistoryStore.knowServers`. Within a transaction. */
export async function knowServers(
  session: Session,
  instance: string,
  { servers, atMs }: HistoryChange,
): Promise<KnownServers> {
  await lockInTransaction(session, "servers");
  const before = new Map((await sharedServers(session)).map((server) => [keyOf(server.row), server]));
  const gone = [instance, ...(await ownersThatAreGone(session, "history", instance))];
  const undone: ServerRow[] = [];
  const lost = servers.map((server) => {
    const known = before.get(keyOf(server));
    if (known === undefined) return { weight: false, capacity: false };
    const { row, instances, configured } = known;
    const living = instances.filter((name) => !gone.includes(name));
    const others = living.flatMap((name) => configured.get(name) ?? []);
    const lostHere = undoneOverrides(row, server, { own: configured.get(instance), others });
    if (lostHere !== null) undone.push(row);
    return { weight: lostHere?.weight ?? false, capacity: lostHere?.capacity ?? false };
  });
  await session.query(
    `UPDATE servers SET instances = kept.instances, removed_at = CASE WHEN kept.instances = '{}' THEN coalesce(removed_at, $2) END
     FROM (SELECT id, ARRAY(SELECT unnest(instances) EXCEPT SELECT unnest($1::text[])) AS instances FROM servers) AS kept
     WHERE kept.id = servers.id AND servers.instances && $1::text[]`,
    [gone, timeOf(atMs)],
  );
  await session.query(
    `INSERT INTO servers (pool, host, port, configured_weight, configured_capacity, first_seen, last_seen, instances,
         configured)
       SELECT pool, host, port, weight, capacity, $1, $1, ARRAY[$2::text], configured::jsonb
       FROM unnest($3::text[], $4::text[], $5::integer[], $6::double precision[], $7::double precision[], $8::text[])
         AS given(pool, host, port, weight, capacity, configured)
     ON CONFLICT (pool, host, port) DO UPDATE SET configured_weight = excluded.configured_weight,
       configured_capacity = excluded.configured_capacity, last_seen = excluded.last_seen, removed_at = NULL,
       instances = array_append(array_remove(servers.instances, $2), $2), configured = excluded.configured`,
    [
      timeOf(atMs),
      instance,
      ...columnsOf(servers),
      servers.map((server) => configuredJson(server, before.get(keyOf(server)), instance)),
    ],
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
  return { rows: await listServers(session, instance), undone };
}

/** Those that were removed before a moment go. */
export async function deleteRemovedServers(session: Session, beforeMs: number): Promise<void> {
  await session.query("DELETE FROM servers WHERE removed_at < $1", [timeOf(beforeMs)]);
}

/** Who has the server how, now that `instance` has it as `now` says. */
function configuredJson({ weight, capacity }: KnownServer, known: SharedServer | undefined, instance: string): string {
  const { instances = [], configured = [] } = known ?? {};
  const others = [...configured].filter(([name]) => name !== instance);
  const kept = others.length < REMEMBERED ? others : others.filter(([name]) => instances.includes(name));
  return JSON.stringify(Object.fromEntries([...kept, [instance, { weight, capacity }]]));
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
