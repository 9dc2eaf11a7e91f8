/**
 * Weights and capacities of servers: those that stand beside a server's URL in a file's list, and over them
 * `SERVER_WEIGHT_<host>_<port>` and `SERVER_CAPACITY_<host>_<port>`.
 */

import { CAPACITY, WEIGHT } from "../../shared/ranges.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import { CAPACITY_PREFIX, WEIGHT_PREFIX } from "../schema.ts";
import { complain, type Entry, quote, type Variable } from "../sources/source.ts";
import { decimal, integer } from "../values/value-types.ts";

const WEIGHT_TYPE = decimal(WEIGHT.least, WEIGHT.most);
const CAPACITY_TYPE = integer(CAPACITY.least, CAPACITY.most);
/** How many valid names an error shows. */
const SHOWN_NAMES = 8;

/** The servers with their weights and capacities, and every problem found. */
export interface OverrideResult {
  readonly servers: readonly ServerSpec[];
  readonly problems: readonly string[];
  /** What is in force of them, as variables. */
  readonly applied: readonly Variable[];
}

/** True for names of this module. */
export function isOverride(name: string): boolean {
  return name.startsWith(WEIGHT_PREFIX) || name.startsWith(CAPACITY_PREFIX);
}

/**
 * @param servers `undefined` when `SERVERS` itself is wrong: then only the numbers are checked.
 * @param entries of a file's list, in the order of `servers`.
 */
export function applyOverrides(
  servers: readonly ServerSpec[] | undefined,
  variables: readonly Variable[],
  entries: readonly Entry[] = [],
): OverrideResult {
  const problems: string[] = [];
  const result = [...(servers ?? [])];
  const listed = new Map<string, Variable>();
  for (const [index, { weight, capacity }] of entries.entries()) {
    for (const [prefix, variable] of [[WEIGHT_PREFIX, weight] as const, [CAPACITY_PREFIX, capacity] as const]) {
      if (variable === undefined) continue;
      const value = readNumber(prefix, variable, problems);
      const server = result[index] as ServerSpec | undefined;
      if (server === undefined) continue;
      if (prefix === WEIGHT_PREFIX && server.port === 0) {
        problems.push(complain(variable, "cannot be: SRV records carry weights of their own"));
        continue;
      }
      listed.set(prefix + server.url, { ...variable, name: prefix + suffixOf(server) });
      if (value !== undefined) result[index] = withNumber(server, prefix, value);
    }
  }
  const setBy = new Map<string, string>();
  for (const variable of variables) {
    const prefix = variable.name.startsWith(WEIGHT_PREFIX) ? WEIGHT_PREFIX : CAPACITY_PREFIX;
    const value = readNumber(prefix, variable, problems);
    if (servers === undefined) continue;
    const candidates = result.filter((server) => !(prefix === WEIGHT_PREFIX && server.port === 0));
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
    listed.delete(key);
    if (value !== undefined) result[result.indexOf(found)] = withNumber(found, prefix, value);
  }
  return { servers: result, problems, applied: [...listed.values(), ...variables] };
}

/** `undefined` after its problems were told. */
function readNumber(prefix: string, variable: Variable, problems: string[]): number | undefined {
  const { value, shown } = variable;
  const parsed = (prefix === WEIGHT_PREFIX ? WEIGHT_TYPE : CAPACITY_TYPE).schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { message } of parsed.error.issues) problems.push(complain(variable, message, quote(shown ?? value)));
  return undefined;
}

function withNumber(server: ServerSpec, prefix: string, value: number): ServerSpec {
  return prefix === WEIGHT_PREFIX ? { ...server, weight: value } : { ...server, capacity: value, hardLimit: value };
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
