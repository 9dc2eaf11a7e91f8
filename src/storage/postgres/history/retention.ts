/**
 * How much of what happened stays in PostgreSQL: what is too old goes, and of what is too much the oldest, partition by
 * partition (chunk by chunk where TimescaleDB is, whose policies see to the ages). Of several instances one does it at a time.
 */
import type { HistoryLimits } from "../../history-store.ts";
import { StoreError } from "../../store-error.ts";
import type { Partition, Partitions } from "../partitions.ts";
import type { Flavour } from "../schema/flavour.ts";
import { tryLockInTransaction } from "../schema/locks.ts";
import { TIMESCALE_DROP, TIMESCALE_OLDEST, timescalePolicies } from "../timescale.ts";
import type { Session } from "../wire/session.ts";
import { timeOf } from "../wire/time-of.ts";
import { deleteRemovedServers } from "./server-table.ts";

/** Events that go in one statement. */
const DELETED_ROWS = 5_000;
/** Partitions go as a whole, the longest of them are thirty days: names stay until no row can need them. */
const SPARE_MS = 31 * 86_400_000;
/** Partitions that go for want of room at a time. */
const MOST_PIECES = 8;
/** What goes first where there is too much; those of one line together, the oldest of them. */
const STAGES = [["requests", "metrics"], ["server_gauges"], ["metrics_1m"], ["metrics_1h"]] as const;
/** Hypertables among them. */
const CHUNKED = ["requests", "metrics", "server_gauges"];

/** How long rows of each partitioned table are kept, milliseconds. */
export function keptMs({ detailMs, minutesMs, hoursMs }: HistoryLimits): Readonly<Record<string, number>> {
  return { metrics: detailMs, requests: detailMs, server_gauges: detailMs, metrics_1m: minutesMs, metrics_1h: hoursMs };
}

/** What retention needs. */
export interface RetentionOptions {
  readonly limits: HistoryLimits;
  readonly flavour: Flavour;
  readonly partitions: Partitions;
  readonly nowMs: number;
  /** Of everything, now. */
  readonly bytes: () => Promise<number>;
}

/** A bounded piece of what is too old or too much goes. Not within a transaction. */
export async function keepWithin(session: Session, options: RetentionOptions): Promise<void> {
  const { limits, flavour, partitions, nowMs } = options;
  await deleteOldRows(session, limits, nowMs);
  if (flavour === "timescale") {
    await dropChunks(session, options);
    return;
  }
  await partitions.load(session);
  const kept = keptMs(limits);
  const isOld = ({ table, toS }: Partition) => toS * 1_000 <= nowMs - kept[table];
  for (const old of partitions.all.filter(isOld)) await dropIfFree(session, partitions, old);
  for (let piece = 0; piece < MOST_PIECES && (await options.bytes()) > limits.maxBytes; piece++) {
    const next = oldestToSpare(partitions.all, nowMs);
    if (next === null || !(await dropIfFree(session, partitions, next))) return;
  }
}

/** Puts TimescaleDB's policies in place, if no other instance is doing it. */
export async function setPolicies(session: Session, limits: HistoryLimits): Promise<void> {
  await session.transaction(async () => {
    if (await tryLockInTransaction(session, "retention")) await session.script(timescalePolicies(limits));
  });
}

async function deleteOldRows(session: Session, limits: HistoryLimits, nowMs: number): Promise<void> {
  const { detailMs, minutesMs, hoursMs } = limits;
  await session.transaction(async () => {
    if (!(await tryLockInTransaction(session, "retention"))) return;
    const before = timeOf(nowMs - hoursMs);
    await session.query(
      `DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < $1 ORDER BY at, id LIMIT ${DELETED_ROWS})`,
      [before],
    );
    await deleteRemovedServers(session, nowMs - hoursMs);
    // Whoever uses a series again after so long notes that first, and makes it anew.
    const unusedSince = timeOf(nowMs - Math.max(detailMs, minutesMs, hoursMs) - SPARE_MS);
    await session.query(
      `DELETE FROM series WHERE id IN (SELECT id FROM series WHERE last_seen < $1 LIMIT ${DELETED_ROWS})`,
      [unusedSince],
    );
  });
}

/** The one to go for want of room: never one that is being written to. `null` = there is none. */
function oldestToSpare(all: readonly Partition[], nowMs: number): Partition | null {
  for (const tables of STAGES) {
    const found = all.find(({ table, toS }) => (tables as readonly string[]).includes(table) && toS * 1_000 <= nowMs);
    if (found !== undefined) return found;
  }
  return null;
}

/** False when somebody reads it. */
async function dropIfFree(session: Session, partitions: Partitions, partition: Partition): Promise<boolean> {
  try {
    await partitions.drop(session, partition);
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.kind === "locked") return false;
    throw error;
  }
}

async function dropChunks(session: Session, { limits, bytes }: RetentionOptions): Promise<void> {
  for (let piece = 0; piece < MOST_PIECES && (await bytes()) > limits.maxBytes; piece++) {
    const oldest: { readonly table: string; readonly end: Date }[] = [];
    for (const table of CHUNKED) {
      const [chunk] = await session.query<{ end: Date }>(TIMESCALE_OLDEST, [table]);
      if (chunk !== undefined) oldest.push({ table, end: chunk.end });
    }
    const next = oldest.sort((a, b) => a.end.getTime() - b.end.getTime())[0];
    if (next === undefined) return;
    await session.query(TIMESCALE_DROP, [next.table, next.end]);
  }
}
