/**
 * Weights and capacities of servers: those that stand beside a server's URL in a file's list, and over them
 * `SERVER_WEIGHT_<host>_<port>` and `SERVER_CAPACITY_<host>_<port>`, which reach the servers of every pool.
 */

import type { ServerSpec } from "../../shared/server-spec.ts";
import { CAPACITY_PREFIX, WEIGHT_PREFIX } from "../schema.ts";
import { complain, type Entry, type Variable } from "../sources/variable.ts";
import { applyListed, type ListedAttribute, withAttribute } from "./attributes.ts";

/** How many valid names an error shows. */
const SHOWN_NAMES = 8;

/** The servers of one pool. */
export interface ServerList {
  /** `undefined`: the list itself is wrong; then only what is said of its servers is checked. */
  readonly servers: readonly ServerSpec[] | undefined;
  /** Of a file's list, in the order of `servers`. */
  readonly entries?: readonly Entry[];
}

/** Servers with what is said of them, and every problem found. */
export interface OverrideResult {
  /** As they were given. */
  readonly lists: readonly {
    readonly servers: readonly ServerSpec[];
    /** What stands in the file's list and no variable says otherwise. */
    readonly listed: readonly ListedAttribute[];
  }[];
  readonly problems: readonly string[];
}

/** True for names of this module. */
export function isOverride(name: string): boolean {
  return name.startsWith(WEIGHT_PREFIX) || name.startsWith(CAPACITY_PREFIX);
}

/** What a listed weight or capacity would be called in the environment; `null` = that cannot say it. */
export function overrideName({ attribute, server }: ListedAttribute): string | null {
  if (attribute === "weight") return WEIGHT_PREFIX + suffixOf(server);
  return attribute === "capacity" ? CAPACITY_PREFIX + suffixOf(server) : null;
}

/** Reads what is said of the servers of all pools. */
export function applyOverrides(lists: readonly ServerList[], variables: readonly Variable[]): OverrideResult {
  const problems: string[] = [];
  const complete = lists.every(({ servers }) => servers !== undefined);
  const results = lists.map(({ servers, entries = [] }) => {
    const { servers: named, listed } = applyListed(servers, entries, problems);
    return { servers: named, listed: [...listed] };
  });
  const setBy = new Map<string, string>();
  for (const variable of variables) {
    const attribute = variable.name.startsWith(WEIGHT_PREFIX) ? "weight" : "capacity";
    const prefix = attribute === "weight" ? WEIGHT_PREFIX : CAPACITY_PREFIX;
    withAttribute(undefined, attribute, variable, problems); // once, however many servers it reaches
    const candidates = results.flatMap(({ servers }) => servers).filter((server) => !isWeightless(attribute, server));
    const found = match(variable.name.slice(prefix.length), candidates);
    if (typeof found === "string") {
      if (!complete) continue;
      const names = [...new Set(candidates.map((server) => prefix + suffixOf(server)))];
      const more = names.length > SHOWN_NAMES ? ", …" : "";
      const valid =
        names.length > 0
          ? `valid here: ${names.slice(0, SHOWN_NAMES).join(", ")}${more}`
          : "SRV records carry weights of their own";
      problems.push(complain(variable, `${found}; ${valid}`));
      continue;
    }
    const suffix = suffixOf(found);
    const other = setBy.get(prefix + suffix);
    if (other !== undefined) problems.push(complain(variable, `says the same as ${other}: remove one`));
    setBy.set(prefix + suffix, variable.name);
    for (const result of results) {
      const reached = (server: ServerSpec) => suffixOf(server) === suffix && !isWeightless(attribute, server);
      result.listed = result.listed.filter((one) => one.attribute !== attribute || !reached(one.server));
      result.servers = result.servers.map((server) =>
        reached(server) ? (withAttribute(server, attribute, variable, []) ?? server) : server,
      );
    }
  }
  return { lists: results, problems };
}

/** SRV records carry weights of their own. */
function isWeightless(attribute: "weight" | "capacity", { source }: ServerSpec): boolean {
  return attribute === "weight" && source === "srv";
}

/** What follows the prefix, as the host is written in `SERVERS`. */
function suffixOf(server: ServerSpec): string {
  const host = server.host.replace(/\.$/, "");
  return server.port === 0 ? host : `${host}_${server.port}`;
}

/** Shells cannot export names with dots or dashes: capitals and underscores stand for them. */
function simplify(suffix: string): string {
  return suffix
    .replace(/[[\]]/g, "")
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, "_");
}

function match(suffix: string, servers: readonly ServerSpec[]): ServerSpec | string {
  const exact = servers.find((server) => suffixOf(server) === suffix);
  if (exact) return exact;
  const wanted = simplify(suffix);
  const similar = servers.filter((server) => simplify(suffixOf(server)) === wanted);
  if (new Set(similar.map(suffixOf)).size === 1) return similar[0];
  return similar.length === 0 ? "names no server of SERVERS" : "names more than one server of SERVERS";
}
