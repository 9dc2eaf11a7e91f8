/** How much CPU time a process has taken. */
import { readFileSync } from "node:fs";

/** `sysconf(_SC_CLK_TCK)`: 100 on every Linux that this runs on. */
const TICKS_PER_SECOND = 100;
/** Fields 14 and 15 of proc_pid_stat(5), counted from field 3. */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** In user and kernel mode, of all its threads, seconds; `null` where the system does not tell. */
export function cpuSeconds(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name, in parentheses, may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}
