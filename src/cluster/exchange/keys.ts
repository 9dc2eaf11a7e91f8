/** Names of keys in Redis. */

/** Raised when what is kept there means something else: instances of both versions then go beside each other. */
const FORMAT = 1;

/** The key of something that the instances of a cluster share; all of one cluster are in one slot of a Redis Cluster. */
export function clusterKey(cluster: string, what: string): string {
  return `neurabalancer:${FORMAT}:{${cluster}}:${what}`;
}
