/** Where Redis is, and how it is spoken with: what every process that shares something with other instances is told. */

/** Names of files in PEM form. They are read with each connection: what was renewed is used. */
export interface RedisTlsFiles {
  /** The authorities that are believed; `null` = the system's. */
  readonly caFile: string | null;
  /** Our own certificate and its key; both or neither. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

/** Whole: what a process needs to open a link. It holds passwords: never in an argument. */
export interface RedisPlace {
  /** What is at `addrs`: one server, Sentinels that know who is the master, or servers of a Redis Cluster. */
  readonly kind: "single" | "sentinel" | "cluster";
  /** host:port, IPv6 in brackets; one at least. */
  readonly addrs: readonly string[];
  /** What Sentinels call the master; for them alone. */
  readonly master: string | null;
  /** `null` = the default user. */
  readonly username: string | null;
  readonly password: string | null;
  /** Of the Sentinels. */
  readonly sentinelPassword: string | null;
  readonly db: number;
  /** `null` = without TLS. Sentinels are spoken with in the same way. */
  readonly tls: RedisTlsFiles | null;
}
