/** From variables to values: the settings of some sections, each checked by itself. */
import type { PlacedSetting } from "./schema.ts";
import type { SettingsReading } from "./sources/source.ts";
import { complain, quote, type Variable } from "./sources/variable.ts";
import { otlpEndpoint } from "./values/otlp.ts";
import { urlPath } from "./values/value-types.ts";

/** What stands in place of a secret. */
export const HIDDEN = "****";

/** Of these a query may hold a secret. */
const WITH_QUERIES: ReadonlySet<unknown> = new Set([urlPath, otlpEndpoint]);

/** What people see of a value: nothing of a secret, of a path or a URL not its query, which may hold one. */
export function shownValue({ secret, type }: Pick<PlacedSetting["setting"], "secret" | "type">, value: string): string {
  if (secret) return HIDDEN;
  return WITH_QUERIES.has(type) ? withoutQuery(value) : value;
}

/** A path or a URL whose query, if it has one, is hidden. */
export function withoutQuery(path: string): string {
  const mark = path.indexOf("?");
  return mark < 0 ? path : `${path.slice(0, mark)}?${HIDDEN}`;
}

/** Values by section and key. Settings with a wrong value are missing. */
export type Draft<Name extends string> = Record<Name, Record<string, unknown>>;

/** Reads `settings`; what is wrong with the sources themselves is not repeated. */
export function readSettings<Name extends string>(
  settings: readonly PlacedSetting<Name>[],
  reading: Pick<SettingsReading, "variables" | "sources" | "complete">,
): { readonly draft: Draft<Name>; readonly problems: readonly string[] } {
  const draft = {} as Draft<Name>;
  const problems: string[] = [];
  for (const { section, key, setting } of settings) {
    draft[section] ??= {};
    const values: Record<string, unknown> = draft[section];
    const value = parse(setting, reading, problems);
    if (value !== undefined) values[key] = value;
  }
  return { draft, problems };
}

/** The value, or `undefined` after its problems were reported. */
function parse(
  setting: PlacedSetting["setting"],
  { variables, sources, complete }: Pick<SettingsReading, "variables" | "sources" | "complete">,
  problems: string[],
): unknown {
  const variable = variables.get(setting.env);
  if (variable === undefined && setting.default === null) {
    if (!setting.required) return null;
    if (!complete) return undefined; // it may stand in what could not be read
    const places = sources.length === 1 ? "is not set" : `is set neither in ${sources.join(" nor in ")}`;
    problems.push(`${setting.env}: is required and ${places}. ${setting.doc}`);
    return undefined;
  }
  if (variable?.problems !== undefined) {
    problems.push(...variable.problems);
    return undefined;
  }
  if (variable?.unset) return null;
  const parsed = setting.type.schema.safeParse(variable?.value ?? setting.default!);
  if (parsed.success) return parsed.data;
  if (variable === undefined) throw new Error(`the default of ${setting.env} is wrong: ${parsed.error.message}`);
  if (variable.shown !== undefined) {
    // What a reference stands for may be a secret, and a complaint may repeat a part of it.
    problems.push(complain(variable, `what this stands for must be ${setting.type.describe}`, quote(variable.shown)));
    return undefined;
  }
  for (const { message } of parsed.error.issues)
    problems.push(complain(variable, message, shown(setting, variable, message)));
  return undefined;
}

/** What an error repeats of a value: nothing of a secret or of what may hold one, nor what the message quotes itself. */
function shown(setting: PlacedSetting["setting"], { value }: Variable, message: string): string {
  if (setting.secret || value.includes("@")) return HIDDEN;
  return message.startsWith("entry ") ? "" : quote(shownValue(setting, value));
}

/** Freezes a value with all that is in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
