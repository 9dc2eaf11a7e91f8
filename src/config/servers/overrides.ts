/** Applies `SERVER_WEIGHT_<host>_<port>` and `SERVER_CAPACITY_<host>_<port>` to the servers that they name. */

import { CAPACITY, WEIGHT } from "../../shared/ranges.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import { CAPACITY_PREFIX, WEIGHT_PREFIX } from "../schema.ts";
import { complain, quote, type Variable } from "../sources/source.ts";
import { decimal, integer } from "../value-types.ts";

const WEIGHT_TYPE = decimal(WEIGHT.least, WEIGHT.most);
const CAPACITY_TYPE = integer(CAPACITY.least, CAPACITY.most);
/** How many valid names an error shows. */
const SHOWN_NAMES = 8;

/** The servers with their weights and capacities, and every problem found. */
export interface OverrideResult {
  readonly servers: readonly ServerSpec[];
  readonly problems: readonly string[];
}

/** True for names of this module. */
export function isOverride(name: string): boolean {
  return name.startsWith(WEIGHT_PREFIX) || name.startsWith(CAPACITY_PREFIX);
}

/** @param servers `undefined` when `SERVERS` itself is wrong: then only the numbers are checked. */
export function applyOverrides(
  servers: readonly ServerSpec[] | undefined,
  variables: readonly Variable[],
): OverrideResult {
  const problems: string[] = [];
  const result = [...(servers ?? [])];
  const setBy = new Map<string, string>();
  for (const variable of variables) {
    const isWeight = variable.name.startsWith(WEIGHT_PREFIX);
    const prefix = isWeight ? WEIGHT_PREFIX : CAPACITY_PREFIX;
    const parsed = (isWeight ? WEIGHT_TYPE : CAPACITY_TYPE).schema.safeParse(variable.value);
    if (!parsed.success)
      for (const issue of parsed.error.issues) problems.push(complain(variable, issue.message, quote(variable.value)));
    if (servers === undefined) continue;
    const candidates = result.filter((server) => !(isWeight && server.port === 0));
    const found = match(variable.name.slice(prefix.length), candidates);
    if (typeof found === "string") {
      const names = candidates.slice(0, SHOWN_NAMES).map((server) => prefix + suffixOf(server));
      const more = candidates.length > SHOWN_NAMES ? ", …" : "";
      const valid =
        names.length > 0 ? `valid here: ${names.join(", ")}${more}` : "SRV records carry weights of their own";
      problems.push(complain(variable, `${found}; ${valid}`));
      continue;
    }
    const key = `${prefix}${found.url}`;
    const other = setBy.get(key);
    if (other !== undefined) problems.push(complain(variable, `says the same as ${other}: remove one`));
    setBy.set(key, variable.name);
    if (!parsed.success) continue;
    const at = result.indexOf(found);
    result[at] = isWeight
      ? { ...found, weight: parsed.data }
      : { ...found, capacity: parsed.data, hardLimit: parsed.data };
  }
  return { servers: result, problems };
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
  if (similar.length === 1) return similar[0];
  return similar.length === 0 ? "names no server of SERVERS" : "names more than one server of SERVERS";
}
