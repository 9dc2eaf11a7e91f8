/** Which server is meant, by what people call it. */
import type { ServerStatus } from "../../control/fleet/status.ts";

/** As the admin API shows it. */
export type ListedServer = Pick<
  ServerStatus,
  "id" | "url" | "address" | "port" | "pool" | "state" | "state_reason" | "removed" | "active_connections"
> &
  Pick<
    ServerStatus,
    | "weight"
    | "configured_weight"
    | "concurrency_limit"
    | "concurrency_limit_sources"
    | "hard_limit"
    | "traffic_share"
    | "response_ms"
    | "backup"
  >;

/**
 * @param name its id, its URL, its host and port as configured, or its address and port. Throws an `Error` that lists what there is
 * unless it is one server.
 */
export function findServer(servers: readonly ListedServer[], name: string, pool: string | undefined): ListedServer {
  const present = servers.filter((server) => !server.removed && (pool === undefined || server.pool === pool));
  const byId = /^\d+$/.test(name) ? present.filter(({ id }) => id === Number(name)) : [];
  const found = byId.length > 0 ? byId : present.filter((server) => namesOf(server).includes(name.replace(/\/$/, "")));
  if (found.length === 1) return found[0];
  const list = (found.length === 0 ? present : found).map(({ id, url, address, pool: of }) => {
    return `${id} (${url}${url.includes(address) ? "" : `, ${address}`}, pool ${of})`;
  });
  throw new Error(
    found.length === 0
      ? `there is no server ${name}${pool === undefined ? "" : ` in pool ${pool}`}: there are ${list.join(", ")}`
      : `${name} is the name of ${found.length} servers: give the id of one, ${list.join(", ")}`,
  );
}

function namesOf({ url, address, port }: ListedServer): string[] {
  const host = address.includes(":") ? `[${address}]` : address;
  return [url, url.replace(/^[a-z+]+:\/\//, ""), `${host}:${port}`];
}
