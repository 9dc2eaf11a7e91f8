/** What differs between two configurations, in the words of `check --diff` and of the log at a reload. */
import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.ts";
import type { EffectiveSetting } from "./effective.ts";
import { HIDDEN } from "./read-settings.ts";
import { ALL_SETTINGS } from "./schema.ts";
import type { ValueForm } from "./setting.ts";

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

/** The settings that differ, in the order of `after`. */
export function changesBetween(before: ComparedSettings, after: ComparedSettings): SettingChange[] {
  const from = new Map(before.effective.map(({ env, value }) => [env, value]));
  const to = new Map(after.effective.map(({ env, value }) => [env, value]));
  const names = new Set([...to.keys(), ...from.keys()]);
  return [...names].flatMap((env) => {
    const change = { env, from: from.get(env) ?? null, to: to.get(env) ?? null };
    if (!differs(env, change, before.config, after.config)) return [];
    return [{ ...change, restart: PLACED.get(env)?.setting.restart === true }];
  });
}

/** Secrets that could not be compared. */
export function uncomparedSecrets({ effective }: ComparedSettings): string[] {
  return effective.filter(({ value }) => value === HIDDEN).map(({ env }) => env);
}

function differs(
  env: string,
  { from, to }: Pick<SettingChange, "from" | "to">,
  before: Config | undefined,
  after: Config | undefined,
): boolean {
  const placed = PLACED.get(env);
  if (placed === undefined || before === undefined || after === undefined) return from !== to;
  const { section, key, setting } = placed;
  const read = (config: Config): unknown => (config[section] as Readonly<Record<string, unknown>>)[key];
  if (setting.type.form.kind !== "servers") return !isDeepStrictEqual(read(before), read(after));
  // Weights and capacities have names of their own.
  const urls = ({ servers }: Config) => servers.list.map(({ url }) => url);
  return !isDeepStrictEqual(urls(before), urls(after));
}

/** `CONNECT_TIMEOUT_MS: 2000 → 3000`; of lists what came and went. */
export function describeChange({ env, from, to, restart }: SettingChange): string {
  return `${env}: ${describeValues(PLACED.get(env)?.setting.type.form.kind, from, to)}${restart ? " (needs a restart)" : ""}`;
}

function describeValues(kind: ValueForm["kind"] | undefined, from: string | null, to: string | null): string {
  if (from === HIDDEN && to === HIDDEN) return "another value";
  if (from === to) return `${from}, which stands for another value`;
  if ((kind !== "servers" && kind !== "list") || from === null || to === null) {
    return `${from ?? "unset"} → ${to ?? "unset"}`;
  }
  const [old, wanted] = [from, to].map((text) => text.split(",").map((entry) => entry.trim()));
  const parts = [
    ...wanted.filter((entry) => !old.includes(entry)).map((entry) => `+ ${entry}`),
    ...old.filter((entry) => !wanted.includes(entry)).map((entry) => `- ${entry}`),
  ];
  return parts.length === 0 ? "in another order" : parts.join(" ");
}
