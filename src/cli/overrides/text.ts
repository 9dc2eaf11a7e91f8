/** Overrides and the audit as people read them. */
import { changeInWords, valueInWords } from "../../shared/operations/words.ts";
import { visible } from "../../shared/visible-text.ts";
import { columns } from "../columns.ts";

/** What `GET /api/v1/overrides` says. */
export interface OverridesAnswer {
  readonly overrides: readonly {
    readonly id: string;
    readonly kind: string;
    readonly target: Readonly<Record<string, string | null>>;
    readonly value: unknown;
    readonly configured: unknown;
    readonly by: string;
    readonly reason: string;
    readonly at: string;
    readonly until: string | null;
    readonly kept: boolean;
    readonly scope: "cluster" | "instance";
    readonly in_force: boolean;
    readonly why_not: string | null;
  }[];
  readonly kept_in: string;
  readonly shared: boolean;
  readonly problem: string | null;
}

/** What `GET /api/v1/audit` says. */
export interface AuditAnswer {
  readonly entries: readonly {
    readonly at: string;
    readonly actor: string;
    readonly action: string;
    readonly target: string;
    readonly before: unknown;
    readonly after: unknown;
    readonly reason: string;
    readonly instance: string | null;
  }[];
}

/** A row for each. */
export function overrideTable({ overrides, kept_in: keptIn, shared }: OverridesAnswer): string {
  if (overrides.length === 0) return "Everything is as configured: there are no overrides.";
  const rows = overrides.map(({ id, kind, target, value, configured, by, at, until, reason, ...one }) => {
    const whose = one.kept ? (shared && one.scope === "instance" ? "this instance" : "") : "this run";
    const lasts = [until === null ? "" : `until ${until}`, whose].filter((part) => part !== "");
    return [
      id,
      kind,
      what(target),
      kind === "canary" ? shownCanary(value) : valueInWords(value),
      valueInWords(configured),
      one.in_force ? "yes" : `no: ${one.why_not}`,
      `${by}, ${at.slice(0, 16)}Z`,
      [...lasts, reason].filter((part) => part !== "").join("; "),
    ].map(visible);
  });
  const head = ["ID", "KIND", "OF", "VALUE", "CONFIGURED", "IN FORCE", "BY", "WHY"];
  return `${columns([head, ...rows])}\nThey are kept in ${visible(keptIn)}.`;
}

/** A row for each entry. */
export function auditTable({ entries }: AuditAnswer): string {
  if (entries.length === 0) return "Nothing was changed at run time.";
  const rows = entries.map(({ at, actor, action, target, before, after, reason, instance }) => {
    const who = instance === null ? actor : `${actor} at ${instance}`;
    return [at.slice(0, 19), who, action, target, changeInWords(before, after), reason].map(visible);
  });
  return columns([["AT", "BY", "ACTION", "OF", "CHANGE", "WHY"], ...rows]);
}

/** `shop 10.0.0.5:3000`: what the target says, without its names. */
function what(target: Readonly<Record<string, string | null>>): string {
  return Object.values(target)
    .filter((part) => part !== null && part !== "")
    .join(" ");
}

/** `shop-next 5 %` of its terms. */
function shownCanary(value: unknown): string {
  const { pool, percent } = value as { readonly pool: string; readonly percent: number };
  return `${pool} ${percent} %`;
}
