/** Which pools and routes come, go and change between two configurations. */
import { isDeepStrictEqual } from "node:util";
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import type { Config, RouteConfig } from "../config.ts";
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
  const old = new Map((before.config?.routes ?? []).map((route) => [route.name, route]));
  const changedInside = (after.config?.routes ?? []).flatMap((route) => {
    const other = old.get(route.name);
    if (other === undefined) return [];
    const path = routePath(route.name);
    // Their values are never shown.
    const fields = isDeepStrictEqual(other.requestHeaders, route.requestHeaders) ? [] : [`${path}.request_headers`];
    return isDeepStrictEqual(ofItsOwn(other), ofItsOwn(route)) ? fields : [...fields, path];
  });
  return { lists, passing, changedInside };
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

/** Without what it takes over of the instance's settings, and what is compared by itself. */
function ofItsOwn({ httpsRedirect, hstsMs, requestHeaders, ...route }: RouteConfig): object {
  return route;
}
