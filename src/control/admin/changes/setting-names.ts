/** Which settings may be changed at run time, by which names, and why others may not. */
import { filePath, settingAt } from "../../../config/file-keys.ts";
import { ALL_SETTINGS, CAPACITY_PREFIX, type PlacedSetting, WEIGHT_PREFIX } from "../../../config/schema.ts";
import { mayHave } from "../../../config/scopes.ts";
import { unknownName } from "../../../config/suggest.ts";
import { path, pathList } from "../../../config/values/value-types.ts";

/** The whole instance's; or those that a pool may have for itself. */
export type SettingScope = "instance" | "pool";

const BY_NAME: ReadonlyMap<string, PlacedSetting> = new Map(ALL_SETTINGS.map((one) => [one.setting.env, one]));

/** Sections of which nothing is changed at run time. */
const FIXED: Readonly<Partial<Record<PlacedSetting["section"], string>>> = {
  admin: "says who may change anything, so it stays in the configuration",
  database: "says where changes are kept, so it stays in the configuration",
  otlp: "says where traces are sent to, with which secrets, so it stays in the configuration",
  otlpTraces: "says where traces are sent to, with which secrets, so it stays in the configuration",
};

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
export function whyFixed({ section, setting }: PlacedSetting): string | null {
  const fixed = FIXED[section];
  if (fixed !== undefined) return fixed;
  if (setting.type.form.kind === "servers") return "is changed by POST /api/v1/servers and DELETE /api/v1/servers/<id>";
  if (setting.restart) return "needs a restart: change it in the configuration, and restart";
  if (setting.secret) return "is a secret: it stays in the configuration";
  if (setting.type === path || setting.type === pathList) {
    return "names files of this machine: it stays in the configuration";
  }
  return null;
}

/** Why it is not for `scope`; `null` = it is. */
export function whyElsewhere(scope: SettingScope, placed: PlacedSetting): string | null {
  return mayHave(scope, placed) ? null : "is the whole instance's: PATCH /api/v1/settings";
}
