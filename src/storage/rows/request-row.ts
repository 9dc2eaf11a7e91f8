/** Single requests as rows. */
import { REQUEST_REASONS, type RequestRow } from "../history-store.ts";
import { isAmount, isAmountOrUnknown, isCount, keptText } from "./checked.ts";
import type { RowKind } from "./row-kind.ts";

/** Of a text. */
const MAX_CHARACTERS = 512;
/** Bytes of a row beside its texts. */
const FIXED_BYTES = 250;

/** How requests wait: a minute and more of what is kept by default; they are a sample, and can be spared first. */
export const REQUEST_ROWS: RowKind<RequestRow, RequestRow> = Object.freeze({
  waitingRows: 20_000,
  waitingBytes: 16 * 1024 * 1024,
  flushMs: 1_000,
  encode: toRow,
  bytesOf: (row: RequestRow) => FIXED_BYTES + 2 * TEXTS.reduce((sum, name) => sum + row[name].length, 0),
});

const TEXTS = ["pool", "route", "server", "address", "method", "path", "error", "requestId", "client"] as const;

function toRow(row: RequestRow): RequestRow | null {
  const { status, durationMs, waitMs, headMs, attempts, inFlight, responseBytes, reason, weight } = row;
  const atMs = Math.floor(row.atMs); // a thousandth of a second is as exact as it is kept
  const amounts = [durationMs, waitMs].every(isAmount) && isAmountOrUnknown(headMs);
  const counts = [atMs, status, attempts, responseBytes].every(isCount) && isCount(inFlight + 1);
  if (!amounts || !counts || status > 999 || !(weight >= 1 && Number.isFinite(weight))) return null;
  if (!REQUEST_REASONS.includes(reason)) return null;
  const texts = Object.fromEntries(TEXTS.map((name) => [name, keptText(row[name], MAX_CHARACTERS)]));
  return { ...row, ...texts, atMs };
}

/** First digit of the status as `MetricKey.statusClass` has it. */
export function statusClassOf(status: number): number {
  return Math.min(5, Math.max(1, Math.floor(status / 100)));
}
