/**
 * What PostgreSQL, and the way to it, say went wrong, as `StoreError`s with sentences. The server's own words are repeated
 * where they say more than the code does: they name tables and users, never a password.
 */
import { StoreError, type StoreProblemKind } from "../store-error.ts";
import { describeLocation, type PostgresLocation } from "./location.ts";

type Meaning = readonly [
  code: string,
  kind: StoreProblemKind,
  meaning: (where: PostgresLocation, said: string) => string,
];

/** By SQLSTATE, or the beginning of one, or the driver's code; the first that fits counts. */
const MEANINGS: readonly Meaning[] = [
  ["28P01", "unavailable", ({ user }) => `the password is wrong for user ${user}: see DB_USER and DB_PASSWORD`],
  [
    "28000",
    "unavailable",
    ({ user }, said) =>
      `user ${user} may not log in this way (${said}): see DB_USER, DB_SSLMODE and the server's pg_hba.conf`,
  ],
  [
    "3D000",
    "unavailable",
    ({ database }) => `there is no such database: create it (CREATE DATABASE "${database}"), or see DB_NAME`,
  ],
  [
    "3F000",
    "unavailable",
    ({ user }) => `user ${user} has no schema to make tables in: grant CREATE on one of its search_path`,
  ],
  [
    "42501",
    "read_only",
    ({ user }, said) => `user ${user} lacks a right (${said}): docs/database.md lists what it needs`,
  ],
  ["25006", "read_only", () => "the server is read-only: a replica, or default_transaction_read_only"],
  ["53100", "disk_full", () => "the server's disk is full"],
  ["53300", "unavailable", () => "the server has no connection left: see its max_connections, and DB_MAX_OPEN_CONNS"],
  ["53", "unavailable", (_, said) => `the server lacks resources (${said})`],
  ["55P03", "locked", () => "another session keeps a lock that is needed"],
  ["40", "locked", (_, said) => `another session was in the way (${said})`],
  ["25P03", "locked", () => "a transaction was idle for too long and was ended by the server"],
  [
    "57014",
    "unavailable",
    ({ statementTimeoutMs }) => `a statement took longer than DB_STATEMENT_TIMEOUT_MS (${statementTimeoutMs})`,
  ],
  ["57P03", "unavailable", () => "the server is starting or stopping"],
  ["57P", "unavailable", () => "the server ended the connection"],
  ["XX001", "corrupt", (_, said) => `data in it is damaged (${said})`],
  ["XX002", "corrupt", (_, said) => `an index in it is damaged (${said}): REINDEX may mend it`],
  ["42P01", "unavailable", (_, said) => `its tables are not as this version made them (${said})`],
  ["42703", "unavailable", (_, said) => `its tables are not as this version made them (${said})`],
  ["58", "unavailable", (_, said) => `the server met trouble with its system (${said})`],
  ["08", "unavailable", (_, said) => `the connection failed (${said})`],
  [
    "ERR_POSTGRES_CONNECTION_REFUSED",
    "unavailable",
    () => "nothing answers there: see DB_HOST and DB_PORT, and whether the server runs",
  ],
  [
    "ERR_POSTGRES_CONNECTION_TIMEOUT",
    "unavailable",
    ({ connectTimeoutMs }) => `no connection within DB_CONNECT_TIMEOUT_MS (${connectTimeoutMs})`,
  ],
  ["ERR_POSTGRES_CONNECTION_CLOSED", "unavailable", () => "the connection was closed"],
  [
    "ERR_POSTGRES_TLS_NOT_AVAILABLE",
    "unavailable",
    ({ sslMode }) => `the server does not encrypt, and DB_SSLMODE is ${sslMode}`,
  ],
  [
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "unavailable",
    ({ host }) => `the server's certificate is for another name than DB_HOST (${host})`,
  ],
  ["CERT_HAS_EXPIRED", "unavailable", () => "the server's certificate has expired"],
  ["CERT_", "unavailable", (_, said) => `the server's certificate cannot be trusted (${said})`],
  [
    "UNABLE_TO_",
    "unavailable",
    (_, said) => `the server's certificate is not signed by an authority of DB_SSLROOTCERT (${said})`,
  ],
  [
    "SELF_SIGNED",
    "unavailable",
    (_, said) => `the server's certificate is not signed by an authority of DB_SSLROOTCERT (${said})`,
  ],
  [
    "DEPTH_ZERO_SELF_SIGNED",
    "unavailable",
    (_, said) => `the server's certificate is not signed by an authority of DB_SSLROOTCERT (${said})`,
  ],
  ["ENOENT", "unavailable", ({ sslRootCert }) => `DB_SSLROOTCERT: there is no such file (${sslRootCert})`],
  ["EACCES", "unavailable", ({ sslRootCert }) => `DB_SSLROOTCERT: it may not be read (${sslRootCert})`],
];

/** What is wrong with rows, not with the store: they will not fit the next time either. */
const ABOUT_ROWS = /^(22|23)/;

/**
 * What `error` means for the database, as a `StoreError`. What is wrong with a row rather than with the store, and errors that
 * do not come from the database, pass unchanged.
 */
export function storeErrorOf(error: unknown, where: PostgresLocation): unknown {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  if (code === null || ABOUT_ROWS.test(code)) return error;
  const said = (error as Error).message;
  const [, kind, meaning] = MEANINGS.find(([prefix]) => code.startsWith(prefix)) ?? [
    "",
    "unavailable" as const,
    () => said,
  ];
  return new StoreError(kind, `${describeLocation(where)}: ${meaning(where, said)} (${code})`, error);
}

/** The SQLSTATE, or the code of the driver or the system; `null` for an error of none of them. */
export function codeOf(error: unknown): string | null {
  const { errno, code } = (error ?? {}) as { errno?: unknown; code?: unknown };
  if (typeof errno === "string" && /^[0-9A-Z]{5}$/.test(errno)) return errno;
  return typeof code === "string" &&
    /^(ERR_POSTGRES|ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|E[A-Z0-9]+$)/.test(code)
    ? code
    : null;
}
