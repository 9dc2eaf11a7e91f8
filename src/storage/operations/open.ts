/** Which store operations are kept in. */
import { join } from "node:path";
import type { PostgresLocation } from "../postgres/location.ts";
import { PostgresOperationsStore } from "../postgres/operations/store.ts";
import { CopiedOperationsStore } from "./copied-store.ts";
import { FileOperationsStore } from "./file/store.ts";
import type { OperationsStore } from "./store.ts";

/** A database that takes longer is not waited for at the start: less than the instance waits for the whole. */
const PATIENCE_MS = 1_500;

/** Where they are kept. */
export interface OperationsPlace {
  /** `DATA_DIR`. */
  readonly directory: string;
  /** `null` = there is none: they are kept in the directory. */
  readonly database: PostgresLocation | null;
}

/** The name of their folder in `DATA_DIR`. */
export const OPERATIONS_FOLDER = "operations";

/** Opens nothing yet: the first call does. @param wallMs milliseconds since the epoch. */
export function openOperationsStore({ directory, database }: OperationsPlace, wallMs: () => number): OperationsStore {
  const folder = join(directory, OPERATIONS_FOLDER);
  if (database !== null) return new CopiedOperationsStore(new PostgresOperationsStore(database), folder, PATIENCE_MS);
  return new FileOperationsStore(folder, wallMs);
}
