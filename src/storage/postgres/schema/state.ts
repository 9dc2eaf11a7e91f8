/** Which version of its tables a database has. */
import { StoreError } from "../../store-error.ts";
import { describeLocation, type PostgresLocation } from "../location.ts";
import type { Session } from "../wire/session.ts";
import type { Flavour } from "./flavour.ts";
import { TABLES } from "./tables.ts";

/** What `neurabalancer_schema` says. */
export interface DatabaseSchema {
  /** 0 = there are no tables of ours yet. */
  readonly version: number;
  readonly minCompatible: number;
  /** `null` while there are no tables. */
  readonly flavour: Flavour | null;
}

const NOTHING: DatabaseSchema = Object.freeze({ version: 0, minCompatible: 0, flavour: null });

/** Reads it. Rejects with a `StoreError`, also when tables of another program are in the way. */
export async function readSchema(session: Session, where: PostgresLocation): Promise<DatabaseSchema> {
  const [found] = await session.query<{ schema: string | null; versions: boolean; taken: string[] | null }>(
    `SELECT current_schema() AS schema, to_regclass('neurabalancer_schema') IS NOT NULL AS versions,
       (SELECT array_agg(relname::text ORDER BY relname) FROM pg_class
        WHERE relnamespace = to_regnamespace(current_schema()) AND relname = ANY($1::text[])) AS taken`,
    [[...TABLES]],
  );
  if (found.schema === null) {
    throw new StoreError(
      "unavailable",
      `${describeLocation(where)}: there is no schema that ${where.user} may use: see its search_path`,
    );
  }
  if (!found.versions) {
    if (found.taken === null) return NOTHING;
    throw new StoreError(
      "foreign_file",
      `${describeLocation(where)}: has tables of another program in schema ${found.schema} (${found.taken.join(", ")}): choose another DB_NAME`,
    );
  }
  const [newest] = await session.query<{ version: number; min: number; flavour: Flavour }>(
    "SELECT version, min_compatible AS min, flavour FROM neurabalancer_schema ORDER BY version DESC LIMIT 1",
  );
  if (newest === undefined) return NOTHING;
  return { version: newest.version, minCompatible: newest.min, flavour: newest.flavour };
}

/** Throws a `StoreError` when programs that know `known` as the newest version cannot work with these tables. */
export function requireKnown({ version, minCompatible }: DatabaseSchema, known: number, where: PostgresLocation): void {
  if (minCompatible <= known) return;
  throw new StoreError(
    "newer_schema",
    `${describeLocation(where)}: was written by a newer version of NeuraBalancer (schema ${version}, this one knows ${known}): run that version, or go back with its "neurabalancer migrate --to ${known}"`,
  );
}

/** Throws a `StoreError` unless these tables can be read and written as they are. */
export function requireCurrent(schema: DatabaseSchema, known: number, where: PostgresLocation): void {
  requireKnown(schema, known, where);
  if (schema.version >= known) return;
  const name = describeLocation(where);
  if (schema.version === 0) throw new StoreError("missing", `${name}: there is no store yet: nothing was kept there`);
  throw new StoreError(
    "older_schema",
    `${name}: was written by an older version of NeuraBalancer (schema ${schema.version}, this one has ${known}): an instance of this version brings it up to date when it starts, and "neurabalancer migrate" does`,
  );
}
