/** Which requests a route takes, from what the file says; and what such a route is called when nobody named it. */
import type { PathMatch, RouteMatch } from "../../protocol/route.ts";
import { ROUTES } from "../../shared/memory/series-table.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import type { RouteBlock } from "./shape.ts";

const EVERY_PATH: PathMatch = { kind: "prefix", value: "/" };
const MAX_NAME = 100;
/** How many alternatives a name shows. */
const SHOWN = 2;

/** What it does not say fits everything; a list without entries does not say so. */
export function readMatch({ fields }: RouteBlock, findings: ShapeFindings): RouteMatch {
  const { host, path, exact_path: exactPath, methods, headers } = fields;
  const hasPaths = (path?.written ?? 0) + (exactPath?.written ?? 0) > 0;
  for (const several of [host, methods, ...(hasPaths ? [] : [path, exactPath])]) {
    if (several?.written === 0) findings.problem(several, "has no entries: remove it if all are to fit");
  }
  for (const { name, ...spot } of headers?.entries ?? []) {
    if (name === "host") findings.problem(spot, "is what host is for: write it there");
  }
  const paths: PathMatch[] = [
    ...valuesOf(path).map((value) => ({ kind: "prefix", value }) as const),
    ...valuesOf(exactPath).map((value) => ({ kind: "exact", value }) as const),
  ];
  return {
    hosts: valuesOf(host),
    paths: paths.length === 0 ? [EVERY_PATH] : paths,
    methods: valuesOf(methods),
    headers: (headers?.entries ?? []).map(({ name, value: { value } }) => ({
      name,
      value: value === "*" ? null : value,
    })),
  };
}

function valuesOf<T>(several: { readonly entries: readonly { readonly value: T }[] } | undefined): T[] {
  return [...new Set((several?.entries ?? []).map(({ value }) => value))];
}

/** `shop.example/api/*`, `POST shop.example/x`, `/*`. */
export function nameOf({ hosts, paths, methods, headers }: RouteMatch): string {
  const shown = (texts: readonly string[]) =>
    texts.slice(0, SHOWN).join("|") + (texts.length > SHOWN ? `|+${texts.length - SHOWN}` : "");
  const spelled = paths.map(({ kind, value }) => (kind === "exact" ? value : `${value === "/" ? "" : value}/*`));
  const fields = headers.map(({ name, value }) => (/^[\w.-]{1,32}$/.test(value ?? "") ? `${name}=${value}` : name));
  const parts = [shown(methods), shown(hosts) + shown(spelled), shown(fields)].filter((part) => part !== "");
  const name = parts.join(" ").replaceAll(",", "%2C"); // lists of names have commas between them
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
}

/** Gives every route a name of its own, none of which metrics know already; `null` = it has none. */
export function uniqueNames(routes: readonly { readonly name: string | null; readonly match: RouteMatch }[]): string[] {
  const taken = new Set(routes.map(({ name }) => name));
  return routes.map(({ name, match }) => {
    if (name !== null) return name;
    const wanted = nameOf(match);
    for (let n = 1; ; n++) {
      const candidate = n === 1 ? wanted : `${wanted} #${n}`;
      if (taken.has(candidate) || isReserved(candidate)) continue;
      taken.add(candidate);
      return candidate;
    }
  });
}

/** Whether metrics count something else under this name; `/*` is the route that takes everything. */
export function isReserved(name: string): boolean {
  return name !== ROUTES[0] && (ROUTES as readonly string[]).includes(name);
}

/** How many combinations of host, path and method the route takes. */
export function countCombinations({ hosts, paths, methods }: RouteMatch): number {
  return Math.max(hosts.length, 1) * paths.length * Math.max(methods.length, 1);
}

/** Every combination of host, path, method and fields that the route takes, as one text each. */
export function combinationsOf({ hosts, paths, methods, headers }: RouteMatch): string[] {
  const fields = headers.map(({ name, value }) => JSON.stringify([name, value])).sort();
  const orAny = (values: readonly string[]) => (values.length === 0 ? [""] : values);
  return orAny(hosts).flatMap((host) =>
    paths.flatMap(({ kind, value }) =>
      orAny(methods).map((method) => JSON.stringify([host, kind, value, method, ...fields])),
    ),
  );
}
