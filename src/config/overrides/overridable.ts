/** Which settings may be overridden at run time. */
import { ALL_SETTINGS, type PlacedSetting } from "../schema.ts";
import { mayHave } from "../scopes.ts";
import { nearest } from "../suggest.ts";
import { path, pathList, urlPath } from "../values/value-types.ts";

const PLACED: ReadonlyMap<string, PlacedSetting> = new Map(ALL_SETTINGS.map((placed) => [placed.setting.env, placed]));
/** What says where overrides are kept: in what it names they would be looked for in vain. */
const OF_THE_STORE: ReadonlySet<string> = new Set(["DATA_DIR"]);

/** The setting that the environment calls so. */
export function settingCalled(env: string): PlacedSetting | undefined {
  return PLACED.get(env);
}

/** Why this setting cannot be overridden; `null` = it can. @param pool `null` for the whole instance. */
export function whyNotOverridable(env: string, pool: string | null): string | null {
  const placed = PLACED.get(env);
  if (placed === undefined) {
    const meant = nearest(env, [...PLACED.keys()]);
    return `${env} is no setting${meant === null ? "" : `: is ${meant} meant?`}`;
  }
  const { section, setting } = placed;
  if (setting.type.form.kind === "servers") return `${env} is not overridden as a whole: add and remove servers`;
  if (setting.secret) return `${env} is a secret, and overrides are no place for one: set it in the configuration`;
  if (setting.restart) return `${env} needs a restart: set it in the configuration`;
  if (section === "database" || OF_THE_STORE.has(env)) {
    return `${env} says where overrides are kept: set it in the configuration`;
  }
  if (section === "admin") return `${env} says who may change anything: set it in the configuration`;
  if (section === "otlp" || section === "otlpTraces") {
    return `${env} says where traces are sent to, with which secrets: set it in the configuration`;
  }
  if (setting.type === path || setting.type === pathList) {
    return `${env} names files of this machine: set it in the configuration`;
  }
  if (pool !== null && !mayHave("pool", placed)) return `${env} is the whole instance's: a pool has none of its own`;
  return null;
}

/** Why the setting cannot be overridden by this value, or where this is configured; `null` = it can. */
export function whyNotInOverride(env: string, value: string | null): string | null {
  if (PLACED.get(env)?.setting.type !== urlPath || value?.includes("?") !== true) return null;
  return `${env} with a query may hold a secret, and overrides are no place for one: set it in the configuration`;
}

/** Do two texts mean the same to this setting? `null` = unset. */
export function meanTheSame(env: string, one: string | null, other: string | null): boolean {
  if (one === other) return true;
  const schema = PLACED.get(env)?.setting.type.schema;
  if (one === null || other === null || schema === undefined) return false;
  const [a, b] = [schema.safeParse(one), schema.safeParse(other)];
  return a.success && b.success && Bun.deepEquals(a.data, b.data);
}
