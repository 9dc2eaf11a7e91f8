/** What the learner is told when it starts, as far as the configuration says it. */
import type { Config } from "../../../config/config.ts";
import { toLearnerSettings } from "../../../config/learner-settings.ts";
import { toRedisPlace } from "../../../config/redis/place.ts";
import type { LearnerCluster, LearnerStart } from "../../../protocol/learner.ts";
import type { ProxySettings } from "../../../protocol/worker.ts";
import { instanceNameOf } from "./cluster-options.ts";

/** @param id of this instance, among the others. */
export function learnerStart(
  { config, settings }: { readonly config: Config; readonly settings: Pick<ProxySettings, "logFormat" | "logLevel"> },
  id: string,
): Pick<LearnerStart, "type" | "logFormat" | "logLevel" | "settings" | "cluster"> {
  const { logFormat, logLevel } = settings;
  return {
    type: "start",
    logFormat,
    logLevel,
    settings: toLearnerSettings(config),
    cluster: learnerCluster(config, id),
  };
}

/** `null` = it shares nothing. */
function learnerCluster(config: Pick<Config, "redis" | "cluster" | "database">, id: string): LearnerCluster | null {
  const place = toRedisPlace(config.redis);
  const shares = (["learned", "model"] as const).filter((share) => config.cluster.share.includes(share));
  if (place === null || shares.length === 0) return null;
  return { place, name: config.cluster.name, shares, instance: { id, name: instanceNameOf(config) } };
}
