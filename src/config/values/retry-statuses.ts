/** Reads `RETRY_ON_STATUS`: which answers of a server are asked for again at another one. */
import type { ValueType } from "../setting.ts";
import { Complaints, valueType } from "./value-types.ts";

/** 5xx is the class in which the server says that the failure is its own (RFC 9110 section 15.6). */
const FIRST = 500;
const LAST = 599;

const GROUPS: ReadonlyMap<string, readonly number[]> = new Map([
  ["gateway", [502, 503, 504]],
  ["5xx", Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i)],
]);

/** The value type of `RETRY_ON_STATUS`: rising statuses, each once; `off` is none. */
export const retryStatuses: ValueType<readonly number[]> = valueType(
  "off, or gateway, 5xx, 500 … 599, comma-separated",
  (text) => {
    if (text.toLowerCase() === "off") return [];
    const complaints: string[] = [];
    const statuses = new Set<number>();
    for (const [index, raw] of text.split(",").entries()) {
      const entry = raw.trim().toLowerCase();
      const group = GROUPS.get(entry) ?? (/^5\d\d$/.test(entry) ? [Number(entry)] : undefined);
      if (group !== undefined) for (const status of group) statuses.add(status);
      else if (entry === "") complaints.push(`entry ${index + 1} is empty: remove the extra comma`);
      else if (entry === "off") complaints.push(`entry ${index + 1} "off" stands alone or not at all`);
      else {
        complaints.push(
          `entry ${index + 1} "${raw.trim()}" is neither a status from ${FIRST} to ${LAST} nor gateway (502, 503, 504) nor 5xx`,
        );
      }
    }
    if (complaints.length > 0) throw new Complaints(complaints);
    return [...statuses].sort((a, b) => a - b);
  },
  { kind: "list" },
);
