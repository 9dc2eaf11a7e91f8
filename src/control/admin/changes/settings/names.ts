/** Which settings may be changed at run time, by which names, and why others may not. */
import { filePath, settingAt } from "../../../../config/file-keys.ts";
import { whyNotOverridable } from "../../../../config/overrides/overridable.ts";
import { ALL_SETTINGS, CAPACITY_PREFIX, type PlacedSetting, WEIGHT_PREFIX } from "../../../../config/schema.ts";
import { mayHave } from "../../../../config/scopes.ts";
import { unknownName } from "../../../../config/suggest.ts";

/** The whole instance's; or those that a pool may have for itself. */
export type SettingScope = "instance" | "pool";

const BY_NAME: ReadonlyMap<string, PlacedSetting> = new Map(ALL_SETTINGS.map((one) => [one.setting.env, one]));

/** Those that `scope` may have; the list of servers has routes of its own. */
export function settingsOf(scope: SettingScope): readonly PlacedSetting[] {
  return ALL_SETTINGS.filter((one) => one.setting.type.form.kind !== "servers" && mayHave(scope, one));
}

/** The setting that the environment or the file calls so; a sentence when there is none. */
export function findSetting(name: string): PlacedSetting | string {
  const named = BY_NAME.get(name) ?? BY_NAME.get(settingAt(name)?.setting.env ?? "");
  // `connect` alone is the end of a path, and no name.
  if (named !== undefined && (named.setting.env === name || filePath(named.setting.env) === name)) return named;
  if (name.startsWith(WEIGHT_PREFIX) || name.startsWith(CAPACITY_PREFIX)) {
    return "is changed of the server itself: PATCH /api/v1/servers/<id>";
  }
  return unknownName(name, [...BY_NAME.keys()]);
}

/** Why it cannot be changed at run time; `null` = it can. */
export function whyFixed({ setting }: PlacedSetting): string | null {
  const { env, type } = setting;
  if (type.form.kind === "servers") return "is changed by POST /api/v1/servers and DELETE /api/v1/servers/<id>";
  const why = whyNotOverridable(env, null);
  return why?.startsWith(`${env} `) ? why.slice(env.length + 1) : why;
}

/** Why it is not for `scope`; `null` = it is. */
export function whyElsewhere(scope: SettingScope, placed: PlacedSetting): string | null {
  return mayHave(scope, placed) ? null : "is the whole instance's: PATCH /api/v1/settings";
}
