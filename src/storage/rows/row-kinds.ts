/** The kinds of rows that stores take: a buffered store queues, bounds and writes each of them by this list alone. */
import type { RowKind } from "./row-kind.ts";
import { SAMPLE_ROWS } from "./sample-row.ts";
import { VERDICT_ROWS } from "./verdict-row.ts";

/** By name, in the order in which a transaction writes them. */
export const ROW_KINDS = {
  samples: SAMPLE_ROWS,
  verdicts: VERDICT_ROWS,
} as const satisfies Readonly<Record<string, RowKind<never, unknown>>>;

/** What a kind is called. */
export type RowKindName = keyof typeof ROW_KINDS;
/** All of them. */
export const ROW_KIND_NAMES = Object.freeze(Object.keys(ROW_KINDS) as RowKindName[]);

/** What is handed over of a kind. */
export type ItemOf<K extends RowKindName> = (typeof ROW_KINDS)[K] extends RowKind<infer Item, unknown> ? Item : never;
/** What a backend writes of a kind. */
export type RowOf<K extends RowKindName> = (typeof ROW_KINDS)[K] extends RowKind<never, infer Row> ? Row : never;

/** Rows of one transaction, by kind, each in the order in which they were handed over. */
export type RowBatches = { readonly [K in RowKindName]: readonly RowOf<K>[] };
