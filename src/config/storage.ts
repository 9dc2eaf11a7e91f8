/** The settings of the store alone, for commands that need no servers: what is wrong elsewhere is not their business. */

import type { Config } from "./config.ts";
import { deepFreeze, readSettings } from "./read-settings.ts";
import { placeSettings } from "./schema.ts";
import { storage } from "./sections/storage.ts";
import { readSources, type SettingsSource } from "./sources/source.ts";

/** Settings that can be used, or the sentences that say why not. */
export type StorageLoadResult =
  | { readonly ok: true; readonly config: Config["storage"] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads and checks them. The directory is not looked at here. */
export function loadStorageConfig(sources: readonly SettingsSource[]): StorageLoadResult {
  const read = readSources(sources);
  const { draft, problems: wrong } = readSettings(placeSettings({ storage }), read);
  const problems = [...read.problems, ...wrong];
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, config: deepFreeze(draft.storage) as unknown as Config["storage"] };
}
