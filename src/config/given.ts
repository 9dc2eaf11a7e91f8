/**
 * What processes are given of the configuration as it stands there: each declaration says to whom and under which name
 * (`givenTo`). Their settings are this and what is worked out beside it: see `ProxySettings` and `LearnerSettings`.
 */
import { ALL_SETTINGS, type SECTIONS, type Sections } from "./schema.ts";
import type { Receivers, SettingValue } from "./setting.ts";

type SettingsOf<N extends keyof Sections> = (typeof SECTIONS)[N]["settings"];
type AnySetting = { [N in keyof Sections]: SettingsOf<N>[keyof SettingsOf<N>] }[keyof Sections];
type SettingFor<R extends keyof Receivers> = Extract<AnySetting, { readonly givenTo: { readonly [K in R]: string } }>;

/** The values that `R` is given, by the names that the declarations say. */
export type GivenTo<R extends keyof Receivers> = {
  readonly [S in SettingFor<R> as S["givenTo"][R]]: SettingValue<S>;
};

/** Takes them out of a configuration. */
export function given<R extends keyof Receivers>(config: Sections, receiver: R): GivenTo<R> {
  const values: Record<string, unknown> = {};
  for (const { section, key, setting } of ALL_SETTINGS) {
    const name = setting.givenTo?.[receiver];
    if (name !== undefined) values[name] = (config[section] as Readonly<Record<string, unknown>>)[key];
  }
  return values as GivenTo<R>;
}
