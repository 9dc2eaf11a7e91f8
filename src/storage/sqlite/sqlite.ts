/** SQLite as a kind of backend: a file in a directory, or memory. */
import type { BackendKind, BackendOptions, StoreBackend } from "../backend.ts";
import { SqliteBackend } from "./backend.ts";
import { dataDirectoryProblem, storePath } from "./data-directory.ts";
import { StoreFile, StoreMemory } from "./store-file.ts";
import { SqliteVisitor } from "./visitor.ts";

/** A directory with the embedded store's file in it. */
export interface SqliteLocation {
  readonly kind: "sqlite";
  /** As the operator wrote it, or absolute. */
  readonly directory: string;
}

/** See `BackendKind`. */
export const SQLITE: BackendKind<SqliteLocation> = Object.freeze({
  describe: ({ directory }: SqliteLocation) => storePath(directory),
  problem: async ({ directory }: SqliteLocation) => {
    const problem = dataDirectoryProblem(directory);
    return problem === null ? null : `DATA_DIR: ${problem}`;
  },
  own: ({ directory }: SqliteLocation, options: BackendOptions) =>
    new SqliteBackend(new StoreFile({ ...options, dataDir: directory }), options.limits),
  visit: ({ directory }, access, { features, limits }) =>
    new SqliteVisitor(storePath(directory), access, { features }, limits),
} satisfies BackendKind<SqliteLocation>);

/** A backend that needs no place at all. */
export function inMemory(options: BackendOptions): StoreBackend {
  return new SqliteBackend(new StoreMemory(options), options.limits);
}
