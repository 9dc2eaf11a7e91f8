/** Who says who is to be asked, by what the place is. */
import type { RedisPlace } from "../../../protocol/redis-place.ts";
import type { RedisAccess } from "../connection.ts";
import { ClusterDirectory } from "./cluster-directory.ts";
import type { Directory } from "./directory.ts";
import { SentinelDirectory } from "./sentinel-directory.ts";

/** How the servers of a place are spoken with. */
export function accessTo({ username, password, db, tls }: RedisPlace): RedisAccess {
  return { username, password, db, tls, passwordSetting: "REDIS_PASSWORD" };
}

/** The one that fits. */
export function directoryOf(place: RedisPlace): Directory {
  const { kind, addrs } = place;
  if (kind === "sentinel") return new SentinelDirectory(place);
  if (kind === "cluster") return new ClusterDirectory(addrs, accessTo(place));
  return { find: async () => addrs[0], forget: () => {}, check: async () => {} };
}
