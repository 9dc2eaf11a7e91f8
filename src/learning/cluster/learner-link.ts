/** The learner's link to Redis, for all that it shares there. The supervisor has one of its own: neither waits for the other's. */
import { openRedis, type RedisLink } from "../../cluster/redis/link.ts";
import type { LearnerCluster } from "../../protocol/learner.ts";

/** The cluster, and the link to it. */
export interface LinkedCluster extends Pick<LearnerCluster, "name" | "instance"> {
  readonly link: RedisLink;
}

/** Connects when something is asked. @param cluster `null` = there is none. */
export function openLearnerLink(cluster: LearnerCluster | null): LinkedCluster | null {
  if (cluster === null) return null;
  const { place, name, instance } = cluster;
  return { link: openRedis(place), name, instance };
}
