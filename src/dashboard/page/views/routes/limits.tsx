/** Rate limits: what they allow, what they refuse, and whom most. */
import { useAsked } from "../../app/asked.ts";
import { propose } from "../../app/changing/plan.ts";
import { count, percent, plural, UNKNOWN } from "../../model/format/numbers.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge } from "../../widgets/text.tsx";

const EVERY_MS = 3_000;
/** Of the room for keys: what is beyond soon costs somebody their count. */
const NEARLY_FULL = 0.9;

/** A limit, as far as this shows it. */
interface ShownLimit {
  readonly name: string;
  readonly mode: "enforce" | "dry_run" | "off";
  readonly rate: string | null;
  readonly burst: number | null;
  readonly concurrent: number | null;
  readonly key: readonly string[];
  /** Empty = all, as of `pools`. */
  readonly routes: readonly string[];
  readonly pools: readonly string[];
  /** All instances count together; `null` = each by itself. */
  readonly shared: { readonly when_away: "local" | "open" | "closed"; readonly away: string | null } | null;
  readonly keys: number;
  readonly max_keys: number;
  readonly allowed: number;
  readonly refused: number;
  readonly would_refuse: number;
  readonly most_refused: readonly { readonly key: string; readonly refused: number }[];
}

/** A card; nothing while nothing is limited. */
export function LimitsCard() {
  const { body } = useAsked<{ limits: readonly ShownLimit[] }>("/api/v1/limits", EVERY_MS);
  if (body === null || body.limits.length === 0) return null;
  return (
    <section class="card" aria-labelledby="limits">
      <header>
        <h2 id="limits">Rate limits</h2>
        <p class="end dim">since the start of this instance</p>
      </header>
      <Table columns={COLUMNS} rows={body.limits} keyOf={({ name }) => name} />
    </section>
  );
}

const MODES = { enforce: "enforced", dry_run: "dry run", off: "off" } as const;
const TONES = { enforce: "ok", dry_run: "warn", off: "idle" } as const;

const COLUMNS: readonly Column<ShownLimit>[] = [
  { title: "Limit", kind: "head", cell: ({ name }) => name },
  { title: "Mode", cell: ({ mode }) => <Badge tone={TONES[mode]}>{MODES[mode]}</Badge> },
  {
    title: "Counted",
    cell: ({ shared }) => (shared === null ? <span class="dim">here</span> : sharedWords(shared.away !== null)),
    alarm: ({ shared }) => shared !== null && shared.away !== null,
    hint: ({ shared }) =>
      shared === null
        ? "By this instance alone"
        : `By all instances together. While Redis is away: ${AWAY[shared.when_away]}${shared.away === null ? "" : ` (now: ${shared.away})`}`,
  },
  {
    title: "Allows",
    kind: "long",
    cell: (limit) => (
      <>
        {termsOf(limit)} <span class="dim">{scopeOf(limit)}</span>
      </>
    ),
  },
  { title: "Passed", kind: "number", cell: ({ allowed }) => count(allowed) },
  {
    title: "Refused",
    kind: "number",
    cell: ({ mode, refused, would_refuse: tried }) =>
      mode === "dry_run" ? <span class="dim">{count(tried)} would be</span> : count(refused),
  },
  {
    title: "Keys · full",
    kind: "number",
    cell: ({ key, keys, max_keys: most }) => (key.length === 0 ? UNKNOWN : `${count(keys)} · ${percent(keys / most)}`),
    alarm: ({ key, keys, max_keys: most }) => key.length > 0 && keys >= NEARLY_FULL * most,
    hint: ({ key, keys, max_keys: most }) =>
      key.length === 0
        ? "All requests are counted together"
        : `${count(keys)} keys are counted, of ${count(most)} at most`,
  },
  {
    title: "Refused most",
    kind: "long",
    cell: ({ most_refused: keys }) =>
      keys.length === 0
        ? "nobody"
        : keys
            .slice(0, 3)
            .map(({ key, refused }) => `${key} (${count(refused)})`)
            .join(", "),
  },
  {
    title: "Acts",
    kind: "acts",
    cell: (limit) => (
      <ActButton class="small" label={`Change rate limit ${limit.name}`} onPress={() => changeLimit(limit)}>
        Change
      </ActButton>
    ),
  },
];

const AWAY = {
  local: "the part of this instance may pass",
  open: "everything may pass",
  closed: "nothing may pass",
} as const;

function sharedWords(away: boolean): string {
  return away ? "alone, Redis is away" : "together";
}

function termsOf({ rate, burst, concurrent, key }: ShownLimit): string {
  const amount = rate === null ? `${plural(concurrent ?? 0, "request")} at once` : rate;
  const whose = key.length === 0 ? ", all together" : ` for each ${key.join(" and ")}`;
  return `${amount}${whose}${rate === null ? "" : `; burst ${burst}`}`;
}

function scopeOf({ routes, pools }: ShownLimit): string {
  return [
    ...(routes.length === 0 ? [] : [`routes ${routes.join(", ")}`]),
    ...(pools.length === 0 ? [] : [`pools ${pools.join(", ")}`]),
  ]
    .map((where) => `· ${where}`)
    .join(" ");
}

function changeLimit({ name, mode, rate, burst, concurrent }: ShownLimit): void {
  const path = `/api/v1/limits/${encodeURIComponent(name)}`;
  const number = (field: string, label: string, value: number | null) =>
    ({ name: field, label, kind: "number", value: String(value) }) as const;
  propose({
    title: `Rate limit ${name}`,
    lead: "With another rate or burst everybody begins anew; another mode leaves what is counted.",
    subject: path,
    fields: [
      {
        name: "mode",
        label: "Mode",
        kind: "select",
        value: mode,
        options: (["enforce", "dry_run", "off"] as const).map((one) => [one, MODES[one]] as const),
      },
      ...(rate === null
        ? [number("concurrent", "Requests at once", concurrent)]
        : [{ name: "rate", label: "Rate", kind: "text", value: rate } as const, number("burst", "Burst", burst)]),
    ],
    request: (values) => ({ method: "PATCH", path, body: bodyOf(values) }),
    confirm: "Change limit",
    done: () => `Rate limit ${name} is changed.`,
    undo: () => ({ method: "PATCH", path, body: rate === null ? { mode, concurrent } : { mode, rate, burst } }),
  });
}

function bodyOf(values: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const { mode, rate, burst, concurrent } = values;
  return rate === undefined ? { mode, concurrent: Number(concurrent) } : { mode, rate, burst: Number(burst) };
}
