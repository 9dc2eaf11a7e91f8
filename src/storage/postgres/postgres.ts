/** PostgreSQL as a kind of backend: both parts in one database, for several instances. */
import type { BackendKind, HistoryOptions, LearningOptions, LearningVisitOptions } from "../backend.ts";
import { SCHEMA_VERSION } from "../schema-keeper.ts";
import { StoreError } from "../store-error.ts";
import { PostgresHistory } from "./history/backend.ts";
import { PostgresHistoryVisitor } from "./history/visitor.ts";
import { PostgresLearning } from "./learning/backend.ts";
import { PostgresLearningVisitor } from "./learning/visitor.ts";
import { describeLocation, type PostgresLocation } from "./location.ts";
import { PostgresSchemaKeeper } from "./schema/keeper.ts";
import { readSchema, requireKnown } from "./schema/state.ts";
import { Session } from "./wire/session.ts";

/** See `BackendKind`. */
export const POSTGRES: BackendKind<PostgresLocation> = Object.freeze({
  isServer: true,
  describe: describeLocation,
  problem: problemOf,
  learning: {
    own: (where: PostgresLocation, options: LearningOptions) => new PostgresLearning(where, options),
    visit: (where: PostgresLocation, access: "read" | "write", options: LearningVisitOptions) =>
      new PostgresLearningVisitor(where, access, options),
  },
  history: {
    own: (where: PostgresLocation, options: HistoryOptions) => new PostgresHistory(where, options),
    visit: (where: PostgresLocation) => new PostgresHistoryVisitor(where),
  },
  schema: (where: PostgresLocation) => new PostgresSchemaKeeper(where),
});

/** Connects, and looks whether the tables are there or could be made. */
async function problemOf(where: PostgresLocation): Promise<string | null> {
  let session: Session | null = null;
  try {
    session = await Session.open(where, "check");
    const schema = await readSchema(session, where);
    requireKnown(schema, SCHEMA_VERSION, where);
    const [{ may, schema: name, readOnly, temporary }] = await session.query<{
      may: boolean;
      schema: string;
      readOnly: boolean;
      temporary: boolean;
    }>(
      `SELECT has_schema_privilege(current_schema(), 'CREATE') AS may, current_schema() AS schema,
         has_database_privilege(current_database(), 'TEMPORARY') AS temporary,
         pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS "readOnly"`,
    );
    const place = describeLocation(where);
    if (readOnly) return `DB_HOST: ${place}: the server is read-only: a replica, or default_transaction_read_only`;
    if (!may) return `DB_USER: ${place}: user ${where.user} may not make tables in schema ${name}: grant CREATE on it`;
    if (!temporary)
      return `DB_USER: ${place}: user ${where.user} may not make temporary tables: grant TEMPORARY on the database`;
    return null;
  } catch (error) {
    if (error instanceof StoreError) return `DB_HOST: ${error.message}`;
    throw error;
  } finally {
    await session?.close();
  }
}
