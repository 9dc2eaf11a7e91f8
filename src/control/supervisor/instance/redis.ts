/** The one connection of a supervisor to Redis: rate limits and the cluster speak over it. */
import { openRedis, type RedisLink } from "../../../cluster/redis/link.ts";
import type { Config } from "../../../config/config.ts";
import { toRedisPlace } from "../../../config/redis/place.ts";

/** `null` = there is none, and nothing is shared. */
export function openRedisOf({ redis }: Pick<Config, "redis">): RedisLink | null {
  const place = toRedisPlace(redis);
  return place === null ? null : openRedis(place);
}
