/** Where a database is: what the settings say of it, as it travels between processes. */

/** How the connection is encrypted, and what is checked of the server's certificate: as libpq has them. */
export type SslMode = "disable" | "require" | "verify-ca" | "verify-full";

/** A database of a PostgreSQL server. It has a password in it: it travels over IPC and standard input only. */
export interface PostgresLocation {
  readonly kind: "postgres";
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Empty where the server asks for none. */
  readonly password: string;
  readonly sslMode: SslMode;
  /** PEM file of the authorities that are trusted; `null` = the system's. */
  readonly sslRootCert: string | null;
  /** What this instance is called in a store that several share. */
  readonly instance: string;
  /** All connections of an instance together: see session-pool.ts. */
  readonly maxOpenConnections: number;
  readonly maxIdleConnections: number;
  /** 0 = for ever. */
  readonly connectionLifetimeMs: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

/** The database as messages call it, without secrets. */
export function describeLocation({ host, port, database }: PostgresLocation): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return `PostgreSQL ${name}:${port}/${database}`;
}
