/** The tables of rows of one connection, one for each kind that there is. */
import type { Database } from "bun:sqlite";
import type { StoreLimits } from "../../learning-store.ts";
import { ROW_KIND_NAMES, type RowBatches, type RowKindName, type RowOf } from "../../rows/row-kinds.ts";
import type { RowTable } from "./row-table.ts";
import { SampleTable } from "./sample-table.ts";
import { VerdictTable } from "./verdict-table.ts";

type TableByKind = { readonly [K in RowKindName]: RowTable<RowOf<K>> };

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
export function insertRows(tables: TableByKind, batches: RowBatches): void {
  for (const kind of ROW_KIND_NAMES) insertKind(kind, tables, batches);
}

function insertKind<K extends RowKindName>(kind: K, tables: TableByKind, batches: RowBatches): void {
  const table: RowTable<RowOf<K>> = tables[kind];
  const rows: readonly RowOf<K>[] = batches[kind];
  if (rows.length > 0) table.insert(rows);
}

/** Deletes what is too much, within the caller's transaction. */
export function trimRows(tables: TableByKind, limits: StoreLimits): void {
  for (const kind of ROW_KIND_NAMES) tables[kind].trim(limits);
}
