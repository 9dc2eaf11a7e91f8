/** From the environment to a frozen `Config`, or to every problem at once. */

import type { Override } from "../shared/operations/override.ts";
import type { Config } from "./config.ts";
import { describeSetting, type EffectiveSetting } from "./effective.ts";
import { describeUnused, findMisspelt } from "./misspelt.ts";
import { RESERVED_FEATURES } from "./names/reserved.ts";
import { OverrideLayer } from "./overrides/layer.ts";
import { deepFreeze, HIDDEN, readSettings } from "./read-settings.ts";
import { ALL_SETTINGS, OTHER_SECTIONS, SECTIONS } from "./schema.ts";
import { isOverride } from "./servers/overrides.ts";
import { readBlocks } from "./sites/blocks.ts";
import { readSites, type Sites } from "./sites/sites.ts";
import { readSources, type SettingsSource, type SourceReading } from "./sources/source.ts";
import type { Variable } from "./sources/variable.ts";

const SERVERS_NAME = SECTIONS.servers.settings.list.env;
const RATE_LIMITS_NAME = OTHER_SECTIONS.rateLimits.settings.list.env;

/** A configuration that can be used. */
export interface LoadedConfig {
  readonly ok: true;
  readonly config: Config;
  readonly effective: readonly EffectiveSetting[];
  readonly warnings: readonly string[];
  /** The same texts, not read again, with these overrides in front of them and no others. */
  readonly over: (overrides: readonly Override[]) => LoadResult;
}

/** A configuration that can be used, or the sentences that say why not. */
export type LoadResult =
  | LoadedConfig
  | { readonly ok: false; readonly problems: readonly string[]; readonly warnings: readonly string[] };

/** A configuration that cannot be used; `problems` has one sentence for each thing to mend. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/**
 * Reads and checks the configuration. Files named by settings are not opened here: see proxy-settings.ts.
 * @param sources the first that has a setting wins.
 */
export function loadConfig(sources: readonly SettingsSource[]): LoadResult {
  return loadLayered(sources.map(readOnce), new OverrideLayer([]));
}

/** The same however often it is asked. */
function readOnce(source: SettingsSource): SettingsSource {
  let read: SourceReading | undefined;
  return {
    ...source,
    read: () => {
      read ??= source.read();
      return read;
    },
  };
}

function loadLayered(sources: readonly SettingsSource[], layer: OverrideLayer): LoadResult {
  const read = readSources(layer.empty ? sources : [layer.source, ...sources]);
  const { variables, complete } = read;
  const blocks = readBlocks(read.blocks, variables.get(RATE_LIMITS_NAME));
  const hasPools = (blocks.read.pools?.entries ?? []).length > 0 || blocks.problems.length > 0 || !complete;
  const withoutServers = hasPools && !variables.has(SERVERS_NAME);
  const settings = withoutServers ? ALL_SETTINGS.filter(({ setting }) => setting.env !== SERVERS_NAME) : ALL_SETTINGS;
  const { draft, problems: wrong } = readSettings(settings, read);
  const isMissing = `${SERVERS_NAME}: is required`;
  const inWordsOfFile = (problem: string) =>
    read.blocks !== null && problem.startsWith(isMissing)
      ? `${problem} The file has them as servers, or in pools.`
      : problem;
  if (withoutServers) draft.servers = { list: [] };
  const problems = [...layer.problems(), ...read.problems, ...wrong.map(inWordsOfFile), ...blocks.problems];
  const warnings: string[] = [];
  const effective: EffectiveSetting[] = settings.map((placed) =>
    describeSetting(placed, variables.get(placed.setting.env), draft[placed.section][placed.key]),
  );

  const overrides = [...variables.values()].filter(({ name }) => isOverride(name));
  const sites = readSites({ draft, variables, overrides, layer, ...blocks });
  problems.push(...sites.problems);
  effective.push(...sites.effective);
  showServers(effective, sites.changedServers);

  if (complete) {
    const contradictions = sites.contradictions(effective);
    problems.push(...contradictions.problems);
    warnings.push(...contradictions.warnings);
  }
  if (problems.length === 0) warnings.push(...sites.warnings); // else they may come of what is wrong
  warnings.push(...reportReserved(variables, effective));
  for (const { maybeForeign, message } of findMisspelt(read)) (maybeForeign ? warnings : problems).push(message);
  const unused = describeUnused(read);
  if (unused !== null) warnings.push(unused);

  if (problems.length > 0) return { ok: false, problems, warnings };
  const over = (overrides: readonly Override[]): LoadResult => loadLayered(sources, new OverrideLayer(overrides));
  return { ok: true, config: deepFreeze(sites.config()), effective, warnings, over };
}

/** The servers of pools as they are with those that were added and without those that were removed. */
function showServers(effective: EffectiveSetting[], changed: Sites["changedServers"]): void {
  for (const { pool, env, urls, origin } of changed) {
    const index = effective.findIndex((one) => one.env === env && one.pool === pool);
    if (index < 0) continue;
    const before = effective[index];
    effective[index] = { ...before, value: urls.join(","), origin: `${before.origin}, ${origin}` };
  }
}

/** One warning for each feature that is asked for in vain; what is set of it is added to `effective`. */
function reportReserved(variables: ReadonlyMap<string, Variable>, effective: EffectiveSetting[]): string[] {
  const warnings: string[] = [];
  for (const { title, settings } of RESERVED_FEATURES) {
    const asked = settings.filter((setting) => {
      const variable = variables.get(setting.env);
      return variable !== undefined && variable.value.trim() !== setting.default;
    });
    if (asked.length === 0) continue;
    for (const { env } of asked) {
      const { value, origin } = variables.get(env)!;
      // An address may hold a user name and a password.
      effective.push({
        section: "ignored",
        env,
        value: value.includes("@") ? HIDDEN : value,
        origin,
      });
    }
    const names = asked.map(({ env }) => env).join(", ");
    warnings.push(`${names}: ${title[0].toLowerCase()}${title.slice(1)} is not supported by this version: ignored`);
  }
  return warnings;
}
