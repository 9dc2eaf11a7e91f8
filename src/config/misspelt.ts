/** Names that look like settings and are none, and names in our own file that nobody reads. */
import { FOREIGN_PREFIXES, RESERVED_FEATURES } from "./names/reserved.ts";
import { STACK_VARIABLES } from "./names/stack-variables.ts";
import { ALL_SETTINGS, OTHER_SECTIONS, placeSettings } from "./schema.ts";
import { isOverride } from "./servers/overrides.ts";
import type { SettingsReading } from "./sources/source.ts";
import { nearest } from "./suggest.ts";

/** Every name that some command or docker-compose.yml reads, or that is reserved: one environment may serve them all. */
export const KNOWN_NAMES: readonly string[] = [
  ...ALL_SETTINGS.map(({ setting }) => setting.env),
  ...placeSettings(OTHER_SECTIONS).map(({ setting }) => setting.env),
  ...RESERVED_FEATURES.flatMap(({ settings }) => settings.map(({ env }) => env)),
  ...STACK_VARIABLES.map(({ env }) => env),
];
const KNOWN = new Set(KNOWN_NAMES);

/** A variable whose name was probably meant to be that of a setting. */
interface Misspelt {
  /** Whether the name may be that of something else, so that it must not stop the start. */
  readonly maybeForeign: boolean;
  readonly message: string;
}

/** Variables whose names were probably meant to be those of settings. */
export function findMisspelt({ variables, references }: Names): Misspelt[] {
  const found: Misspelt[] = [];
  for (const variable of variables.values()) {
    const { name, origin, inFile } = variable;
    if (isKnown(name, references)) continue;
    const foreign = isForeign(name);
    // No standard name that means something else is as near to one of ours as a single slip.
    const meant = nearest(name, KNOWN_NAMES, foreign ? 1 : 2);
    // The value is not repeated: what is not ours may be a secret.
    const message = `${name} (${origin}): is no setting; did you mean ${meant}?`;
    // A file is this product's own; the environment may hold names that only look like ours.
    if (meant !== null) found.push({ maybeForeign: foreign || !inFile, message });
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
    ({ name, inFile }) =>
      inFile && !isKnown(name, references) && !isForeign(name) && nearest(name, KNOWN_NAMES) === null,
  );
  if (unused.length === 0) return null;
  const names = unused.map(({ name, origin }) => {
    const family = KNOWN_NAMES.filter((known) => known.split("_")[0] === name.split("_")[0]);
    return `${name} (${origin}${family.length > 0 && family.length <= 3 ? `; there is ${family.join(", ")}` : ""})`;
  });
  return `no settings, and ignored: ${names.join(", ")}`;
}

type Names = Pick<SettingsReading, "variables" | "references" | "complete">;

function isKnown(name: string, references: Names["references"]): boolean {
  return KNOWN.has(name) || isOverride(name) || references.some((names) => names.has(name));
}

function isForeign(name: string): boolean {
  return FOREIGN_PREFIXES.some((prefix) => name.startsWith(prefix));
}
