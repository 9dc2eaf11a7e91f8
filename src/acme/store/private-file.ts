/** Files of secrets: nobody else may read them, and each is old or new, whenever it is read and whatever fails. */
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { replaceFileSync } from "../../shared/files/replace-file.ts";

/** Makes a directory, with those above it, that is its owner's alone. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Replaces a file. It is on the disk when this returns. @param mark tells writers apart. Throws what the system says. */
export function replacePrivateFile(path: string, text: string, mark: string): void {
  makePrivateDirectory(dirname(path));
  replaceFileSync(path, text, { mark, mode: 0o600 });
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
