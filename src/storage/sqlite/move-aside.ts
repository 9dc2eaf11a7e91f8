/** Damaged files: kept for whoever wants to look at them, out of the way of a new one. */
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Damaged files that are kept: each may be as large as the store. */
const KEPT = 2;

/**
 * Renames the file at `path` to `<path>.corrupt-<timestamp>`, with its log, and removes all but the last two of those.
 * @param nowMs milliseconds since the epoch.
 * @returns the new path. Throws what the file system throws.
 */
export function moveAside(path: string, nowMs: number): string {
  const prefix = `${basename(path)}.corrupt-`;
  const aside = join(dirname(path), prefix + new Date(nowMs).toISOString().replace(/[:-]/g, ""));
  // The log first: one that was left behind would be applied to the next file.
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${aside}-wal`);
  renameSync(path, aside);
  rmSync(`${path}-shm`, { force: true });
  const kept = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix) && !name.endsWith("-wal"));
  for (const name of kept.sort().slice(0, -KEPT)) {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(join(dirname(path), name + suffix), { force: true });
  }
  return aside;
}
