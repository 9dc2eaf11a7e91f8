/** The kinds of rows that stores take: a buffered store queues, bounds and writes each of them by these lists alone. */
import { EVENT_ROWS } from "./event-row.ts";
import { GAUGE_ROWS } from "./gauge-row.ts";
import { METRIC_ROWS } from "./metric-row.ts";
import { REQUEST_ROWS } from "./request-row.ts";
import type { RowKind } from "./row-kind.ts";
import { SAMPLE_ROWS } from "./sample-row.ts";
import { VERDICT_ROWS } from "./verdict-row.ts";

/** Some kinds by name, in the order in which a transaction writes them. */
export type RowKinds = Readonly<Record<string, RowKind<never, unknown>>>;

/** Of what is learned. */
export const LEARNING_ROWS = {
  samples: SAMPLE_ROWS,
  verdicts: VERDICT_ROWS,
} as const satisfies RowKinds;

/** Of what happened. */
export const HISTORY_ROWS = {
  metrics: METRIC_ROWS,
  requests: REQUEST_ROWS,
  gauges: GAUGE_ROWS,
  events: EVENT_ROWS,
} as const satisfies RowKinds;

/** What is handed over of a kind. */
export type ItemOf<Kind> = Kind extends RowKind<infer Item, unknown> ? Item : never;
/** What a backend writes of a kind. */
export type RowOf<Kind> = Kind extends RowKind<never, infer Row> ? Row : never;

/** Rows of one transaction, by kind, each in the order in which they were handed over. */
export type RowBatches<Kinds extends RowKinds> = { readonly [K in keyof Kinds]: readonly RowOf<Kinds[K]>[] };

/** Rows of one transaction, of what is learned. */
export type LearningRows = RowBatches<typeof LEARNING_ROWS>;
/** Rows of one transaction, of what happened. */
export type HistoryRows = RowBatches<typeof HISTORY_ROWS>;
