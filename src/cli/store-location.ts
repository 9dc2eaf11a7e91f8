/** Which store a command means: that of its flags, of the settings, or the one that a process of ours hands over. */
import { loadProcessStorageConfig, type SourceFlags } from "../config/environment.ts";
import { toStoreLocation } from "../config/sections/storage.ts";
import type { StoreLocation } from "../storage/backends.ts";
import { printError } from "./output.ts";
import { describeProblems } from "./problems.ts";

/** Flags of commands that use the store. */
export interface StoreFlags extends SourceFlags {
  readonly dataDir?: string;
}

/** Ends the process, with sentences on standard error, when the settings are wrong. */
export async function storeLocation({ dataDir, ...sources }: StoreFlags): Promise<StoreLocation> {
  if (dataDir !== undefined) return { kind: "sqlite", directory: dataDir };
  const loaded = await loadProcessStorageConfig(sources);
  if (loaded.ok) return toStoreLocation(loaded.config);
  printError(describeProblems(loaded.problems));
  process.exit(1);
}

/** The one that the process which started this one uses: JSON on standard input. */
export async function handedStoreLocation(): Promise<StoreLocation> {
  return JSON.parse(await Bun.stdin.text()) as StoreLocation;
}
