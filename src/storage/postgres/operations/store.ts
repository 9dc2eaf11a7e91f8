/**
 * Operations in PostgreSQL, shared by all instances that use the database: a change is one transaction, which only happens to
 * the revision that whoever asks for it has seen.
 */
import type { AuditEntry, AuditQuery } from "../../../shared/operations/audit.ts";
import type { Override } from "../../../shared/operations/override.ts";
import { readEntry, readOverrides, requireKeepable } from "../../operations/format.ts";
import { type KeptOverrides, type OperationsStore, StaleRevisionError } from "../../operations/store.ts";
import { describeLocation, type PostgresLocation } from "../location.ts";
import { migrateUp } from "../schema/migrate.ts";
import { POSTGRES_STEPS } from "../schema/tables.ts";
import { Session } from "../wire/session.ts";

/** Entries of the audit that are kept. */
const MAX_ENTRIES = 100_000;

/** See the top of this file. */
export class PostgresOperationsStore implements OperationsStore {
  readonly shared = true;
  readonly where: string;
  readonly #location: PostgresLocation;
  #session: Session | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(location: PostgresLocation) {
    this.#location = location;
    this.where = describeLocation(location);
  }

  read(): Promise<KeptOverrides> {
    return this.#use(async (session) => {
      // One statement: of one moment.
      const [{ revision, records }] = await session.query<{ revision: string; records: string }>(
        `SELECT (SELECT revision FROM override_revision) AS revision,
           (SELECT coalesce(json_agg(record ORDER BY at, id), '[]')::text FROM overrides) AS records`,
      );
      return { revision: Number(revision), overrides: readOverrides(JSON.parse(records)), trouble: null };
    });
  }

  commit(revision: number, overrides: readonly Override[], audit: readonly AuditEntry[]): Promise<number> {
    return this.#use((session) => {
      requireKeepable(overrides);
      return session.transaction(async () => {
        const moved = await session.change("UPDATE override_revision SET revision = revision + 1 WHERE revision = $1", [
          revision,
        ]);
        if (moved === 0) throw new StaleRevisionError("another instance has changed the overrides meanwhile");
        await session.query("DELETE FROM overrides");
        await session.query(
          `INSERT INTO overrides (id, kind, at, record)
           SELECT one->>'id', one->>'kind', to_timestamp((one->>'atMs')::double precision / 1000), one
           FROM jsonb_array_elements($1::text::jsonb) AS one`,
          [JSON.stringify(overrides)],
        );
        await insertEntries(session, this.#location.instance, audit);
        return revision + 1;
      });
    });
  }

  note(audit: readonly AuditEntry[]): Promise<void> {
    return this.#use((session) => session.transaction(() => insertEntries(session, this.#location.instance, audit)));
  }

  audit({ limit, sinceMs }: AuditQuery): Promise<readonly AuditEntry[]> {
    return this.#use(async (session) => {
      const rows = await session.query<{ record: string }>(
        `SELECT record::text AS record FROM audit WHERE at >= to_timestamp($1::double precision / 1000)
         ORDER BY id DESC LIMIT $2`,
        [sinceMs ?? 0, limit],
      );
      return rows.flatMap(({ record }) => readEntry(JSON.parse(record)) ?? []);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last.catch(() => {});
    await this.#session?.close();
    this.#session = null;
  }

  /** One thing at a time, each with the limits of time that sessions have. */
  #use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const done = this.#last.then(async () => work(await this.#open()));
    this.#last = done.catch(() => {});
    return done;
  }

  async #open(): Promise<Session> {
    if (this.#closed) throw new Error(`${this.where} is closed`);
    if (this.#session !== null && !this.#session.isDead && !this.#session.isOld) return this.#session;
    await this.#session?.close();
    this.#session = null;
    const session = await Session.open(this.#location, "operations");
    try {
      await migrateUp(session, this.#location, POSTGRES_STEPS, POSTGRES_STEPS.at(-1)!.version);
    } catch (error) {
      await session.close();
      throw error;
    }
    this.#session = session;
    return session;
  }
}

async function insertEntries(session: Session, instance: string, audit: readonly AuditEntry[]): Promise<void> {
  if (audit.length === 0) return;
  await session.query(
    `INSERT INTO audit (at, instance, actor, action, target, record)
     SELECT to_timestamp((one->>'atMs')::double precision / 1000), $2, one->>'actor', one->>'action', one->>'target', one
     FROM jsonb_array_elements($1::text::jsonb) WITH ORDINALITY AS entries (one, place) ORDER BY place`,
    [JSON.stringify(audit), instance],
  );
  await session.query("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - $1::bigint", [MAX_ENTRIES]);
}
