/** What servers of a pool are asked for as `Host`. */
import type { ServerPool } from "../pool/server-pool.ts";

/** `null` = what the client asked for. */
export function hostOf({ settings }: ServerPool): Buffer | null {
  return settings.upstreamHost === null ? null : Buffer.from(settings.upstreamHost, "latin1");
}
