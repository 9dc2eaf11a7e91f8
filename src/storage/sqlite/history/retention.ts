/**
 * How much of what happened stays in SQLite. What is too old goes, and of what is too much the oldest: single requests and
 * seconds first, then gauges, minutes, events, hours; but as long as there is anything else, something of late stays of each.
 */
import type { HistoryLimits } from "../../history-store.ts";
import { FREE_SHARE, USED_SHARE, VACUUMED_PAGES } from "../bounds.ts";
import type { Connection } from "../connection.ts";
import type { HistoryTables } from "./part.ts";
import type { TimedTable } from "./timed-table.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Pieces that go for want of room in one transaction. */
const MOST_PIECES = 4;

/** Tables that go together, and how old of them goes only when nothing else is left. */
interface Stage {
  readonly tables: readonly TimedTable[];
  readonly spareMs: number;
}

function stagesOf({ requests, metrics, gauges, events }: HistoryTables): readonly Stage[] {
  return [
    { tables: [requests, metrics.of.second], spareMs: HOUR_MS },
    { tables: [gauges], spareMs: HOUR_MS },
    { tables: [metrics.of.minute], spareMs: DAY_MS },
    { tables: [events], spareMs: 7 * DAY_MS },
    { tables: [metrics.of.hour], spareMs: 7 * DAY_MS },
  ];
}

/** A bounded piece of what is too old or too much goes. Within the caller's transaction. */
export function keepWithin(limits: HistoryLimits, nowMs: number, connection: Connection<HistoryTables>): void {
  const { tables } = connection;
  const { maxBytes } = limits;
  const deleted = deleteOld(tables, limits, nowMs);
  for (let piece = 0; piece < MOST_PIECES && connection.bytes().used > maxBytes * USED_SHARE; piece++) {
    if (!deletePiece(tables, nowMs)) break;
  }
  if (deleted) {
    tables.servers.deleteRemoved(nowMs - limits.hoursMs);
    tables.series.deleteUnused(oldestMs(tables) ?? nowMs);
  }
  const { file, used } = connection.bytes();
  if (file - used > maxBytes * FREE_SHARE) connection.vacuum(VACUUMED_PAGES);
}

/** True when something of what is kept the longest went: then names may have become of no use. */
function deleteOld(tables: HistoryTables, { detailMs, minutesMs, hoursMs }: HistoryLimits, nowMs: number): boolean {
  const { requests, metrics, gauges, events } = tables;
  for (const table of [requests, metrics.of.second, gauges]) table.deleteOldest(nowMs - detailMs);
  metrics.of.minute.deleteOldest(nowMs - minutesMs);
  return events.deleteOldest(nowMs - hoursMs) + metrics.of.hour.deleteOldest(nowMs - hoursMs) > 0;
}

/** False when there is nothing left to delete. */
function deletePiece(tables: HistoryTables, nowMs: number): boolean {
  const stages = stagesOf(tables);
  return (
    stages.some(({ tables: together, spareMs }) => deleteOldestOf(together, nowMs - spareMs)) ||
    stages.some(({ tables: together }) => deleteOldestOf(together, Number.MAX_SAFE_INTEGER))
  );
}

/** Of tables that go together, from the one whose rows are the oldest. */
function deleteOldestOf(tables: readonly TimedTable[], beforeMs: number): boolean {
  let oldest: TimedTable | null = null;
  let since = beforeMs;
  for (const table of tables) {
    const atMs = table.oldestMs();
    if (atMs !== null && atMs < since) [oldest, since] = [table, atMs];
  }
  return oldest !== null && oldest.deleteOldest(beforeMs) > 0;
}

function oldestMs(tables: HistoryTables): number | null {
  const all = stagesOf(tables).flatMap((stage) => stage.tables.map((table) => table.oldestMs()));
  const known = all.filter((atMs) => atMs !== null);
  return known.length === 0 ? null : Math.min(...known);
}
