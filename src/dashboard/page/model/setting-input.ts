/** A setting as an input, and what was filled in as a value. */
import type { SettingView } from "../api/shapes.ts";

/** As a field of a form asks for it. */
export interface SettingField {
  readonly name: "value";
  readonly label: string;
  readonly kind: "text" | "select";
  readonly value: string;
  readonly options?: readonly (readonly [value: string, text: string])[];
  readonly hint: string;
  readonly optional?: boolean;
}

/** A list of words where it may be nothing else. */
export function inputOf(setting: SettingView): SettingField {
  const { words, value, describe, unit, configured } = setting;
  const hint = [describe, unit === null ? "" : `in ${unit}`, `configured: ${configured ?? "unset"}`]
    .filter(Boolean)
    .join("; ");
  const common = { name: "value" as const, label: setting.name, value: value ?? "", hint };
  const choice = words ?? (setting.type === "switch" ? ["true", "false"] : null);
  if (choice === null) return { ...common, kind: "text" };
  const known = value === null || choice.includes(value) ? choice : [value, ...choice];
  return { ...common, kind: "select", options: known.map((word) => [word, word] as const) };
}

/** As the API takes it: a text, and nothing at all (as configured) for an empty one. */
export function wantedValue(text: string | undefined): string | null {
  return text === undefined || text.trim() === "" ? null : text.trim();
}
