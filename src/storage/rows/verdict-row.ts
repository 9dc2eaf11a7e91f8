/** Verdicts as rows: what they rest on is JSON. */
import type { Verdict } from "../learning-store.ts";
import type { RowKind } from "./row-kind.ts";

/** A verdict whose numbers are text. */
export interface VerdictRow extends Omit<Verdict, "numbers"> {
  readonly numbers: string;
}

/** Of `reason` and `numbers` each: verdicts are many, and nobody reads a longer one. */
const MAX_CHARACTERS = 16_384;
/** Bytes of a row beside its texts. */
const FIXED_BYTES = 100;

/** How verdicts wait: not at all, unless the store is in trouble. */
export const VERDICT_ROWS: RowKind<Verdict, VerdictRow> = Object.freeze({
  waitingRows: 1_000,
  waitingBytes: 4 * 1024 * 1024,
  flushMs: 0,
  encode: toRow,
  bytesOf: ({ reason, numbers }: VerdictRow) => FIXED_BYTES + 2 * (reason.length + numbers.length),
});

/** `null` for what is too long, or nothing that JSON could say. */
function toRow({ pool, atMs, modelVersion, kind, reason, numbers }: Verdict): VerdictRow | null {
  if (!Number.isSafeInteger(atMs)) return null;
  let json: string;
  try {
    json = JSON.stringify(numbers) ?? "null";
  } catch {
    return null;
  }
  if (json.length > MAX_CHARACTERS || reason.length > MAX_CHARACTERS) return null;
  return { pool, atMs, modelVersion, kind, reason, numbers: json };
}

/** The verdict of a row. */
export function toVerdict(row: VerdictRow): Verdict {
  return { ...row, numbers: JSON.parse(row.numbers) as unknown };
}
