/** The file of what happened. */
import type { SqlitePart } from "../part.ts";
import { HISTORY_STEPS } from "../schema/history-steps.ts";
import { EventTable } from "./event-table.ts";
import { GaugeTable } from "./gauge-table.ts";
import { MetricTables } from "./metric-tables.ts";
import { RequestTable } from "./request-table.ts";
import { SeriesTable } from "./series-table.ts";
import { ServerTable } from "./server-table.ts";

/** "NbHs". */
const APPLICATION_ID = 0x4e624873;
/** A larger file is not read through at the start: that would take many seconds. */
const CHECKED_BYTES = 64 * 1024 * 1024;

/** What a connection to it is used through. */
export interface HistoryTables {
  readonly series: SeriesTable;
  readonly metrics: MetricTables;
  readonly requests: RequestTable;
  readonly gauges: GaugeTable;
  readonly events: EventTable;
  readonly servers: ServerTable;
}

/** The part. */
export const HISTORY_PART: SqlitePart<HistoryTables> = Object.freeze({
  part: "history",
  nothingYet: "nothing was recorded yet",
  schema: { applicationId: APPLICATION_ID, steps: HISTORY_STEPS },
  checkedBytes: CHECKED_BYTES,
  tables: (db) => {
    const series = new SeriesTable(db);
    return {
      series,
      metrics: new MetricTables(db, series),
      requests: new RequestTable(db, series),
      gauges: new GaugeTable(db, series),
      events: new EventTable(db),
      servers: new ServerTable(db),
    };
  },
} satisfies SqlitePart<HistoryTables>);
