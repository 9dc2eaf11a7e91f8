/** The only reader of the process's environment. */
import { type LoadResult, loadConfig } from "./load.ts";
import { loadModelServerConfig, type ModelServerLoadResult } from "./model-server.ts";
import { envFileSource } from "./sources/env-file.ts";
import { environmentSource } from "./sources/environment.ts";
import type { SettingsSource } from "./sources/source.ts";
import { loadStorageConfig, type StorageLoadResult } from "./storage.ts";

/** File of settings that is read from the current directory when no other is named. */
export const DEFAULT_ENV_FILE = ".env";

/**
 * Reads the configuration of this process, now: real variables, and the `.env` file as it is at the moment.
 * @param envFile a file that must exist; without it `.env` of the current directory, which may be missing.
 */
export function loadProcessConfig(envFile?: string): LoadResult {
  return loadConfig(sourcesOf(envFile));
}

/** Reads the configuration of `neurabalancer model-server`, from the same sources. */
export function loadProcessModelServerConfig(envFile?: string): ModelServerLoadResult {
  return loadModelServerConfig(sourcesOf(envFile));
}

/** Reads the settings of the store alone, from the same sources. */
export function loadProcessStorageConfig(envFile?: string): StorageLoadResult {
  return loadStorageConfig(sourcesOf(envFile));
}

/** The real environment wins. */
function sourcesOf(envFile: string | undefined): readonly SettingsSource[] {
  return [environmentSource(process.env), envFileSource(envFile ?? DEFAULT_ENV_FILE, envFile !== undefined)];
}
