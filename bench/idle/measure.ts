/** CPU time and memory of standing still, and what a scrape holds up. */
import { readFileSync } from "node:fs";
import { median } from "../common/statistics.ts";
import { cpuUs, treePids } from "../proxy/process-tree.ts";

const PAGE_BYTES = 4096;

/** Of all processes of a kind together. */
export interface Standing {
  /** Share of a core, 0 … */
  readonly cpu: number;
  /** Resident memory at the end, bytes; what processes share counts for each. */
  readonly rssBytes: number;
}

/** By kind of process; null = there is none. */
export interface Standings {
  readonly supervisor: Standing | null;
  readonly workers: Standing | null;
  readonly learner: Standing | null;
  readonly all: Standing;
}

/** What each kind of process below `root` takes in `seconds`. */
export async function standings(root: number, seconds: number, now: () => number): Promise<Standings> {
  const pids = treePids(root);
  const ofKind = (word: string): number[] => pids.filter((pid) => commandOf(pid).includes(`\0${word}\0`));
  const kinds = [ofKind("serve"), ofKind("worker"), ofKind("learner"), pids];
  const before = kinds.map(cpuUs);
  const startedMs = now();
  await Bun.sleep(seconds * 1000);
  const elapsedUs = (now() - startedMs) * 1000;
  const [supervisor, workers, learner, all] = kinds.map((group, i) =>
    group.length === 0 ? null : { cpu: (cpuUs(group) - before[i]) / elapsedUs, rssBytes: rssBytes(group) },
  );
  return { supervisor, workers, learner, all: all ?? { cpu: 0, rssBytes: 0 } };
}

/** One scrape's size, the median of their times, and the longest that the same process took to answer a trifle. */
export interface Scrape {
  readonly bytes: number;
  readonly ms: number;
  readonly longestWaitMs: number;
}

/** Scrapes some times, and asks for `/health/live` of the same thread all the while. */
export async function scrape(adminUrl: string, now: () => number): Promise<Scrape> {
  let bytes = 0;
  let longestWaitMs = 0;
  let over = false;
  const timed = async (path: string): Promise<number> => {
    const startedMs = now();
    const body = await (await fetch(adminUrl + path)).arrayBuffer();
    if (path === "/metrics") bytes = body.byteLength;
    return now() - startedMs;
  };
  await timed("/metrics"); // compilers
  const watch = (async () => {
    while (!over) {
      longestWaitMs = Math.max(longestWaitMs, await timed("/health/live"));
      await Bun.sleep(1);
    }
  })();
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    times.push(await timed("/metrics"));
    await Bun.sleep(300);
  }
  over = true;
  await watch;
  return { bytes, ms: median(times), longestWaitMs };
}

function rssBytes(pids: readonly number[]): number {
  const pages = pids.map((pid) => Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]));
  return pages.reduce((sum, count) => sum + count, 0) * PAGE_BYTES;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
