/** How much memory another process has. */
import { readFileSync } from "node:fs";

const PAGE_BYTES = 4096;

/** Resident set size, bytes; 0 where the system does not tell. proc_pid_statm(5). */
export function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
