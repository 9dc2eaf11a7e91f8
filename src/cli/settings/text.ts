/** How `neurabalancer settings` speaks to people. */
import { columns } from "../columns.ts";

/** As the admin API shows it. */
export interface ListedSetting {
  readonly name: string;
  readonly value: string | null;
  readonly configured: string | null;
  readonly origin: string;
  readonly override: string | null;
  readonly why_not: string | null;
}

/** Settings as a table. */
export function settingTable(settings: readonly ListedSetting[]): string {
  if (settings.length === 0) return "No setting is like that.";
  const rows = settings.map(({ name, value, configured, origin, override, why_not: whyNot }) => [
    name,
    value ?? "(unset)",
    override === null ? "" : (configured ?? "(unset)"),
    origin,
    whyNot ?? "",
  ]);
  return columns([["SETTING", "VALUE", "CONFIGURED", "FROM", "FIXED, BECAUSE IT"], ...rows]);
}

/** What was asked to be read or checked again, as the instance answers. */
export interface ReadAnswer {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly changes: readonly string[];
  readonly overrides_lost: readonly string[];
}

/** @param tense `is` after a reload, `would be` before one. */
export function readText(
  { ok, changes, problems, overrides_lost: lost }: ReadAnswer,
  tense: "is" | "would be",
): string {
  if (!ok)
    return [`The configuration ${tense === "is" ? "was" : "would be"} rejected:`, ...problems.map(item)].join("\n");
  const nothing = `The configuration ${tense} in force; nothing changes.`;
  const head = changes.length + lost.length === 0 ? nothing : `The configuration ${tense} in force:`;
  return [head, ...changes.map(item), ...lost.map((text) => item(`an override ends: ${text}`))].join("\n");
}

function item(text: string): string {
  return `  - ${text}`;
}
