/** The settings of the store alone, for commands that need no servers: what is wrong elsewhere is not their business. */

import type { PartialConfig } from "./consistency/contradictions.ts";
import { databaseContradictions } from "./consistency/database.ts";
import { deepFreeze, readSettings } from "./read-settings.ts";
import { placeSettings } from "./schema.ts";
import { database } from "./sections/history.ts";
import { type StoreSettings, storage } from "./sections/storage.ts";
import { readSources, type SettingsSource } from "./sources/source.ts";

/** Settings that can be used, or the sentences that say why not. */
export type StorageLoadResult =
  | { readonly ok: true; readonly config: StoreSettings }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads and checks them. The directory is not looked at here. */
export function loadStorageConfig(sources: readonly SettingsSource[]): StorageLoadResult {
  const read = readSources(sources);
  const { draft, problems: wrong } = readSettings(placeSettings({ storage, database }), read);
  const settings = draft as PartialConfig;
  const problems = [...read.problems, ...wrong, ...databaseContradictions(settings).problems];
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, config: deepFreeze(draft) as unknown as StoreSettings };
}

/** `DATA_DIR`, whatever is wrong with the database; `null` when it cannot be read. */
export function loadDataDirectory(sources: readonly SettingsSource[]): string | null {
  const read = readSources(sources);
  const { draft, problems } = readSettings(placeSettings({ storage }), read);
  if (read.problems.length + problems.length > 0) return null;
  return (draft.storage as unknown as StoreSettings["storage"]).dataDir;
}
