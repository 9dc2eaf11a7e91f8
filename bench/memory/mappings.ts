/**
 * Where the memory of processes is, by what its pages are. Linux only. What PSS says depends on who else runs the same
 * program, and the benchmark itself does: here pages that come from a file count once for a group of processes, whoever
 * else has them.
 */
import { readFileSync } from "node:fs";

/** Bytes by kind. */
export interface Memory {
  /** Pages that no file holds: heaps, stacks, what a program has written to its data. */
  readonly own: number;
  /** Resident pages of a file, by its path: programs and libraries, and memory that processes share. */
  readonly files: ReadonlyMap<string, number>;
}

export const NO_MEMORY: Memory = { own: 0, files: new Map() };

/** Of both: their own, and of each file what the one has that has more of it. */
export function addMemory(a: Memory, b: Memory): Memory {
  const files = new Map(a.files);
  for (const [path, bytes] of b.files) files.set(path, Math.max(bytes, files.get(path) ?? 0));
  return { own: a.own + b.own, files };
}

/** Bytes of files in memory that is shared on purpose, or of all the others. */
export function fileBytes({ files }: Memory, shared: boolean): number {
  let bytes = 0;
  for (const [path, resident] of files) if (isSharedMemory(path) === shared) bytes += resident;
  return bytes;
}

/** Reads `/proc/<pid>/smaps`. Throws an `Error` when the process is gone. */
export function memoryOf(pid: number): Memory {
  return parseMappings(readFileSync(`/proc/${pid}/smaps`, "utf8"));
}

/** As `memoryOf`, of the file's text (proc_pid_smaps(5)). */
export function parseMappings(text: string): Memory {
  const files = new Map<string, number>();
  let own = 0;
  let path = "";
  let resident = 0;
  let share = 0;
  for (const line of text.split("\n")) {
    const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line);
    if (mapping !== null) path = mapping[1];
    const field = /^(Rss|Pss|Anonymous): +(\d+) kB$/.exec(line);
    if (field === null) continue;
    const bytes = Number(field[2]) * 1024;
    if (field[1] === "Rss") resident = bytes;
    else if (field[1] === "Pss") share = bytes;
    else if (path.startsWith("/") && bytes < resident) {
      files.set(path, (files.get(path) ?? 0) + resident - bytes);
      own += Math.min(share, bytes);
    } else own += share; // after a fork, processes share even their own
  }
  return { own, files };
}

function isSharedMemory(path: string): boolean {
  return path.startsWith("/dev/shm/") || path.startsWith("/dev/zero");
}
