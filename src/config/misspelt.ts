/** Names that look like settings and are none, and names in our own file that nobody reads. */
import { FOREIGN_PREFIXES, RESERVED_FEATURES } from "./reserved.ts";
import { ALL_SETTINGS, OTHER_SECTIONS, placeSettings } from "./schema.ts";
import { isOverride } from "./servers/overrides.ts";
import type { SettingsReading } from "./sources/source.ts";
import type { Variable } from "./sources/variable.ts";
import { nearest } from "./suggest.ts";

/** Every name that some command reads, or that is reserved: one environment may serve all commands. */
export const KNOWN_NAMES: readonly string[] = [
  ...ALL_SETTINGS.map(({ setting }) => setting.env),
  ...placeSettings(OTHER_SECTIONS).map(({ setting }) => setting.env),
  ...RESERVED_FEATURES.flatMap(({ settings }) => settings.map(({ env }) => env)),
];
const KNOWN = new Set(KNOWN_NAMES);

/** Variables whose names were probably meant to be those of settings. */
export function findMisspelt({ variables, references }: Names): { variable: Variable; message: string }[] {
  const found: { variable: Variable; message: string }[] = [];
  for (const variable of variables.values()) {
    const { name } = variable;
    if (isUsed(name, references)) continue;
    const meant = nearest(name, KNOWN_NAMES);
    // The value is not repeated: what is not ours may be a secret.
    if (meant) found.push({ variable, message: `${name} (${variable.origin}): is no setting; did you mean ${meant}?` });
  }
  return found;
}

/**
 * A sentence about the names in `.env` that are no settings and not like any; `null` = there are none. It is a warning:
 * other programs read such files, too (docker compose, shells), and what started yesterday must start after an upgrade.
 */
export function describeUnused({ variables, references, complete }: Names): string | null {
  if (!complete) return null; // what could not be read may take values from them
  const unused = Array.from(variables.values()).filter(
    ({ name, inFile }) => inFile && !isUsed(name, references) && nearest(name, KNOWN_NAMES) === null,
  );
  if (unused.length === 0) return null;
  const names = unused.map(({ name, origin }) => {
    const family = KNOWN_NAMES.filter((known) => known.split("_")[0] === name.split("_")[0]);
    return `${name} (${origin}${family.length > 0 && family.length <= 3 ? `; there is ${family.join(", ")}` : ""})`;
  });
  return `no settings, and ignored: ${names.join(", ")}`;
}

type Names = Pick<SettingsReading, "variables" | "references" | "complete">;

function isUsed(name: string, references: Names["references"]): boolean {
  const foreign = FOREIGN_PREFIXES.some((prefix) => name.startsWith(prefix));
  return KNOWN.has(name) || isOverride(name) || foreign || references.some((names) => names.has(name));
}
