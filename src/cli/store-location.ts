/** Which store a command means: that of its flags, or of the settings. */
import { loadProcessStorageConfig, type SourceFlags } from "../config/environment.ts";
import { toStoreLocation } from "../config/storage.ts";
import type { StoreLocation } from "../shared/store-location.ts";
import { printError } from "./output.ts";
import { describeProblems } from "./problems.ts";

/** Flags of commands that use the store. */
export interface StoreFlags extends SourceFlags {
  readonly dataDir?: string;
}

/** Ends the process, with sentences on standard error, when the settings are wrong. */
export async function storeLocation({ dataDir, ...sources }: StoreFlags): Promise<StoreLocation> {
  if (dataDir !== undefined) return toStoreLocation({ dataDir });
  const loaded = await loadProcessStorageConfig(sources);
  if (loaded.ok) return toStoreLocation(loaded.config);
  printError(describeProblems(loaded.problems));
  process.exit(1);
}
