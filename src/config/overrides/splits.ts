/** Shares of routes' pools that were set at run time. */

import { sharesAt } from "../../shared/operations/canary.ts";
import type { OverrideOf } from "../../shared/operations/override.ts";
import type { Shares } from "../../shared/operations/shares.ts";
import { describeRange, inRange, MOST_SHARES, SHARE } from "../../shared/ranges.ts";
import type { RouteConfig } from "../config.ts";
import type { EffectiveSetting } from "../effective.ts";
import { routePath } from "../routes/path.ts";
import { type OverrideLayer, originOf } from "./layer.ts";

/** The shares of a route; `null` = it sends nothing to pools. */
export function sharesOf({ action }: Pick<RouteConfig, "action">): Shares | null {
  if (action.kind !== "forward") return null;
  return Object.fromEntries(action.targets.map(({ pool, weight }) => [pool, weight]));
}

/** The weights that an override gives to pools. */
function wantedOf(override: OverrideOf<"split"> | OverrideOf<"canary">): Shares {
  return override.kind === "split" ? override.value : sharesAt(override.value, override.value.percent);
}

/** The routes with these shares. What cannot be is told in `problems`. @param pools `null` = they could not be made out. */
export function overrideSplits(
  routes: readonly RouteConfig[],
  layer: OverrideLayer,
  pools: readonly string[] | null,
  problems: string[],
): { readonly routes: readonly RouteConfig[]; readonly effective: readonly EffectiveSetting[] } {
  let effective: readonly EffectiveSetting[] = [];
  let changed = routes;
  for (const override of [...layer.of("split"), ...layer.of("canary")]) {
    const { kind, target } = override;
    const origin = originOf(override);
    const say = (what: string): void => void problems.push(`the ${kind} of route ${target.route} (${origin}) ${what}`);
    const route = changed.find(({ name }) => name === target.route);
    const shares = Object.entries(wantedOf(override));
    const wrong = shares.find(([, weight]) => !inRange(weight, SHARE));
    const unknown = shares.find(([pool]) => pools !== null && !pools.includes(pool));
    if (route === undefined) say("is of no route that there is");
    else if (route.action.kind !== "forward")
      say(`cannot be: the route does not forward, it has a ${route.action.kind}`);
    else if (shares.length === 0 || shares.length > MOST_SHARES)
      say(`names ${shares.length} pools: name 1 … ${MOST_SHARES}`);
    else if (wrong !== undefined) say(`gives ${wrong[0]} the weight ${wrong[1]}: it must be ${describeRange(SHARE)}`);
    else if (unknown !== undefined)
      say(`names ${unknown[0]}, which is no pool${pools === null ? "" : `: there are ${pools.join(", ")}`}`);
    else if (shares.every(([, weight]) => weight === 0))
      say("gives every pool the weight 0: one of them has to get something");
    else {
      const { action } = route;
      const targets = shares.map(([pool, weight]) => ({ pool, weight }));
      changed = changed.map((one) => (one === route ? { ...route, action: { ...action, targets } } : one));
      const shown = shares.map(([pool, weight]) => `${pool}: ${weight}`).join(", ");
      const env = `${routePath(route.name)}.split`;
      // Of a split that a canary lies over, nothing is in force.
      effective = [...effective.filter((one) => one.env !== env), { section: "routes", env, value: shown, origin }];
    }
  }
  return { routes: changed, effective };
}
