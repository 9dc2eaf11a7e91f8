/** SQLite as a kind of backend: files in a directory, or memory. */
import type { BackendKind, HistoryBackend, HistoryOptions, LearningBackend, LearningOptions } from "../backend.ts";
import type { StorePart } from "../parts.ts";
import { dataDirectoryProblem, storePath } from "./data-directory.ts";
import { SqliteHistory } from "./history/backend.ts";
import { HISTORY_PART } from "./history/part.ts";
import { SqliteHistoryVisitor } from "./history/visitor.ts";
import { SqliteLearning } from "./learning/backend.ts";
import { learningPart } from "./learning/part.ts";
import { SqliteLearningVisitor } from "./learning/visitor.ts";
import { SqliteSchemaKeeper } from "./schema/keeper.ts";
import { StoreFile, StoreMemory } from "./store-file.ts";

/** A directory with the embedded store's files in it, which one instance has. */
export interface SqliteLocation {
  readonly kind: "sqlite";
  /** As the operator wrote it, or absolute. */
  readonly directory: string;
  /** What rows of what happened call their instance; the machine's name unless set. */
  readonly instance?: string;
}

/** See `BackendKind`. */
export const SQLITE: BackendKind<SqliteLocation> = Object.freeze({
  isServer: false,
  describe: ({ directory }: SqliteLocation, part: StorePart) => storePath(directory, part),
  problem: async ({ directory }: SqliteLocation) => {
    const problem = dataDirectoryProblem(directory);
    return problem === null ? null : `DATA_DIR: ${problem}`;
  },
  learning: {
    own: ({ directory }: SqliteLocation, options: LearningOptions) => {
      const part = learningPart(options.features);
      return new SqliteLearning(new StoreFile(part, { ...options, dataDir: directory }), part, options.limits);
    },
    visit: ({ directory }, access, { features, limits }) =>
      new SqliteLearningVisitor(storePath(directory, "learning"), access, features, limits),
  },
  history: {
    own: ({ directory }: SqliteLocation, options: HistoryOptions) =>
      new SqliteHistory(new StoreFile(HISTORY_PART, { ...options, dataDir: directory }), options),
    visit: ({ directory }: SqliteLocation) => new SqliteHistoryVisitor(storePath(directory, "history")),
  },
  schema: ({ directory }: SqliteLocation, nowMs: () => number) => new SqliteSchemaKeeper(directory, nowMs),
} satisfies BackendKind<SqliteLocation>);

/** What is learned, in no place at all. */
export function learningInMemory(options: LearningOptions): LearningBackend {
  const part = learningPart(options.features);
  return new SqliteLearning(new StoreMemory(part), part, options.limits);
}

/** What happened, in no place at all: for tests of those who use a history. */
export function historyInMemory(options: HistoryOptions): HistoryBackend {
  return new SqliteHistory(new StoreMemory(HISTORY_PART), options);
}
