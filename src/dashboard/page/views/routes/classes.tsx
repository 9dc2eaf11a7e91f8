/** Classes of requests of a pool: what one of each costs, and which of them make its work. */
import { useState } from "preact/hooks";
import type { ShownClass } from "../../api/shapes.ts";
import { useAsked } from "../../app/asked.ts";
import { topology } from "../../app/live.ts";
import { place, setQuery } from "../../app/place.ts";
import { count, digits, latency, percent, plural } from "../../model/format/numbers.ts";
import { Button } from "../../widgets/controls.tsx";
import { type Column, Table } from "../../widgets/table.tsx";
import { Empty } from "../../widgets/text.tsx";

const EVERY_MS = 5_000;
/** Rows before all are asked for; the instance has 64 of a pool at most. */
const FEW = 8;

/** A card; nothing while no pool tells classes apart. */
export function ClassesCard() {
  const pools = topology.value!.pools.filter(({ request_classes }) => request_classes).map(({ name }) => name);
  const wanted = place.value.query.classes ?? "";
  const pool = pools.includes(wanted) ? wanted : pools[0];
  if (pool === undefined) return null;
  return (
    <section class="card" aria-labelledby="classes">
      <header>
        <h2 id="classes">Request classes</h2>
        <p class="end dim">
          1 × = a mean request of the pool
          {pools.length > 1 && (
            <select
              class="input pool-choice"
              aria-label="Pool of the classes"
              value={pool}
              onChange={(event) => setQuery({ classes: event.currentTarget.value })}
            >
              {pools.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </p>
      </header>
      <Classes key={pool} pool={pool} />
    </section>
  );
}

function Classes({ pool }: { readonly pool: string }) {
  const [whole, setWhole] = useState(false);
  const { body, error } = useAsked<{ classes: readonly ShownClass[] }>(
    `/api/v1/classes?pool=${encodeURIComponent(pool)}`,
    EVERY_MS,
  );
  if (body === null) return <Empty>{error ?? "Asking…"}</Empty>;
  const { classes } = body;
  if (classes.length === 0) return <Empty>None is known yet: they show within some seconds of traffic.</Empty>;
  const shown = whole ? classes : classes.slice(0, FEW);
  return (
    <>
      <Table columns={columnsOf(classes)} rows={shown} keyOf={(one) => `${one.route} ${nameOf(one)}`} />
      {classes.length > FEW && (
        <p class="more">
          <Button class="quiet small" onPress={() => setWhole(!whole)}>
            {whole ? "Show fewer" : `Show all ${plural(classes.length, "class", "classes")}`}
          </Button>
        </p>
      )}
    </>
  );
}

function columnsOf(classes: readonly ShownClass[]): readonly Column<ShownClass>[] {
  const routes = new Set(classes.flatMap(({ route }) => route ?? []));
  return [
    { title: "Class", kind: "head", cell: (one) => <ClassName of={one} /> },
    ...(routes.size > 1
      ? [{ title: "Route", cell: ({ route }: ShownClass) => route ?? <span class="dim">any</span> }]
      : []),
    {
      title: "Cost",
      kind: "number",
      cell: ({ cost }) => `${digits(cost)} ×`,
      hint: ({ cost, cost_error: error }) =>
        `One counts as ${digits(cost)} mean requests of the pool; ${error === null ? "too little was measured yet" : `standard error ${percent(error)}`}`,
    },
    {
      title: "By server",
      kind: "number",
      cell: ({ least_cost: least, greatest_cost: greatest }) =>
        least === greatest ? <span class="dim">the same</span> : `${digits(least)} – ${digits(greatest)} ×`,
    },
    { title: "Of the work", kind: "number", cell: ({ work_share }) => percent(work_share) },
    { title: "Of the requests", kind: "number", cell: ({ share }) => percent(share) },
    { title: "Mean time", kind: "number", cell: ({ mean_ms }) => latency(mean_ms) },
    {
      title: "Learned from",
      kind: "number",
      cell: ({ requests }) => count(requests),
      hint: () => "Good responses since it is a class",
    },
  ];
}

function ClassName({ of }: { readonly of: ShownClass }) {
  return of.template === null ? <span class="dim">all others</span> : <span class="mono">{nameOf(of)}</span>;
}

function nameOf({ method, template }: ShownClass): string {
  return `${method ?? ""} ${template ?? ""}`;
}
