/** Routes as rows: their pools with shares, and what goes through them. */
import type { LiveFrame } from "../../../../shared/live/frame.ts";
import type { KnownRoute } from "../../../../shared/live/topology.ts";
import { topology } from "../../app/live.ts";
import { addressOf } from "../../app/router.ts";
import { count, latency, percent } from "../../model/format/numbers.ts";
import { ActButton } from "../../widgets/controls.tsx";
import type { Column } from "../../widgets/table.tsx";
import { changeSplit } from "./acts.ts";
import { startCanary } from "./canary-acts.ts";

/** The columns of their table, with the numbers of a frame. */
export function routeColumns(frame: LiveFrame): readonly Column<KnownRoute>[] {
  const live = new Map(frame.routes.map((route) => [route.name, route]));
  const slowest = ({ name }: KnownRoute) =>
    frame.flows.reduce<number | null>(
      (most, { route, p99 }) => (route !== name || p99 === null ? most : Math.max(most ?? 0, p99)),
      null,
    );
  const failing = ({ name }: KnownRoute) => live.get(name)?.s5xx ?? 0;
  return [
    {
      title: "Route",
      kind: "head",
      cell: ({ name }) => <a href={addressOf("requests", "", { route: name })}>{name}</a>,
    },
    { title: "Leads to", kind: "long", cell: (route) => <Targets of={route} /> },
    { title: "Rate", kind: "number", cell: ({ name }) => count(live.get(name)?.rps ?? 0, "/s") },
    {
      title: "5xx",
      kind: "number",
      cell: (route) => count(failing(route), "/s"),
      alarm: (route) => failing(route) > 0,
    },
    { title: "p99", kind: "number", cell: (route) => latency(slowest(route)) },
    { title: "Acts", kind: "acts", cell: (route) => <RouteActs of={route} /> },
  ];
}

function Targets({ of }: { readonly of: KnownRoute }) {
  const { targets } = of;
  if (targets.length === 0) return <span class="dim">answered here</span>;
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  return targets.map(({ pool, weight }) => (
    <span key={pool} class="target">
      {pool} {targets.length > 1 && <b>{percent(total === 0 ? 0 : weight / total)}</b>}
    </span>
  ));
}

function RouteActs({ of }: { readonly of: KnownRoute }) {
  if (of.targets.length === 0 || topology.value!.pools.length < 2) return null;
  const present = of.targets.filter(({ weight }) => weight > 0).map(({ pool }) => pool);
  return (
    <span class="row end">
      <ActButton
        class="small"
        label={`Change the split of route ${of.name}`}
        onPress={() => changeSplit(of.name, of.targets)}
      >
        Split
      </ActButton>
      {present.length < topology.value!.pools.length && (
        <ActButton
          class="small"
          label={`Start a canary on route ${of.name}`}
          onPress={() => startCanary(of.name, present)}
        >
          Canary
        </ActButton>
      )}
    </span>
  );
}
