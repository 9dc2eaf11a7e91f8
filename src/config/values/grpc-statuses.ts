/** Reads `RETRY_ON_GRPC_STATUS`: which statuses of calls of gRPC are asked for again at another server. */
import { GRPC_STATUS_NAMES } from "../../shared/grpc-status.ts";
import type { ValueType } from "../setting.ts";
import { Complaints, valueType } from "./value-types.ts";

/** The first is OK: there is nothing to ask for again. */
const FIRST = 1;
const LAST = GRPC_STATUS_NAMES.length - 1;

/** The value type of `RETRY_ON_GRPC_STATUS`: rising codes, each once; `off` is none. */
export const grpcStatuses: ValueType<readonly number[]> = valueType(
  `off, or ${FIRST} … ${LAST}, or names as UNAVAILABLE, comma-separated`,
  (text) => {
    if (text.toLowerCase() === "off") return [];
    const complaints: string[] = [];
    const codes = new Set<number>();
    for (const [index, raw] of text.split(",").entries()) {
      const entry = raw.trim();
      const code = codeOf(entry);
      if (code >= FIRST && code <= LAST) codes.add(code);
      else if (entry === "") complaints.push(`entry ${index + 1} is empty: remove the extra comma`);
      else if (entry.toLowerCase() === "off") complaints.push(`entry ${index + 1} "off" stands alone or not at all`);
      else {
        const names = GRPC_STATUS_NAMES.slice(FIRST).join(", ");
        complaints.push(`entry ${index + 1} "${entry}" is neither a code from ${FIRST} to ${LAST} nor one of ${names}`);
      }
    }
    if (complaints.length > 0) throw new Complaints(complaints);
    return [...codes].sort((a, b) => a - b);
  },
  { kind: "list" },
);

/** -1 = it is none. Names may also be written as other proxies do: `deadline-exceeded`. */
function codeOf(entry: string): number {
  if (/^\d{1,2}$/.test(entry)) return Number(entry);
  return GRPC_STATUS_NAMES.indexOf(entry.toUpperCase().replaceAll("-", "_"));
}
