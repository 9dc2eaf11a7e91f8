/** Settings of what several instances share. */
import { optional, type SectionValues, setting } from "../setting.ts";
import { hostAndPort, hostsAndPorts } from "../values/addresses.ts";
import { integer, path, text, toggle } from "../values/value-types.ts";

/** Where it is. */
export const redis = {
  title: "Redis",
  doc: "What several instances share goes through Redis or Valkey, 5 or newer: one server (`REDIS_ADDR`), a master that Sentinels name (`REDIS_SENTINEL_ADDRS`), or a Redis Cluster (`REDIS_CLUSTER_ADDRS`). Without any of them nothing is shared. Requests never wait for it (docs/cluster.md).",
  settings: {
    addr: optional({
      env: "REDIS_ADDR",
      type: hostAndPort(6379),
      doc: "One server, as host:port.",
      restart: true,
    }),
    username: optional({
      env: "REDIS_USERNAME",
      type: text,
      doc: "Who logs in, where Redis has users (ACL). Unset means its default user.",
      restart: true,
    }),
    password: optional({
      env: "REDIS_PASSWORD",
      type: text,
      doc: "The password. It also is the secret by which keys of rate limits are hashed, which must be the same for all instances.",
      secret: true,
      restart: true,
    }),
    db: setting({
      env: "REDIS_DB",
      type: integer(0, 65_535),
      default: "0",
      doc: "Number of the database there. A Redis Cluster has one alone.",
      restart: true,
    }),
    tls: setting({
      env: "REDIS_TLS",
      type: toggle,
      default: "off",
      doc: "Whether Redis, and Sentinels, are spoken with over TLS. Certificates are checked, and the names in them.",
      restart: true,
    }),
    tlsCaFile: optional({
      env: "REDIS_TLS_CA_FILE",
      type: path,
      doc: "PEM file of the authorities that Redis's certificate may be signed by. Unset means the system's. This and the next two are read with each connection.",
      restart: true,
    }),
    tlsCertFile: optional({
      env: "REDIS_TLS_CERT_FILE",
      type: path,
      doc: "PEM file of our own certificate, for a Redis that asks for one.",
      restart: true,
    }),
    tlsKeyFile: optional({
      env: "REDIS_TLS_KEY_FILE",
      type: path,
      doc: "PEM file of its key.",
      restart: true,
    }),
    sentinelAddrs: optional({
      env: "REDIS_SENTINEL_ADDRS",
      type: hostsAndPorts(26_379),
      doc: "Sentinels, as host:port: they say who is the master. All are asked at once.",
      restart: true,
    }),
    sentinelMaster: optional({
      env: "REDIS_SENTINEL_MASTER",
      type: text,
      doc: "What Sentinels call the master, such as `mymaster`.",
      restart: true,
    }),
    sentinelPassword: optional({
      env: "REDIS_SENTINEL_PASSWORD",
      type: text,
      doc: "The password of the Sentinels, where they have one.",
      secret: true,
      restart: true,
    }),
    clusterAddrs: optional({
      env: "REDIS_CLUSTER_ADDRS",
      type: hostsAndPorts(6379),
      doc: "Some servers of a Redis Cluster, as host:port: the others are heard of from these.",
      restart: true,
    }),
  },
};

/** Its values. */
export type RedisSettings = SectionValues<{ redis: typeof redis }>["redis"];
