/** Open file descriptors of this process, and how many it may have: proc(5), where there is one. */
import { readdirSync, readFileSync } from "node:fs";

/** What can be asked about descriptors. */
export interface Descriptors {
  /** Most descriptors that the process may have open; `Infinity` = not known. */
  limit(): number;
  /** Those that are open now; `NaN` = not known. Takes longer the more there are. */
  open(): number;
}

export const processDescriptors: Descriptors = Object.freeze({
  limit(): number {
    try {
      const row = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
      return row === null ? Number.POSITIVE_INFINITY : Number(row[1]);
    } catch {
      return Number.POSITIVE_INFINITY;
    }
  },
  open(): number {
    try {
      return readdirSync("/proc/self/fd").length - 1; // without the one that reads
    } catch {
      return Number.NaN;
    }
  },
});
