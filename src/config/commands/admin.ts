/** The settings of the admin port alone, for commands that ask a running instance: what is wrong elsewhere is not their business. */
import { deepFreeze, readSettings } from "../read-settings.ts";
import { placeSettings } from "../schema.ts";
import { type AdminSettings, admin, commands } from "../sections/admin.ts";
import { readSources, type SettingsSource } from "../sources/source.ts";

/** Settings that can be used, with the token that is to be sent; or the sentences that say why not. */
export type AdminLoadResult =
  | { readonly ok: true; readonly admin: AdminSettings; readonly token: string | null }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads and checks them. Files that they name are not opened here. */
export function loadAdminSettings(sources: readonly SettingsSource[]): AdminLoadResult {
  const read = readSources(sources);
  const { draft, problems: wrong } = readSettings(placeSettings({ admin, commands }), read);
  const problems = [...read.problems, ...wrong];
  if (problems.length > 0) return { ok: false, problems };
  const settings = deepFreeze(draft.admin) as unknown as AdminSettings;
  return { ok: true, admin: settings, token: (draft.commands.token as string | null) ?? settings.token };
}
