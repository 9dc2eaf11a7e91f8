/** How `neurabalancer models` speaks to people. */
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import type { Model, Verdict } from "../../storage/learning-store.ts";
import { columns } from "../columns.ts";

/** A model with what was last decided about it. */
export interface ListedModel extends Model {
  readonly lastVerdict: Verdict | null;
}

/** Models as a table. */
export function modelTable(models: readonly ListedModel[], nowMs: number): string {
  if (models.length === 0) return "No model was kept yet.";
  const pooled = withPools(models);
  const rows = models.map(({ pool, version, status, origin, createdAtMs, lastVerdict }) => [
    String(version),
    ...pooled(pool),
    status,
    origin,
    ageText(nowMs - createdAtMs),
    lastVerdict === null ? "" : `${lastVerdict.kind}: ${lastVerdict.reason}`,
  ]);
  return columns([["VERSION", ...pooled("POOL"), "STATUS", "ORIGIN", "AGE", "LAST VERDICT"], ...rows]);
}

/** Verdicts as a table. */
export function verdictTable(verdicts: readonly Verdict[], nowMs: number): string {
  if (verdicts.length === 0) return "No verdict was kept yet.";
  const pooled = withPools(verdicts);
  const rows = verdicts.map(({ pool, atMs, modelVersion, kind, reason }) => [
    dateText(atMs),
    `${ageText(nowMs - atMs)} ago`,
    ...pooled(pool),
    modelVersion === null ? "-" : String(modelVersion),
    kind,
    reason,
  ]);
  return columns([["TIME", "AGE", ...pooled("POOL"), "MODEL", "VERDICT", "REASON"], ...rows]);
}

/** One model with all that is known of it. */
export function describeModel(
  found: { readonly model: Model; readonly features: unknown; readonly verdicts: readonly Verdict[] },
  nowMs: number,
): string {
  const { model, features, verdicts } = found;
  const { pool, version, status, origin, parentVersion, createdAtMs, statusAtMs, promotedAtMs, report } = model;
  const when = (atMs: number) => `${dateText(atMs)}, ${ageText(nowMs - atMs)} ago`;
  const facts = [
    ["Version", String(version)],
    ...(pool === DEFAULT_POOL ? [] : [["Pool", pool]]),
    ["Status", `${status} since ${when(statusAtMs)}`],
    ["Origin", parentVersion === null ? origin : `${origin}, from version ${parentVersion}`],
    ["Made", when(createdAtMs)],
    ["Promoted", promotedAtMs === null ? "never" : when(promotedAtMs)],
    ["Features", Array.isArray(features) ? features.join(", ") : JSON.stringify(features)],
  ];
  return [
    columns(facts),
    "",
    `Report of its training:\n${JSON.stringify(report, null, 2)}`,
    "",
    verdictTable(verdicts, nowMs),
  ].join("\n");
}

/** A column for the pool where there are several: who has one pool need not read of pools. */
function withPools(rows: readonly { readonly pool: string }[]): (cell: string) => string[] {
  const isShown = new Set(rows.map(({ pool }) => pool)).size > 1;
  return (cell) => (isShown ? [cell] : []);
}

/** How long something took or is ago, in the unit that says most. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

function dateText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
