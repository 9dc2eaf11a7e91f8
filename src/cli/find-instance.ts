/** Finds the admin port of the instance that a command is meant for, where no flag says it. */
import { isIPv6 } from "node:net";
import type { AdminPlace } from "../control/supervisor/ports/admin-place.ts";

/** An address as it is reached from this machine. */
export function urlOf({ host, port, tls }: Pick<AdminPlace, "host" | "port" | "tls">): string {
  const everywhere: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  const reached = everywhere[host] ?? host;
  return `${tls ? "https" : "http"}://${isIPv6(reached) ? `[${reached}]` : reached}:${port}`;
}

/**
 * The instance that was started in this directory; `undefined` = none was. One of another directory is never asked unless it is
 * named: what is meant for one fleet must not reach another. Throws an `Error` for the operator when there are several.
 */
export function instanceOf(directory: string, places: readonly AdminPlace[]): AdminPlace | undefined {
  // Services that were given no directory are all started there.
  const own = places.filter((place) => place.directory === directory && directory !== "/");
  if (own.length <= 1) return own[0];
  throw new Error(`several instances were started in ${directory}: name one by --admin: ${listOf(own)}`);
}

/** What else there is, for whoever has found none; empty = nothing. */
export function othersIn(places: readonly AdminPlace[]): string {
  return places.length === 0 ? "" : `; on this machine are ${listOf(places)}`;
}

function listOf(places: readonly AdminPlace[]): string {
  return places.map((place) => `${urlOf(place)} (process ${place.pid}, in ${place.directory})`).join(", ");
}
