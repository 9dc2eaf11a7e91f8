/** The settings of Redis, as those who speak with it are told them. */
import { resolve } from "node:path";
import type { RedisPlace } from "../../protocol/redis-place.ts";
import type { RedisSettings } from "../sections/redis.ts";
import { type Findings, readAuthorities, readCertificate } from "../tls-files.ts";

const NAMES = { cert: "REDIS_TLS_CERT_FILE", key: "REDIS_TLS_KEY_FILE", seenBy: "servers" } as const;

/** Where it may be: of a configuration in which single values may be wrong, too. */
type Places = Partial<Pick<RedisSettings, "addr" | "sentinelAddrs" | "clusterAddrs">>;

/** Whether there is one. */
export function sharesThroughRedis({ addr, sentinelAddrs, clusterAddrs }: Places): boolean {
  return [addr, sentinelAddrs, clusterAddrs].some((place) => place !== null);
}

/** `null` = there is none, and nothing is shared. */
export function toRedisPlace(redis: RedisSettings): RedisPlace | null {
  const { addr, sentinelAddrs, sentinelMaster, sentinelPassword, clusterAddrs, username, password, db } = redis;
  const common = { username, password, sentinelPassword, db, tls: tlsFiles(redis) };
  if (sentinelAddrs !== null) return { ...common, kind: "sentinel", addrs: sentinelAddrs, master: sentinelMaster };
  if (clusterAddrs !== null) return { ...common, kind: "cluster", addrs: clusterAddrs, master: null };
  return addr === null ? null : { ...common, kind: "single", addrs: [addr], master: null };
}

/** Tells what is wrong with the files; they are read again with each connection. */
export function readRedisFiles(redis: RedisSettings, nowMs: number, findings: Findings): void {
  const { caFile, certFile, keyFile } = tlsFiles(redis) ?? {};
  if (caFile) readAuthorities(caFile, findings, "REDIS_TLS_CA_FILE");
  if (certFile && keyFile) readCertificate(certFile, keyFile, nowMs, findings, NAMES);
}

function tlsFiles({ tls, tlsCaFile, tlsCertFile, tlsKeyFile }: RedisSettings): RedisPlace["tls"] {
  if (!tls) return null;
  const whole = (file: string | null) => (file === null ? null : resolve(file));
  return { caFile: whole(tlsCaFile), certFile: whole(tlsCertFile), keyFile: whole(tlsKeyFile) };
}
