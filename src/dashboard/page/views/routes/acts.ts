/** What may be done to pools and routes, as changes to be confirmed. */
import type { SettingView } from "../../api/shapes.ts";
import { propose } from "../../app/changing/plan.ts";
import { topology } from "../../app/live.ts";
import { inputOf, wantedValue } from "../../model/setting-input.ts";
import { expectationsOf } from "./expectations.tsx";

const STRATEGY = "LB_STRATEGY";

/** Another way to choose servers. */
export function switchStrategy(pool: string, present: string): void {
  const strategies = topology.value!.strategies;
  const path = `/api/v1/pools/${encodeURIComponent(pool)}`;
  propose({
    title: `Strategy of pool ${pool}`,
    lead: "The next request is placed by the new one; requests that are under way stay where they are.",
    subject: path,
    fields: [
      {
        name: "strategy",
        label: "Strategy",
        kind: "select",
        value: strategies.find(({ name }) => name !== present)?.name ?? present,
        options: strategies.map(({ name }) => [name, name === present ? `${name} (now)` : name] as const),
      },
    ],
    aside: expectationsOf(pool, present),
    request: ({ strategy }) => ({ method: "PATCH", path, body: { strategy } }),
    confirm: "Switch",
    done: ({ strategy }) => `Pool ${pool} is balanced by ${strategy}.`,
    undo: (_, before) => {
      const was = (before as Record<string, unknown> | null)?.[STRATEGY] ?? present;
      return { method: "PATCH", path, body: { strategy: was } };
    },
  });
}

/** One option of a pool. */
export function changeOption(pool: string, option: SettingView): void {
  const path = `/api/v1/pools/${encodeURIComponent(pool)}`;
  const body = (value: unknown) => ({ options: { [option.name]: value } });
  propose({
    title: `${option.name} of pool ${pool}`,
    lead: option.description,
    subject: path,
    fields: [inputOf(option)],
    request: (values) => ({ method: "PATCH", path, body: body(wantedValue(values.value)) }),
    confirm: "Change",
    done: ({ value }) => `${option.name} of pool ${pool} is ${value}.`,
    undo: () => ({ method: "PATCH", path, body: body(option.override === null ? null : option.value) }),
  });
}

/** Which share of a route's requests goes where. */
export function changeSplit(
  route: string,
  targets: readonly { readonly pool: string; readonly weight: number }[],
): void {
  const path = `/api/v1/routes/${encodeURIComponent(route)}`;
  const pools = topology.value!.pools.map(({ name }) => name);
  // A pool may be called as another field of the dialog.
  const fieldOf = (pool: string) => `share-${pool}`;
  const weightOf = (pool: string) => targets.find((target) => target.pool === pool)?.weight ?? 0;
  propose({
    title: `Split of route ${route}`,
    lead: "Each request is drawn to one of the pools; weights are relative to each other.",
    subject: path,
    fields: pools.map((pool) => ({
      name: fieldOf(pool),
      label: pool,
      kind: "number" as const,
      value: String(weightOf(pool)),
    })),
    request: (values) => {
      const split = Object.fromEntries(
        pools
          .map((pool) => [pool, Number(values[fieldOf(pool)])] as const)
          .filter(([pool, weight]) => weight > 0 || weightOf(pool) > 0),
      );
      if (Object.values(split).some((weight) => !(weight >= 0))) throw new Error("Weights are numbers from 0 on.");
      return { method: "PATCH", path, body: { split } };
    },
    confirm: "Change split",
    done: () => `The split of route ${route} is changed.`,
    undo: (_, before) => ({ method: "PATCH", path, body: { split: (before as object | null) ?? null } }),
  });
}
