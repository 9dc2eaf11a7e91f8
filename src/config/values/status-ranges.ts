/** Reads which statuses are meant: `200-299, 304`. */
import type { ValueType } from "../setting.ts";
import { Complaints, valueType } from "./value-types.ts";

/** From the first to the last, both included. */
export type StatusRange = readonly [from: number, to: number];

/** Comma-separated statuses and ranges of them (RFC 9110 section 15). */
export const statusRanges: ValueType<readonly StatusRange[]> = valueType(
  "statuses and ranges such as 200-299, comma-separated",
  (text) => {
    const complaints: string[] = [];
    const ranges: StatusRange[] = [];
    for (const [index, raw] of text.split(",").entries()) {
      const range = parseStatuses(raw);
      if (range !== null) ranges.push(range);
      else if (raw.trim() === "") complaints.push(`entry ${index + 1} is empty: remove the extra comma`);
      else {
        complaints.push(
          `entry ${index + 1} "${raw.trim()}" must be a status from 100 to 599, or a range such as 200-299 or 5xx`,
        );
      }
    }
    if (complaints.length > 0) throw new Complaints(complaints);
    return ranges;
  },
  { kind: "list" },
);

/** One entry of such a list. */
export const statuses: ValueType<StatusRange> = valueType("status, or a range such as 500-599", (text) => {
  const range = parseStatuses(text);
  if (range === null) throw new Error("must be a status from 100 to 599, or a range such as 500-599 or 5xx");
  return range;
});

/** One status, a range of them, or a class (`5xx`). `null` = it is none. */
function parseStatuses(text: string): StatusRange | null {
  const parts = /^([1-5])xx$|^([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?$/i.exec(text.trim());
  if (parts === null) return null;
  const [, group, first, last = first] = parts;
  if (group !== undefined) return [Number(group) * 100, Number(group) * 100 + 99];
  return Number(first) <= Number(last) ? [Number(first), Number(last)] : null;
}
