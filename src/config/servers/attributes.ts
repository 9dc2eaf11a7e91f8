/** What is said of servers beside their URLs: what values it may have, and what a file's list says of each. */

import { CAPACITY, WEIGHT } from "../../shared/ranges.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import type { ValueType } from "../setting.ts";
import { complain, type Entry, quote, type Variable } from "../sources/variable.ts";
import { decimal, integer, text, toggle } from "../values/value-types.ts";

/** Each with its type, and how a server has it. */
const ATTRIBUTES = {
  weight: attribute(decimal(WEIGHT.least, WEIGHT.most), (weight) => ({ weight })),
  capacity: attribute(integer(CAPACITY.least, CAPACITY.most), (capacity) => ({ capacity, hardLimit: capacity })),
  zone: attribute(text, (zone) => ({ zone })),
  backup: attribute(toggle, (backup) => ({ backup })),
} as const;

/** The name of one, as files have it. */
export type Attribute = keyof typeof ATTRIBUTES;

/** One that stands in a file's list. */
export interface ListedAttribute {
  readonly server: ServerSpec;
  readonly attribute: Attribute;
  readonly variable: Variable;
}

interface AttributeType {
  readonly type: ValueType<unknown>;
  readonly apply: (server: ServerSpec, value: unknown) => ServerSpec;
}

function attribute<T>(type: ValueType<T>, part: (value: T) => Partial<ServerSpec>): AttributeType {
  return { type, apply: (server, value) => ({ ...server, ...part(value as T) }) };
}

/** The server with what `variable` says of it; `undefined` after its problems were told, or without a server. */
export function withAttribute(
  server: ServerSpec | undefined,
  name: Attribute,
  variable: Variable,
  problems: string[],
): ServerSpec | undefined {
  const { type, apply } = ATTRIBUTES[name];
  const parsed = type.schema.safeParse(variable.value);
  if (parsed.success) return server && apply(server, parsed.data);
  for (const { message } of parsed.error.issues) {
    problems.push(complain(variable, message, quote(variable.shown ?? variable.value)));
  }
  return undefined;
}

/**
 * @param servers `undefined` when the list itself is wrong: then only the values are checked.
 * @param entries of a file's list, in the order of `servers`.
 */
export function applyListed(
  servers: readonly ServerSpec[] | undefined,
  entries: readonly Entry[],
  problems: string[],
): { readonly servers: ServerSpec[]; readonly listed: readonly ListedAttribute[] } {
  const result = [...(servers ?? [])];
  const listed: ListedAttribute[] = [];
  for (const [index, entry] of entries.entries()) {
    for (const name of Object.keys(ATTRIBUTES) as Attribute[]) {
      const variable = entry[name];
      if (variable === undefined) continue;
      const server = result[index] as ServerSpec | undefined;
      const changed = withAttribute(server, name, variable, problems);
      if (server === undefined) continue;
      if (name === "weight" && server.source === "srv") {
        problems.push(complain(variable, "cannot be: SRV records carry weights of their own"));
        continue;
      }
      listed.push({ server, attribute: name, variable });
      if (changed !== undefined) result[index] = changed;
    }
  }
  if (servers !== undefined && result.length > 0 && result.every(({ backup }) => backup)) {
    const { variable } = listed.find(({ attribute: name }) => name === "backup")!;
    problems.push(complain(variable, "makes every server a backup: of what? Leave one without"));
  }
  return { servers: result, listed };
}
