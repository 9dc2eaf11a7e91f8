/** Where Redis is, as the settings of a balancer say it. */
import { loadConfig } from "../../../../src/config/load.ts";
import { toRedisPlace } from "../../../../src/config/redis/place.ts";
import { environmentSource } from "../../../../src/config/sources/environment.ts";
import type { RedisPlace } from "../../../../src/protocol/redis-place.ts";

/** Throws what is wrong with them. */
export function placeFrom(env: Readonly<Record<string, string>>): RedisPlace {
  const loaded = loadConfig([environmentSource({ SERVERS: "http://127.0.0.1:1", ...env })]);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  const place = toRedisPlace(loaded.config.redis);
  if (place === null) throw new Error("they name no Redis");
  return place;
}
