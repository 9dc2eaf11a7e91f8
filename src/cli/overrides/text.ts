/** How `neurabalancer overrides` speaks to people. */
import { columns } from "../columns.ts";

/** An override as the admin API lists it. */
export interface ListedOverride {
  readonly id: string;
  readonly kind: string;
  readonly target: Readonly<Record<string, string | null>>;
  readonly value: unknown;
  readonly configured: unknown;
  readonly by: string;
  readonly reason: string;
  /** RFC 3339. */
  readonly at: string;
  readonly until: string | null;
  readonly kept: boolean;
  readonly in_force: boolean;
  readonly why_not: string | null;
}

/** An entry of the audit as the admin API lists it. */
export interface ListedEntry {
  readonly at: string;
  readonly actor: string;
  readonly client: string;
  readonly action: string;
  readonly target: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string;
}

/** So many letters of an id tell it apart. */
const ID_SHOWN = 8;

/** Overrides as a table. */
export function overrideTable(overrides: readonly ListedOverride[]): string {
  if (overrides.length === 0) return "Everything is as configured.";
  const rows = overrides.map(({ id, kind, target, value, configured, ...one }) => [
    id.slice(0, ID_SHOWN),
    kind,
    Object.values(target)
      .filter((part) => part !== null && part !== "")
      .join(" "),
    valueText(value),
    valueText(configured),
    one.by,
    one.at,
    [
      one.reason,
      one.until === null ? "" : `until ${one.until}`,
      one.kept ? "" : "for this run",
      one.in_force ? "" : `not in force: ${one.why_not}`,
    ]
      .filter((part) => part !== "")
      .join("; "),
  ]);
  return columns([["ID", "KIND", "OF", "VALUE", "CONFIGURED", "BY", "SINCE", "WHY"], ...rows]);
}

/** The audit as a table. */
export function auditTable(entries: readonly ListedEntry[]): string {
  if (entries.length === 0) return "Nothing was changed.";
  const rows = entries.map((entry) => [
    entry.at,
    [entry.actor, entry.client].filter((part) => part !== "").join(" "),
    entry.action,
    entry.target,
    `${valueText(entry.before)} → ${valueText(entry.after)}`,
    entry.reason,
  ]);
  return columns([["AT", "WHO", "WHAT", "OF", "CHANGE", "WHY"], ...rows]);
}

function valueText(value: unknown): string {
  if (value === null) return "-";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
