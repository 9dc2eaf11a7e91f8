/** The secrets of a configuration as they are: to make sure that they are told to nobody. */
import type { Config } from "../config.ts";
import { ALL_SETTINGS } from "../schema.ts";

/** Keys in `Config`, also of pools, under which secrets stand. */
const KEYS: ReadonlySet<string> = new Set(ALL_SETTINGS.flatMap(({ key, setting }) => (setting.secret ? [key] : [])));
/** Fields of requests and responses: which of them hold secrets nobody says. */
const HEADERS = /headers$/i;
/** What stands beside the values of fields, and is none. */
const NAMES: ReadonlySet<string> = new Set(["name", "remove"]);
/** A shorter value of a field is a word that may stand anywhere: `prod`. */
const LEAST_FIELD = 8;

/** All texts of theirs. */
export function secretValues(config: Config): string[] {
  const found = new Set<string>();
  collect(config, "open", found, new Set());
  return [...found];
}

function collect(value: unknown, kind: "open" | "secret" | "field", found: Set<string>, seen: Set<object>): void {
  if (typeof value === "string") {
    if (kind === "secret" && value !== "") found.add(value);
    // `Bearer abc`: what is secret of it may stand alone somewhere else.
    if (kind === "field")
      for (const part of [value, ...value.split(/\s+/)]) if (part.length >= LEAST_FIELD) found.add(part);
    return;
  }
  if (value === null || typeof value !== "object" || seen.has(value)) return;
  seen.add(value);
  for (const [key, inner] of Object.entries(value)) {
    if (kind === "field" && NAMES.has(key)) continue;
    const own = HEADERS.test(key) ? "field" : KEYS.has(key) ? "secret" : kind;
    collect(inner, own, found, seen);
  }
}
