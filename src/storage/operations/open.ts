/** Which store operations are kept in. */
import { join } from "node:path";
import type { PostgresLocation } from "../postgres/location.ts";
import { PostgresOperationsStore } from "../postgres/operations/store.ts";
import { CopiedOperationsStore } from "./copied-store.ts";
import { FileOperationsStore } from "./file/store.ts";
import { ReplicatedOperationsStore, type ReplicatedStoreOptions } from "./replicated/store.ts";

/** A database that takes longer is not waited for at the start: less than the instance waits for the whole. */
const PATIENCE_MS = 1_500;

/** How instances share what each keeps in its directory. */
export type OperationsSharing = Pick<ReplicatedStoreOptions, "id" | "instance" | "refresh" | "onUntold">;

/** The name of their folder in `DATA_DIR`. */
export const OPERATIONS_FOLDER = "operations";

/** In a database. Opens nothing yet, as the others: the first call does. @param onCommitted others are to look there. */
export function openSharedStore(
  directory: string,
  database: PostgresLocation,
  onCommitted: () => void,
): CopiedOperationsStore {
  const store = new PostgresOperationsStore(database);
  return new CopiedOperationsStore(store, join(directory, OPERATIONS_FOLDER), PATIENCE_MS, onCommitted);
}

/** In files of a directory. @param wallMs milliseconds since the epoch. */
export function openOwnStore(directory: string, wallMs: () => number): FileOperationsStore {
  return new FileOperationsStore(join(directory, OPERATIONS_FOLDER), wallMs);
}

/** In files, with what other instances have changed. */
export function openReplicatedStore(
  directory: string,
  wallMs: () => number,
  sharing: OperationsSharing,
): ReplicatedOperationsStore {
  return new ReplicatedOperationsStore({ file: openOwnStore(directory, wallMs), wallMs, ...sharing });
}
