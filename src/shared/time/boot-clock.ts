/**
 * One time base for all processes of an instance. The runtime's monotonic clock begins at zero in every process, and the
 * wall clock that would relate two of them may have been set in between. The kernel's uptime is the same for all.
 */
import { closeSync, openSync, readSync } from "node:fs";

const UPTIME_FILE = "/proc/uptime";
/** The file's steps. */
const STEP_MS = 10;
const WANTED_ERROR_MS = 0.25;
/** A machine on which no two readings are close must do with less. */
const PATIENCE_MS = 100;

/**
 * What to add to a process's monotonic clock to have milliseconds since the machine started, right to about
 * `WANTED_ERROR_MS`. The uptime file counts in steps, so each reading says between which limits the offset is; around a
 * step they meet. It is waited for busily, `STEP_MS` at most as a rule.
 * @param nowMs the monotonic clock of this process.
 * @param originMs when that was zero by the wall clock: used where there is no uptime file (other systems than Linux),
 * and right there unless the wall clock is set while the instance runs.
 */
export function bootClockOffsetMs(nowMs: () => number, originMs: number): number {
  let fd: number;
  try {
    fd = openSync(UPTIME_FILE, "r");
  } catch {
    return originMs;
  }
  const buffer = Buffer.alloc(64);
  try {
    const startedMs = nowMs();
    let low = Number.NEGATIVE_INFINITY;
    let high = Number.POSITIVE_INFINITY;
    for (let beforeMs = startedMs; ; ) {
      const uptimeMs = Number.parseFloat(buffer.toString("latin1", 0, readSync(fd, buffer, 0, 64, 0))) * 1000;
      const afterMs = nowMs();
      low = Math.max(low, uptimeMs - afterMs);
      high = Math.min(high, uptimeMs + STEP_MS - beforeMs);
      if (high - low <= WANTED_ERROR_MS || afterMs - startedMs > PATIENCE_MS) return (low + high) / 2;
      beforeMs = afterMs;
    }
  } finally {
    closeSync(fd);
  }
}
