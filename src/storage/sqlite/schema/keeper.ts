/** The versions of the files in a directory. */
import { Database } from "bun:sqlite";
import { STORE_PARTS, type StorePart } from "../../parts.ts";
import type { SchemaKeeper, SchemaProgress, SchemaState } from "../../schema-keeper.ts";
import { SCHEMA_STEPS } from "../../schema-steps.ts";
import { StoreError } from "../../store-error.ts";
import { isReadableFile, storePath } from "../data-directory.ts";
import { storeErrorOf } from "../errors.ts";
import { HISTORY_PART } from "../history/part.ts";
import { InstanceLock } from "../instance-lock.ts";
import { learningPart } from "../learning/part.ts";
import { checkIdentity, migrate, minCompatible, pragma } from "./schema.ts";
import type { PartSchema } from "./steps.ts";

const SCHEMAS: Readonly<Record<StorePart, PartSchema>> = {
  learning: learningPart([]).schema,
  history: HISTORY_PART.schema,
};
/** How long another connection is waited for, which reads or leaves a model. */
const BUSY_MS = 5_000;

/** See the top of this file. */
export class SqliteSchemaKeeper implements SchemaKeeper {
  readonly steps = SCHEMA_STEPS;
  readonly firstVersion = 1;
  readonly #directory: string;
  readonly #nowMs: () => number;

  constructor(directory: string, nowMs: () => number) {
    this.#directory = directory;
    this.#nowMs = nowMs;
  }

  async state(): Promise<readonly SchemaState[]> {
    return STORE_PARTS.map((part) => this.#stateOf(part));
  }

  async migrate(version: number, progress: SchemaProgress): Promise<void> {
    const parts = STORE_PARTS.filter((part) => isReadableFile(storePath(this.#directory, part)));
    const locks: InstanceLock[] = [];
    const files: { readonly path: string; readonly schema: PartSchema; readonly db: Database }[] = [];
    try {
      for (const part of parts) {
        locks.push(InstanceLock.take(this.#directory, part, this.#nowMs(), "stop it first"));
        files.push(this.#opened(part, { readwrite: true, create: false }));
      }
      for (const { db, path, schema } of files) requireKnown(db, path, schema);
      for (const { db, path, schema } of files) {
        await migrate(db, schema, version, (from, to) => progress(path, from, to));
        db.query("PRAGMA incremental_vacuum").all(); // what went leaves the file, too
      }
    } catch (error) {
      throw storeErrorOf(error, this.#directory);
    } finally {
      for (const { db } of files) db.close();
      for (const lock of locks) lock.release();
    }
  }

  async close(): Promise<void> {}

  #stateOf(part: StorePart): SchemaState {
    const name = storePath(this.#directory, part);
    const nothing = { name, parts: [part], version: 0, minCompatible: 0, problem: null };
    let db: Database | null = null;
    try {
      if (!isReadableFile(name)) return nothing;
      ({ db } = this.#opened(part, { readonly: true }));
      return { ...nothing, version: pragma(db, "user_version"), minCompatible: minCompatible(db) };
    } catch (error) {
      return { ...nothing, problem: (storeErrorOf(error, name) as Error).message };
    } finally {
      db?.close();
    }
  }

  #opened(part: StorePart, flags: ConstructorParameters<typeof Database>[1]) {
    const path = storePath(this.#directory, part);
    const schema = SCHEMAS[part];
    const db = new Database(path, flags);
    try {
      db.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
      checkIdentity(db, path, schema);
      return { path, schema, db };
    } catch (error) {
      db.close();
      throw error instanceof StoreError ? error : storeErrorOf(error, path);
    }
  }
}

function requireKnown(db: Database, path: string, { steps }: PartSchema): void {
  const version = pragma(db, "user_version");
  if (version <= steps.length) return;
  throw new StoreError(
    "newer_schema",
    `${path}: has schema ${version}, and this release knows the way up to ${steps.length}: the release that wrote it can go back`,
  );
}
