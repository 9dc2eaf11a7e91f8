/** The configuration in force as people see it: each setting with its value and where that comes from. */
import { type BlockName, settingAt } from "./file-keys.ts";
import { shownValue } from "./read-settings.ts";
import type { PlacedSetting, Sections } from "./schema.ts";
import type { Variable } from "./sources/variable.ts";

/** The origin of what nobody has set. */
export const DEFAULT_ORIGIN = "default";

/** A setting as it is in force, for people. */
export interface EffectiveSetting {
  /** `ignored`: set, but of a feature that this version does not have. */
  readonly section: keyof Sections | BlockName | "ignored";
  /** The pool that sets it for itself. */
  readonly pool?: string;
  /** As the environment calls it; what only the file can say as that does: `pools.shop.timeouts.connect`. */
  readonly env: string;
  /**
   * As in the environment, a number in the unit that its name says; secrets and queries of paths are `HIDDEN`, `${NAME}` stands as written;
   * `null` = unset.
   */
  readonly value: string | null;
  /** As it was written, if that is something else: `5s`. */
  readonly written?: string;
  /** `default`, `environment`, or a place in a file such as `.env line 3` or `neurabalancer.yaml:5:12`. */
  readonly origin: string;
}

/** @param parsed the value in `Config`, when it could be read. */
export function describeSetting(
  { section, setting }: PlacedSetting,
  variable: Variable | undefined,
  parsed: unknown,
): EffectiveSetting {
  const { env, secret, type } = setting;
  const place = { section, env, origin: variable?.origin ?? DEFAULT_ORIGIN };
  if (variable === undefined) return { ...place, value: setting.default };
  if (variable.unset) return { ...place, value: null };
  if (secret || variable.shown !== undefined) return { ...place, value: shownValue(setting, variable.shown ?? "") };
  const value = shownValue(setting, variable.value);
  const { form } = type;
  const hasUnit = (form.kind === "duration" || form.kind === "size") && /[a-z]/i.test(value);
  if (!hasUnit || typeof parsed !== "number") return { ...place, value };
  return { ...place, value: String(parsed / form.bareUnit), written: value.trim() };
}

/** How a pool has a setting: its own, or else the instance's. @param pool `null` for the whole instance. @param env as the environment calls it. */
export function effectiveOf(
  effective: readonly EffectiveSetting[],
  pool: string | null,
  env: string,
): EffectiveSetting | undefined {
  const isOwn = (one: EffectiveSetting): boolean => one.pool === pool && settingAt(one.env)?.setting.env === env;
  const own = pool === null ? undefined : effective.find(isOwn);
  return own ?? effective.find((one) => one.pool === undefined && one.env === env);
}
