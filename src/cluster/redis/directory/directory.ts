/** Who is to be asked: one server, the master that Sentinels name, or the master of a slot of a Redis Cluster. */
import type { RedisPlace } from "../../../protocol/redis-place.ts";
import type { RedisAccess, RedisConnection } from "../connection.ts";
import { ClusterDirectory } from "./cluster-directory.ts";
import { SentinelDirectory } from "./sentinel-directory.ts";

export interface Directory {
  /** host:port. Rejects with a `RedisError`. @param slot of the key, where that matters. */
  find(slot: number): Promise<string>;
  /** Something went wrong there: whoever is asked for next is found anew. */
  forget(): void;
  /** Rejects with a `RedisError` where it is not who it should be. */
  check(connection: RedisConnection): Promise<void>;
}

/** How the servers of a place are spoken with. */
export function accessTo({ username, password, db, tls }: RedisPlace): RedisAccess {
  return { username, password, db, tls, passwordSetting: "REDIS_PASSWORD" };
}

export function directoryOf(place: RedisPlace): Directory {
  const { kind, addrs } = place;
  if (kind === "sentinel") return new SentinelDirectory(place);
  if (kind === "cluster") return new ClusterDirectory(addrs, accessTo(place));
  return { find: async () => addrs[0], forget: () => {}, check: async () => {} };
}
