/** Servers that were added to pools and removed from them at run time. */

import { MAX_SERVERS } from "../../shared/memory/layout/shared-memory.ts";
import type { AddedServer, OverrideOf } from "../../shared/operations/override.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import { type Attribute, withAttribute } from "../servers/attributes.ts";
import { serverList } from "../servers/list.ts";
import { type OverrideLayer, originOf } from "./layer.ts";

/** The servers of one pool. */
export interface PoolServers {
  readonly pool: string;
  /** `undefined`: the list itself is wrong. */
  readonly servers: readonly ServerSpec[] | undefined;
}

/** The one server that a URL means, as the configuration would read it; throws an `Error` for people. */
export function serverOf(url: string): ServerSpec {
  const parsed = serverList.schema.safeParse(url);
  if (!parsed.success) throw new Error(parsed.error.issues.map(({ message }) => message).join("; "));
  if (parsed.data.length !== 1) throw new Error(`${url} names ${parsed.data.length} servers: give one`);
  return parsed.data[0];
}

/** The lists with what was added and without what was removed. What cannot be is told in `problems`. */
export function overrideServers(
  lists: readonly PoolServers[],
  layer: OverrideLayer,
  problems: string[],
): PoolServers[] {
  const changed = lists.map(({ pool, servers }) => {
    if (servers === undefined) return { pool, servers };
    const removed = layer.of("server_removed").filter(({ target }) => target.pool === pool);
    const added = layer.of("server_added").filter(({ target }) => target.pool === pool);
    if (removed.length === 0 && added.length === 0) return { pool, servers };
    const left = servers.filter(({ url }) => !removed.some(({ target }) => target.url === url));
    for (const override of added) add(left, override, problems);
    const last = [...removed, ...added].at(-1)!;
    if (left.length === 0) {
      problems.push(`pool ${pool} would have no servers (${originOf(last)}): add one first`);
    } else if (left.every(({ backup }) => backup)) {
      problems.push(`every server of pool ${pool} would be a backup (${originOf(last)}): of what? Leave one without`);
    }
    return { pool, servers: left };
  });
  const count = changed.reduce((sum, { servers = [] }) => sum + servers.length, 0);
  if (layer.of("server_added").length > 0 && count > MAX_SERVERS) {
    problems.push(`there would be ${count} servers in all; the most is ${MAX_SERVERS}: remove some first`);
  }
  return changed;
}

function add(servers: ServerSpec[], override: OverrideOf<"server_added">, problems: string[]): void {
  const { target, value } = override;
  const origin = originOf(override);
  let server: ServerSpec | undefined;
  try {
    server = serverOf(target.url);
  } catch (error) {
    problems.push(`the server added to pool ${target.pool} (${origin}): ${(error as Error).message}`);
    return;
  }
  const { host, port } = server;
  if (servers.some((other) => other.host === host && other.port === port)) {
    problems.push(`pool ${target.pool} has ${target.url} already (${origin}): add each server once`);
    return;
  }
  for (const [name, given] of Object.entries(textsOf(value))) {
    if (name === "weight" && port === 0) {
      problems.push(`the weight of ${target.url} (${origin}) cannot be: SRV records carry weights of their own`);
      continue;
    }
    const variable = { name: `${name} of ${target.url}`, value: given, origin, inFile: true };
    server = withAttribute(server, name as Attribute, variable, problems) ?? server;
  }
  servers.push(server);
}

/** As a file would say them. */
function textsOf({ weight, capacity, zone, backup }: AddedServer): Partial<Record<Attribute, string>> {
  return {
    ...(weight !== undefined && { weight: String(weight) }),
    ...(capacity !== undefined && { capacity: String(capacity) }),
    ...(zone !== undefined && { zone }),
    ...(backup !== undefined && { backup: backup ? "on" : "off" }),
  };
}
