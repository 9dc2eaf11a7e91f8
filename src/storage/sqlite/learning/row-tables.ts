/** The tables of rows of one connection, one for each kind that there is. */
import type { Database } from "bun:sqlite";
import type { StoreLimits } from "../../learning-store.ts";
import type { LearningRows } from "../../rows/row-kinds.ts";
import type { RowTable } from "./row-table.ts";
import { SampleTable } from "./sample-table.ts";
import { VerdictTable } from "./verdict-table.ts";

type TableByKind = { readonly [K in keyof LearningRows]: RowTable<LearningRows[K][number]> };

/** The tables. @param features what each sample's values mean, in order. */
export function rowTables(db: Database, features: readonly string[]) {
  return {
    samples: new SampleTable(db, features),
    verdicts: new VerdictTable(db),
  } satisfies TableByKind;
}

/** What `rowTables` returns. */
export type RowTables = ReturnType<typeof rowTables>;

/** Within the caller's transaction. */
export function insertRows(tables: TableByKind, { samples, verdicts }: LearningRows): void {
  if (samples.length > 0) tables.samples.insert(samples);
  if (verdicts.length > 0) tables.verdicts.insert(verdicts);
}

/** Deletes what is too much, within the caller's transaction. */
export function trimRows(tables: TableByKind, limits: StoreLimits): void {
  tables.samples.trim(limits);
  tables.verdicts.trim(limits);
}
