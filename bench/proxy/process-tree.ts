/** What a process and all its descendants have used: CPU time and memory. Linux only. */
import { dlopen, ptr } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";

export interface TreeUsage {
  /** User and system time of all processes, ended ones too, microseconds. */
  readonly cpuUs: number;
  /** Resident memory, pages that are shared counted once per process, bytes. */
  readonly rssBytes: number;
  /** Memory of its own and its part of what it shares, bytes. */
  readonly pssBytes: number;
  /** Living processes. A tree whose processes change while it is measured is broken. */
  readonly pids: readonly number[];
}

/** Fields of `/proc/<pid>/stat` that matter, by name (see proc(5)). */
export interface Stat {
  readonly parent: number;
  readonly ownTicks: number;
  /** Of children that ended and were waited for. */
  readonly childTicks: number;
}

/** Parses `/proc/<pid>/stat`; the command's name may hold spaces and parentheses. */
export function parseStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  return { parent: field(4), ownTicks: field(14) + field(15), childTicks: field(16) + field(17) };
}

/** `sysconf(_SC_CLK_TCK)`: 100 on every Linux. */
const TICK_US = 10_000;

/** The process ids of `root` and its descendants, from the parent of every process. */
export function descendants(root: number, parents: ReadonlyMap<number, number>): number[] {
  const found = [root];
  for (let i = 0; i < found.length; i++) {
    for (const [pid, parent] of parents) if (parent === found[i]) found.push(pid);
  }
  return found;
}

/** The process ids of a living tree. */
export function treePids(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (pid > 0) {
      const stat = readStat(pid);
      if (stat !== null) parents.set(pid, stat.parent);
    }
  }
  return descendants(root, parents);
}

/** Those of our processes that stand beside the path of requests: they are started with such a word behind the program (src/main.ts). */
export function asideOf(pids: readonly number[]): number[] {
  return pids.filter((pid) => readText(`/proc/${pid}/cmdline`)?.match(/\/main\.ts\0(learner|recorder|tracer)\0/));
}

/** CPU time of the processes `pids`, microseconds; of their ended children too. */
export function cpuUs(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) {
    const stat = readStat(pid);
    if (stat === null) continue;
    total += (processClockUs(pid) ?? stat.ownTicks * TICK_US) + stat.childTicks * TICK_US;
  }
  return total;
}

/** Looks at the whole tree below `root`. */
export function readTree(root: number): TreeUsage {
  const pids = treePids(root);
  let rssBytes = 0;
  let pssBytes = 0;
  for (const pid of pids) {
    const rollup = readText(`/proc/${pid}/smaps_rollup`);
    rssBytes += kilobytes(rollup, "Rss");
    pssBytes += kilobytes(rollup, "Pss");
  }
  return { cpuUs: cpuUs(pids), rssBytes, pssBytes, pids };
}

function kilobytes(text: string | null, name: string): number {
  const found = new RegExp(`^${name}: +(\\d+) kB`, "m").exec(text ?? "");
  return found === null ? 0 : Number(found[1]) * 1024;
}

function readStat(pid: number): Stat | null {
  const text = readText(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // it has ended
  }
}

const CLOCK_GETTIME = { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } } as const;
const libc = openLibc();
const timespec = new BigInt64Array(2);

/**
 * The CPU clock of another process (clock_getcpuclockid(3)), microseconds: the sum that /proc shows in ticks of 10 ms,
 * without the rounding. Null where there is no C library of a known name.
 */
function processClockUs(pid: number): number | null {
  const CPUCLOCK_SCHED = 2;
  if (libc === null || libc.symbols.clock_gettime((~pid << 3) | CPUCLOCK_SCHED, ptr(timespec)) !== 0) return null;
  return Number(timespec[0]) * 1e6 + Number(timespec[1]) / 1e3;
}

function openLibc() {
  for (const name of ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"]) {
    try {
      return dlopen(name, CLOCK_GETTIME);
    } catch {}
  }
  return null;
}
