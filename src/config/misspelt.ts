/** Names that look like settings and are none. */
import { FOREIGN_PREFIXES, RESERVED_FEATURES } from "./reserved.ts";
import { ALL_SETTINGS, OTHER_SECTIONS, placeSettings } from "./schema.ts";
import { isOverride } from "./servers/overrides.ts";
import type { Variable } from "./sources/source.ts";
import { nearest } from "./suggest.ts";

/** Every name that some command reads, or that is reserved: one environment may serve all commands. */
export const KNOWN_NAMES: readonly string[] = [
  ...ALL_SETTINGS.map(({ setting }) => setting.env),
  ...placeSettings(OTHER_SECTIONS).map(({ setting }) => setting.env),
  ...RESERVED_FEATURES.flatMap(({ settings }) => settings.map(({ env }) => env)),
];
const KNOWN = new Set(KNOWN_NAMES);

/** Variables whose names were probably meant to be those of settings. */
export function findMisspelt(variables: ReadonlyMap<string, Variable>): { variable: Variable; message: string }[] {
  const found: { variable: Variable; message: string }[] = [];
  for (const variable of variables.values()) {
    const { name } = variable;
    if (KNOWN.has(name) || isOverride(name) || FOREIGN_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    const meant = nearest(name, KNOWN_NAMES);
    // The value is not repeated: what is not ours may be a secret.
    if (meant) found.push({ variable, message: `${name} (${variable.origin}): is no setting; did you mean ${meant}?` });
  }
  return found;
}
