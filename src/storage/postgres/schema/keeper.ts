/** The version of a database's tables, for whoever wants to know or change it. */
import { STORE_PARTS } from "../../parts.ts";
import type { SchemaKeeper, SchemaProgress, SchemaState } from "../../schema-keeper.ts";
import { SCHEMA_STEPS } from "../../schema-steps.ts";
import { StoreError } from "../../store-error.ts";
import { describeLocation, type PostgresLocation } from "../location.ts";
import { Session } from "../wire/session.ts";
import { tryLock } from "./locks.ts";
import { migrateDown, migrateUp } from "./migrate.ts";
import { readSchema } from "./state.ts";
import { POSTGRES_STEPS } from "./tables.ts";

/** See the top of this file. */
export class PostgresSchemaKeeper implements SchemaKeeper {
  readonly steps = SCHEMA_STEPS;
  readonly firstVersion = POSTGRES_STEPS[0].version;
  readonly #where: PostgresLocation;

  constructor(where: PostgresLocation) {
    this.#where = where;
  }

  async state(): Promise<readonly SchemaState[]> {
    const nothing = { name: describeLocation(this.#where), parts: STORE_PARTS, version: 0, minCompatible: 0 };
    try {
      const { version, minCompatible } = await this.#during((session) => readSchema(session, this.#where));
      return [{ ...nothing, version, minCompatible, problem: null }];
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return [{ ...nothing, problem: error.message }];
    }
  }

  async migrate(version: number, progress: SchemaProgress): Promise<void> {
    const name = describeLocation(this.#where);
    const told = (from: number, to: number) => progress(name, from, to);
    await this.#during(async (session) => {
      if (!(await tryLock(session, "in use"))) {
        throw new StoreError("in_use", `${name}: instances are writing there: stop them first`);
      }
      const { version: found } = await readSchema(session, this.#where);
      if (found > version) await migrateDown(session, this.#where, POSTGRES_STEPS, version, told);
      else await migrateUp(session, this.#where, POSTGRES_STEPS, version, told);
    });
  }

  async close(): Promise<void> {}

  async #during<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await Session.open(this.#where, "migrate");
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }
}
