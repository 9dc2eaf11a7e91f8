/** Which pools and routes come, go and change between two configurations. */
import { isDeepStrictEqual } from "node:util";
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import type { Config, RouteConfig, RouteDefaults } from "../config.ts";
import type { EffectiveSetting } from "../effective.ts";
import { routePath } from "../routes/path.ts";

/** Without a word in the file there is one of each. */
const IMPLICIT = { pools: DEFAULT_POOL, routes: "/*" } as const;

interface Compared {
  readonly effective: readonly Pick<EffectiveSetting, "env" | "value">[];
  readonly config?: Config;
}

/** What is the same in both is not in it. */
export interface ChangedBlocks {
  /** The names, separated by commas; `null` = the same, in the same order. */
  readonly lists: Readonly<Record<keyof typeof IMPLICIT, { readonly from: string; readonly to: string } | null>>;
  /** What values are called of pools and routes that are in one of them only. */
  readonly passing: readonly string[];
  /** What those are called that mean something else, whatever is shown of them. */
  readonly changedInside: readonly string[];
}

/** Compares them by name. */
export function changedBlocks(before: Compared, after: Compared): ChangedBlocks {
  const lists = {
    pools: listChange("pools", before, after),
    routes: listChange("routes", before, after),
  };
  const passing = [
    ...passingNames(lists.pools).map((name) => `pools.${name}`),
    ...passingNames(lists.routes).map(routePath),
  ];
  const [oldDefaults, defaults] = [before.config?.routeDefaults, after.config?.routeDefaults];
  const changedDefaults = oldDefaults && defaults ? changedFields("route_defaults", oldDefaults, defaults) : [];
  const old = new Map((before.config?.routes ?? []).map((route) => [route.name, route]));
  const changedInside = (after.config?.routes ?? []).flatMap((route) => {
    const other = old.get(route.name);
    if (other === undefined) return [];
    return changedFields(routePath(route.name), ofItsOwn(other, oldDefaults), ofItsOwn(route, defaults));
  });
  return { lists, passing, changedInside: [...changedDefaults, ...changedInside] };
}

/** Whether a value called `env` is one of what is called `path`. */
export function isInside(env: string, path: string): boolean {
  return env.startsWith(path) && (env.length === path.length || env[path.length] === ".");
}

function listChange(name: keyof typeof IMPLICIT, before: Compared, after: Compared) {
  const read = ({ effective }: Compared) => effective.find(({ env }) => env === name)?.value ?? IMPLICIT[name];
  const [from, to] = [read(before), read(after)];
  return from === to ? null : { from, to };
}

function passingNames(list: ChangedBlocks["lists"]["pools"]): string[] {
  if (list === null) return [];
  const [from, to] = [list.from, list.to].map((text) => text.split(", "));
  return [...to.filter((name) => !from.includes(name)), ...from.filter((name) => !to.includes(name))];
}

type Part = Partial<RouteDefaults> & object;

/** The names of what differs. Changed fields of requests are told by themselves: their values are never shown. */
function changedFields(path: string, before: Part, after: Part): string[] {
  const [{ requestHeaders: from, ...old }, { requestHeaders: to, ...now }] = [before, after];
  const fields = isDeepStrictEqual(from, to) ? [] : [`${path}.request_headers`];
  return isDeepStrictEqual(old, now) ? fields : [...fields, path];
}

/** Without what it takes over of the instance's settings and of `route_defaults`. */
function ofItsOwn({ httpsRedirect, hstsMs, ...route }: RouteConfig, defaults: Partial<RouteDefaults> = {}): Part {
  const entries = Object.entries(route);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, value === defaults[key as keyof RouteDefaults] ? null : value]),
  );
}
