/** Pools, routes and listeners as people see them: each value that stands in the file, and where. */

import { describeSetting, type EffectiveSetting } from "../effective.ts";
import { readSettings } from "../read-settings.ts";
import { routePath } from "../routes/path.ts";
import type { RoutesRead } from "../routes/routes.ts";
import { ALL_SETTINGS } from "../schema.ts";
import type { ShownLeaf } from "../shapes/read-shape.ts";
import type { BlocksRead } from "./blocks.ts";

/**
 * @param pools names, in order.
 * @param ofPools what they set for themselves.
 */
export function effectiveBlocks(
  pools: readonly string[],
  ofPools: readonly EffectiveSetting[],
  read: BlocksRead,
  leaves: readonly ShownLeaf[],
  routed: RoutesRead | null,
): EffectiveSetting[] {
  const out: EffectiveSetting[] = [];
  if (read.pools !== undefined) {
    out.push({ section: "pools", env: "pools", value: pools.join(", "), origin: read.pools.place });
  }
  for (const name of pools) out.push(...ofPools.filter(({ pool }) => pool === name)); // also what was set at run time
  if (read.routes !== undefined && routed !== null) {
    const byRoute = Map.groupBy(leaves, ({ path }) => path.slice(0, path.indexOf(".")));
    const names = routed.routes.map(({ name }) => name);
    out.push({ section: "routes", env: "routes", value: names.join(", "), origin: read.routes.place });
    for (const [index, block] of routed.blocks.entries()) {
      const prefix = routePath(names[index]);
      for (const { path, value, origin } of byRoute.get(block.path) ?? []) {
        out.push({ section: "routes", env: prefix + path.slice(block.path.length), value, origin });
      }
      const variables = new Map(block.variables.map((variable) => [variable.name, variable]));
      const placed = ALL_SETTINGS.filter(({ setting }) => variables.has(setting.env));
      const { draft } = readSettings(placed, { variables, sources: [], complete: true });
      for (const one of placed) {
        const variable = variables.get(one.setting.env)!;
        const described = describeSetting(one, variable, draft[one.section][one.key]);
        out.push({ ...described, section: "routes", env: prefix + variable.key!.slice(block.path.length) });
      }
    }
  }
  for (const { path, value, origin } of leaves) {
    if (path.startsWith("route_defaults.")) out.push({ section: "route_defaults", env: path, value, origin });
    if (/^(rate_limits|RATE_LIMITS)\./.test(path)) out.push({ section: "rate_limits", env: path, value, origin });
    if (path.startsWith("listeners[")) out.push({ section: "listeners", env: path, value, origin });
  }
  return out;
}
