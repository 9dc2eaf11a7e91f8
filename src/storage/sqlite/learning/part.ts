/** The file of what is learned. */
import { Database } from "bun:sqlite";
import type { SqlitePart } from "../part.ts";
import { LEARNING_STEPS } from "../schema/learning-steps.ts";
import { ModelTable } from "./model-table.ts";
import { NoteTable } from "./note-table.ts";
import { type RowTables, rowTables } from "./row-tables.ts";

/** "NbLs". */
const APPLICATION_ID = 0x4e624c73;

/** A larger file is not read through at the start: that takes seconds, in which the process does nothing else. */
const CHECKED_BYTES = 128 * 1024 * 1024;

/** What a connection to it is used through. */
export interface LearningTables {
  readonly rows: RowTables;
  readonly models: ModelTable;
  readonly notes: NoteTable;
}

/** The part. @param features what samples' values mean, in order. */
export function learningPart(features: readonly string[]): SqlitePart<LearningTables> {
  return {
    part: "learning",
    nothingYet: "nothing was learned yet",
    schema: { applicationId: APPLICATION_ID, steps: LEARNING_STEPS },
    checkedBytes: CHECKED_BYTES,
    tables: (db) => ({ rows: rowTables(db, features), models: new ModelTable(db), notes: new NoteTable(db) }),
    // Versions of models.
    counter: {
      known: ({ models }) => models.lastVersion(),
      told: lastVersionIn,
      skip: ({ models }, to) => models.skipTo(to),
    },
  };
}

/** The highest version of a model that a damaged file still tells; 0 when it does not. */
function lastVersionIn(path: string): number {
  let db: Database | null = null;
  try {
    db = new Database(path, { readonly: true });
    const query = "SELECT seq FROM sqlite_sequence WHERE name = 'models'";
    const seq = db.query<{ seq: unknown }, []>(query).get()?.seq;
    return Number.isSafeInteger(seq) && (seq as number) > 0 ? (seq as number) : 0;
  } catch {
    return 0; // damaged where it would stand
  } finally {
    db?.close();
  }
}
