/** Replaces a file so that it is old or new, whenever it is read and whatever fails. */
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** How it is replaced. */
export interface ReplacedFile {
  /** Tells writers apart that write at the same time; left out = there is one. */
  readonly mark?: string;
  /** Who may read it, whatever the umask says. */
  readonly mode: number;
}

/** It is on the disk when this returns. Throws what the system says, and then the old one is there. */
export function replaceFileSync(path: string, content: string | Uint8Array, { mark, mode }: ReplacedFile): void {
  const beside = mark === undefined ? `${path}.new` : `${path}.${mark}.new`;
  rmSync(beside, { force: true }); // of a process that ended here: it may have other permissions
  const fd = openSync(beside, "wx", mode);
  try {
    try {
      chmodSync(beside, mode);
      writeFileSync(fd, content); // not writeSync: where the disk fills it writes a part, and says nothing of it
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
