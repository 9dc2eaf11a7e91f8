/** The directory that holds what must outlive the process. */
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { StorePart } from "../parts.ts";
import { StoreError } from "../store-error.ts";
import { storeErrorOf } from "./errors.ts";

/** Where a part of the store is. Whatever SQLite keeps beside it begins with this name. */
export function storePath(dataDir: string, part: StorePart): string {
  return join(dataDir, `${part}.db`);
}

/** Whoever has it locked owns the part. */
export function lockFile(part: StorePart): string {
  return `${part}.lock`;
}

/** Says who that is, for people. */
export function ownerFile(part: StorePart): string {
  return `${part}.owner`;
}

/** Is there a file that this process may read? Throws a `StoreError` when it may not, or may not even look. */
export function isReadableFile(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "ENOENT") return false;
    if (code !== "EACCES" && code !== "EPERM") throw storeErrorOf(error, path);
    const message = `${path}: this process may not read it (${code}): ask as the user whom the instance runs as`;
    throw new StoreError("unavailable", message, error);
  }
}

/** Makes the directory, for this user alone, unless it is there. Throws a `StoreError`, also when it cannot be written. */
export function makeDataDirectory(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw storeErrorOf(error, dataDir);
  }
}

/** Why nothing can be kept in `dataDir`, as a sentence; `null` when nothing speaks against it. Changes nothing. */
export function dataDirectoryProblem(dataDir: string): string | null {
  let existing = resolve(dataDir);
  try {
    while (statSync(existing, { throwIfNoEntry: false }) === undefined && dirname(existing) !== existing) {
      existing = dirname(existing);
    }
    if (!statSync(existing).isDirectory()) return `${existing} is no directory`;
    accessSync(existing, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return (storeErrorOf(error, existing) as Error).message;
  }
}
