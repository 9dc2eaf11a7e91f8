/** The one connection of a supervisor to Redis: rate limits and the cluster speak over it. */
import type { Config } from "../../../config/config.ts";
import { ReconnectingLink, type RedisLink } from "../../rate-limits/redis-link.ts";

/** `null` = there is no Redis. */
export function openRedisOf({ redis }: Pick<Config, "redis">): RedisLink | null {
  const { addr, password, db, tls } = redis;
  return addr === null ? null : new ReconnectingLink({ addr, password, db, tls });
}
