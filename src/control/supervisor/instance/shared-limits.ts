/** How this instance shares rate limits with others, as the configuration says it. */
import { createHmac } from "node:crypto";
import type { RedisLink } from "../../../cluster/redis/link.ts";
import type { Config } from "../../../config/config.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import { LimitSharing } from "../../rate-limits/sharing.ts";
import type { SharedLimits } from "./rate-limit-files.ts";

/** `null` = there is no Redis. @param id which instance this is. @param bootMs the boot clock. @param alone see `SharingOptions`. */
export function sharedLimits(
  { redis: { password }, cluster: { name: cluster } }: Pick<Config, "redis" | "cluster">,
  link: RedisLink | null,
  id: string,
  bootMs: () => number,
  alone: () => boolean,
  log: Logger,
): SharedLimits | null {
  if (link === null) return null;
  return {
    sharing: new LimitSharing({ link, cluster, id, bootMs, alone, log }),
    // Who knows the password may reach what is counted anyway.
    secret: (name) => {
      const words = createHmac("sha256", password ?? "")
        .update(`rate limit ${name}`)
        .digest();
      return { k0: words.readInt32LE(0), k1: words.readInt32LE(4) };
    },
  };
}
