/** From the routes of the configuration to what is searched: host levels, one tree of paths for each, and conditions. */
import type { RouteSpec } from "../../protocol/route.ts";
import { DELIMITER, PATH_CLASS, scanPath } from "../path/path-class.ts";
import { decode } from "../path/units.ts";
import { Conditions } from "./conditions.ts";
import { ANY_HOST, Hosts } from "./hosts.ts";
import { type PathTree, PathTreeBuilder } from "./paths.ts";
import { MAX_PATH_BYTES, Readings } from "./readings.ts";

/** All of it. */
export interface CompiledRoutes {
  readonly routes: readonly RouteSpec[];
  /** By route. */
  readonly conditions: readonly Conditions[];
  readonly hosts: Hosts;
  readonly tree: PathTree;
  /** By host level: the root of its tree. */
  readonly roots: Int32Array;
  /** By host level: 1 if the path matters there, or on a level that is asked after it. */
  readonly pathMatters: Uint8Array;
  /** A path has a delimiter, bare or encoded. */
  readonly delimiters: boolean;
}

/** Throws a `RangeError` for a path that is too long. */
export function compileRoutes(routes: readonly RouteSpec[]): CompiledRoutes {
  const hosts = new Hosts(routes.flatMap(({ match }) => match.hosts));
  const builder = new PathTreeBuilder();
  const roots = hosts.names.map(() => builder.addRoot());
  let delimiters = false;
  for (const [index, { match }] of routes.entries()) {
    const levels = match.hosts.length === 0 ? [ANY_HOST] : match.hosts.map((host) => hosts.levelOf(host));
    for (const { kind, value } of match.paths) {
      const path = normalised(value);
      delimiters ||= hasDelimiter(path);
      for (const level of levels) builder.add(roots[level], kind, path, index);
    }
  }
  const tree = builder.build((a, b) => compareConditions(routes[a], routes[b]) || a - b);
  return {
    routes,
    delimiters,
    conditions: routes.map((route) => new Conditions(route)),
    hosts,
    tree,
    roots: Int32Array.from(roots),
    pathMatters: Uint8Array.from(roots, (_, level) => {
      for (let at = level; at >= 0; at = hosts.next[at]) if (tree.children[roots[at]] > 0) return 1;
      return 0;
    }),
  };
}

/** A path that is not in normal form would never be found. */
function normalised(value: string): Uint8Array {
  const bytes = Buffer.from(value);
  if (scanPath(bytes, 0, bytes.length) === bytes.length) return bytes;
  if (bytes.length > MAX_PATH_BYTES) throw new RangeError(`a path of ${bytes.length} bytes, at most ${MAX_PATH_BYTES}`);
  const readings = new Readings(true);
  readings.take(bytes, 0, bytes.length);
  return Uint8Array.from(readings.path.subarray(0, readings.read(0)));
}

function hasDelimiter(path: Uint8Array): boolean {
  const units = new Uint16Array(path.length);
  const count = decode(path, 0, path.length, units);
  return units.subarray(0, count).some((unit) => (PATH_CLASS[unit & 0xff] & DELIMITER) !== 0);
}

/** With a method before without, more fields before fewer. */
function compareConditions({ match: a }: RouteSpec, { match: b }: RouteSpec): number {
  return Number(b.methods.length > 0) - Number(a.methods.length > 0) || b.headers.length - a.headers.length;
}
