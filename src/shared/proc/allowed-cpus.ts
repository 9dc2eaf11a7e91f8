/** On how many CPUs this process may run at once. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * By its affinity, which `taskset`, cpusets and systemd set; shares of CPU time are another matter (cgroup.ts). The runtime's own count
 * is of both, and rounds shares down.
 */
export function allowedCpus(status = "/proc/self/status"): number {
  try {
    const list = /^Cpus_allowed_list:\s*([\d,-]+)$/m.exec(readFileSync(status, "utf8"))?.[1];
    if (list === undefined) return availableParallelism();
    return list.split(",").reduce((sum, range) => {
      const [first, last = first] = range.split("-").map(Number);
      return sum + last - first + 1;
    }, 0);
  } catch {
    return availableParallelism();
  }
}
