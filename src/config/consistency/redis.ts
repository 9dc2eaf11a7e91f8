/** Settings of Redis that contradict each other, or that do nothing as they are. */
import { sharesThroughRedis } from "../redis/place.ts";
import type { Contradictions, PartialConfig } from "./contradictions.ts";

/** A comparison with a missing setting finds nothing: its own problem is reported already. */
export function redisContradictions({ redis }: Pick<PartialConfig, "redis">): Contradictions {
  const { addr, sentinelAddrs, sentinelMaster, sentinelPassword, clusterAddrs, username, password, db, tls } = redis;
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = redis;
  const problems: string[] = [];
  const warnings: string[] = [];
  if (!sharesThroughRedis(redis)) {
    for (const [name, value] of [
      ["REDIS_USERNAME", username],
      ["REDIS_PASSWORD", password],
      ["REDIS_TLS", tls],
      ["REDIS_SENTINEL_MASTER", sentinelMaster],
      ["REDIS_SENTINEL_PASSWORD", sentinelPassword],
    ]) {
      if (value)
        warnings.push(
          `${name} has no effect: none of REDIS_ADDR, REDIS_SENTINEL_ADDRS and REDIS_CLUSTER_ADDRS is set, and nothing is shared`,
        );
    }
    return { problems, warnings };
  }

  const places = [
    ["REDIS_ADDR", addr],
    ["REDIS_SENTINEL_ADDRS", sentinelAddrs],
    ["REDIS_CLUSTER_ADDRS", clusterAddrs],
  ] as const;
  const [first, second] = places.filter(([, value]) => value).map(([name]) => name);
  if (second !== undefined)
    problems.push(`${second}: is set together with ${first}, and there is one Redis: unset the other`);
  if (sentinelAddrs && sentinelMaster === null)
    problems.push(
      "REDIS_SENTINEL_MASTER: is required by REDIS_SENTINEL_ADDRS: say what Sentinels call the master, such as mymaster",
    );
  if (sentinelAddrs === null && (sentinelMaster || sentinelPassword))
    warnings.push("REDIS_SENTINEL_MASTER has no effect: no Sentinels are named (REDIS_SENTINEL_ADDRS)");
  if (clusterAddrs && db! > 0) problems.push(`REDIS_DB: is ${db}, and a Redis Cluster has database 0 alone: unset it`);
  if (username && password === null)
    problems.push("REDIS_PASSWORD: is required by REDIS_USERNAME: who logs in needs one");
  if (tlsCertFile && tlsKeyFile === null)
    problems.push("REDIS_TLS_KEY_FILE: is required by REDIS_TLS_CERT_FILE: name the PEM file of its private key");
  if (tlsKeyFile && tlsCertFile === null)
    problems.push("REDIS_TLS_CERT_FILE: is required by REDIS_TLS_KEY_FILE: name the PEM file of the certificate");
  if (tls === false && (tlsCaFile || tlsCertFile || tlsKeyFile))
    warnings.push("REDIS_TLS_CA_FILE, REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE have no effect: REDIS_TLS is off");
  return { problems, warnings };
}
