/** Files of secrets: nobody else may read them, and each is old or new, whenever it is read and whatever fails. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** Makes a directory, with those above it, that is its owner's alone. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Replaces a file. It is on the disk when this returns. @param mark tells writers apart. Throws what the system says. */
export function replacePrivateFile(path: string, text: string, mark: string): void {
  makePrivateDirectory(dirname(path));
  const beside = `${path}.${mark}.new`;
  rmSync(beside, { force: true });
  const fd = openSync(beside, "wx", 0o600);
  try {
    try {
      chmodSync(beside, 0o600); // whatever the umask says
      writeFileSync(fd, text); // not writeSync: where the disk fills it writes a part, and says nothing of it
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

/** `null` where there is none. Throws what the system says otherwise. */
export function readPrivateFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
