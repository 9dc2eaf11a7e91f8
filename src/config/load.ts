/** From the environment to a frozen `Config`, or to every problem at once. */

import { DEFAULT_POOL } from "../protocol/pool.ts";
import type { ServerSpec } from "../shared/server-spec.ts";
import type { Config } from "./config.ts";
import { findContradictions, type PartialConfig } from "./consistency.ts";
import { describeSetting, type EffectiveSetting } from "./effective.ts";
import { inWordsOfSources } from "./in-words-of-sources.ts";
import { usualListeners } from "./listeners/usual.ts";
import { describeUnused, findMisspelt } from "./misspelt.ts";
import { deepFreeze, HIDDEN, readSettings } from "./read-settings.ts";
import { RESERVED_FEATURES } from "./reserved.ts";
import { routeToAll } from "./routes/default-route.ts";
import { ALL_SETTINGS, SECTIONS, type Sections } from "./schema.ts";
import { applyOverrides, isOverride } from "./servers/overrides.ts";
import { readSources, type SettingsSource, type Variable } from "./sources/source.ts";

const SERVERS_NAME = SECTIONS.servers.settings.list.env;

/** A configuration that can be used, or the sentences that say why not. */
export type LoadResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly effective: readonly EffectiveSetting[];
      readonly warnings: readonly string[];
    }
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
  const read = readSources(sources);
  const { variables, complete } = read;
  const { draft, problems: wrong } = readSettings(ALL_SETTINGS, read);
  const problems = [...read.problems, ...wrong];
  const warnings: string[] = [];
  const effective: EffectiveSetting[] = ALL_SETTINGS.map((placed) =>
    describeSetting(placed, variables.get(placed.setting.env), draft[placed.section][placed.key]),
  );

  const overrides = [...variables.values()].filter(({ name }) => isOverride(name));
  const servers = draft.servers.list as readonly ServerSpec[] | undefined;
  const applied = applyOverrides(servers, overrides, variables.get(SERVERS_NAME)?.entries);
  draft.servers.list = servers && applied.servers;
  problems.push(...applied.problems);
  for (const { name, value, shown, origin } of applied.applied)
    effective.push({ section: "servers", env: name, value: shown ?? value, origin });

  if (complete) {
    const contradictions = findContradictions(draft as PartialConfig);
    problems.push(...contradictions.problems.map((sentence) => inWordsOfSources(sentence, effective)));
    warnings.push(...contradictions.warnings.map((sentence) => inWordsOfSources(sentence, effective)));
  }
  warnings.push(...reportReserved(variables, effective));
  for (const { variable, message } of findMisspelt(read)) {
    // A file is this product's own; the environment may hold names that only look like ours.
    (variable.inFile ? problems : warnings).push(message);
  }
  const unused = describeUnused(read);
  if (unused !== null) warnings.push(unused);

  if (problems.length > 0) return { ok: false, problems, warnings };
  const sections = draft as unknown as Sections;
  const config: Config = {
    ...sections,
    listeners: usualListeners(sections),
    pools: [{ name: DEFAULT_POOL, ...sections }],
    routes: [routeToAll(DEFAULT_POOL, sections.tls)],
  };
  return { ok: true, config: deepFreeze(config), effective, warnings };
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
    for (const { env, secret } of asked) {
      const { value, origin } = variables.get(env)!;
      // An address may hold a user name and a password.
      effective.push({
        section: "ignored",
        env,
        value: secret || value.includes("@") ? HIDDEN : value,
        origin,
      });
    }
    const names = asked.map(({ env }) => env).join(", ");
    warnings.push(`${names}: ${title[0].toLowerCase()}${title.slice(1)} is not supported by this version: ignored`);
  }
  return warnings;
}
