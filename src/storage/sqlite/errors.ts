/** What SQLite and the system say, as troubles of a store. */
import { StoreError, type StoreProblemKind } from "../store-error.ts";

/** What SQLite's and the system's codes mean. The first that a code begins with counts. */
const MEANINGS: readonly (readonly [prefix: string, kind: StoreProblemKind, meaning: string])[] = [
  ["SQLITE_FULL", "disk_full", "the disk is full"],
  ["ENOSPC", "disk_full", "the disk is full"],
  ["EDQUOT", "disk_full", "the disk quota is used up"],
  ["SQLITE_READONLY", "read_only", "it cannot be written"],
  ["EROFS", "read_only", "the file system is read-only"],
  ["EACCES", "read_only", "this process may not write there"],
  ["EPERM", "read_only", "this process may not write there"],
  ["SQLITE_BUSY", "locked", "another process keeps it locked"],
  ["SQLITE_LOCKED", "locked", "another process keeps it locked"],
  ["SQLITE_CORRUPT", "corrupt", "it is damaged"],
  ["SQLITE_NOTADB", "corrupt", "it is damaged: it is no SQLite database"],
  ["SQLITE_CANTOPEN", "unavailable", "it cannot be opened: even to read, SQLite writes files beside it"],
  ["SQLITE_IOERR", "unavailable", "reading or writing failed: a limit of file size, a quota or a defective disk"],
  ["EEXIST", "unavailable", "a file is in the way"],
  ["ENOTDIR", "unavailable", "a file is in the way"],
];

/**
 * What `error` means for the store at `path`, as a `StoreError`. What is wrong with a row rather than with the store, and
 * errors that come from neither SQLite nor the system, pass unchanged.
 */
export function storeErrorOf(error: unknown, path: string): unknown {
  const { code, message } = error as { code?: unknown; message?: string };
  if (error instanceof StoreError || typeof code !== "string" || !/^(SQLITE_|E[A-Z0-9]+$)/.test(code)) return error;
  if (/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code)) return error;
  const [, kind, meaning] = MEANINGS.find(([prefix]) => code.startsWith(prefix)) ?? ["", "unavailable", message];
  return new StoreError(kind as StoreProblemKind, `${path}: ${meaning} (${code})`, error);
}
