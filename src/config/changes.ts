/** What differs between two configurations, in the words of `check --diff` and of the log at a reload. */
import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.ts";
import type { EffectiveSetting } from "./effective.ts";
import { settingAt } from "./file-keys.ts";
import { HIDDEN } from "./read-settings.ts";
import { ALL_SETTINGS, type PlacedSetting, type Sections } from "./schema.ts";
import { changedBlocks, isInside } from "./sites/changed-blocks.ts";

/** A configuration to compare. */
export interface ComparedSettings {
  readonly effective: readonly Pick<EffectiveSetting, "env" | "value">[];
  /** Without it values are compared as they are shown: what a secret is cannot be told then. */
  readonly config?: Config;
}

/** One setting that differs. */
export interface SettingChange {
  readonly env: string;
  /** As shown; `null` = unset. Secrets are hidden. */
  readonly from: string | null;
  readonly to: string | null;
  /** A reload keeps the old value. */
  readonly restart: boolean;
}

const PLACED = new Map(ALL_SETTINGS.map((placed) => [placed.setting.env, placed]));

/** What of a listener its socket is. */
const SOCKET_OF_LISTENER = /^listeners\[\d+\](?:$|\.(?:address|port|tls)$)/;

/** In front of the name of a pool, where a setting is its own. */
const POOL_PREFIX = "pools.";

/** What differs: the settings in the order of `after`; of pools and routes that come or go only that they do. */
export function changesBetween(before: ComparedSettings, after: ComparedSettings): SettingChange[] {
  const from = new Map(before.effective.map(({ env, value }) => [env, value]));
  const to = new Map(after.effective.map(({ env, value }) => [env, value]));
  const blocks = changedBlocks(before, after);
  const changes: SettingChange[] = [];
  for (const env of new Set([...to.keys(), ...from.keys()])) {
    const change = { env, from: from.get(env) ?? null, to: to.get(env) ?? null };
    if (env === "pools" || env === "routes") {
      const list = blocks.lists[env];
      if (list !== null) changes.push({ env, ...list, restart: false });
    } else if (!blocks.passing.some((path) => isInside(env, path)) && differs(change, before.config, after.config)) {
      const restart = PLACED.get(env)?.setting.restart === true || SOCKET_OF_LISTENER.test(env);
      changes.push({ ...change, restart });
    }
  }
  // What a reference stands for may change while the file stays.
  for (const path of blocks.changedInside) {
    if (changes.some(({ env }) => isInside(env, path))) continue;
    changes.push({ env: path, from: HIDDEN, to: HIDDEN, restart: false });
  }
  return changes;
}

/** Secrets that could not be compared. */
export function uncomparedSecrets({ effective }: ComparedSettings): string[] {
  return effective.filter(({ value }) => value === HIDDEN).map(({ env }) => env);
}

function differs(
  { env, from, to }: Pick<SettingChange, "env" | "from" | "to">,
  before: Config | undefined,
  after: Config | undefined,
): boolean {
  const placed = PLACED.get(env);
  if (before === undefined || after === undefined) return from !== to;
  if (placed !== undefined) return valuesDiffer(placed, before, after);
  const ofPool = placedInPool(env, after);
  if (ofPool === null) return from !== to;
  const pools = [before, after].map(({ pools: all }) => all.find(({ name }) => name === ofPool.pool));
  const [old, wanted] = pools;
  return old === undefined || wanted === undefined ? from !== to : valuesDiffer(ofPool.placed, old, wanted);
}

function valuesDiffer({ section, key, setting }: PlacedSetting, before: Sections, after: Sections): boolean {
  const read = (config: Sections): unknown => (config[section] as Readonly<Record<string, unknown>>)[key];
  if (setting.type.form.kind !== "servers") return !isDeepStrictEqual(read(before), read(after));
  // Weights and capacities have names of their own.
  const urls = ({ servers }: Sections) => servers.list.map(({ url }) => url);
  return !isDeepStrictEqual(urls(before), urls(after));
}

/** The setting that a pool has under this name. */
function placedInPool(
  env: string,
  { pools }: Config,
): { readonly pool: string; readonly placed: PlacedSetting } | null {
  const named = settingAt(env);
  const placed = named && PLACED.get(named.setting.env);
  if (!named || !placed) return null;
  const pool = env.slice(POOL_PREFIX.length, -named.path.length - 1);
  if (env !== `${POOL_PREFIX}${pool}.${named.path}` || !pools.some(({ name }) => name === pool)) return null;
  return { pool, placed };
}

/** `CONNECT_TIMEOUT_MS: 2000 → 3000`; of lists what came and went. */
export function describeChange({ env, from, to, restart }: SettingChange): string {
  return `${env}: ${describeValues(isList(env), from, to)}${restart ? " (needs a restart)" : ""}`;
}

function isList(env: string): boolean {
  if (env === "pools" || env === "routes") return true;
  const kind = (PLACED.get(env) ?? settingAt(env))?.setting.type.form.kind;
  return kind === "servers" || kind === "list";
}

function describeValues(list: boolean, from: string | null, to: string | null): string {
  if (from === HIDDEN && to === HIDDEN) return "another value";
  if (from === to) return `${from}, which stands for another value`;
  if (!list || from === null || to === null) return `${from ?? "unset"} → ${to ?? "unset"}`;
  const [old, wanted] = [from, to].map((text) => text.split(",").map((entry) => entry.trim()));
  const parts = [
    ...wanted.filter((entry) => !old.includes(entry)).map((entry) => `+ ${entry}`),
    ...old.filter((entry) => !wanted.includes(entry)).map((entry) => `- ${entry}`),
  ];
  return parts.length === 0 ? "in another order" : parts.join(" ");
}
