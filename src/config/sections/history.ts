/** Settings of what is remembered of traffic, and of the database that may keep it. */
import { optional, setting } from "../setting.ts";
import {
  days,
  hours,
  integer,
  milliseconds,
  minutes,
  oneOf,
  path,
  port,
  size,
  text,
  toggle,
  wholeText,
} from "../values/value-types.ts";

/** What `DB_SSLMODE` may be: as libpq has them, without those that fall back in silence. */
export const SSL_MODES = ["disable", "require", "verify-ca", "verify-full"] as const;

/** What happened: requests, servers, events. */
export const history = {
  title: "History",
  doc: "What happened is kept in the store: every request is counted by the second, single ones are kept as a sample, and so are events. Ask it with `neurabalancer stats` and `neurabalancer replay` (docs/history.md).",
  settings: {
    enabled: setting({
      env: "HISTORY",
      type: toggle,
      default: "on",
      doc: "Keep what happens.",
      givenTo: { worker: "history" },
    }),
    maxRequestRowsPerSecond: setting({
      env: "REQUEST_LOG_MAX_ROWS_PER_SECOND",
      type: integer(0, 10_000),
      default: "100",
      doc: "Single requests that are kept per second; failed and slow ones come first. Each says how many it stands for. 0 = none: requests are only counted.",
      givenTo: { recorder: "maxRequestRowsPerSecond" },
    }),
    slowRequestMs: setting({
      env: "REQUEST_LOG_SLOW_MS",
      type: milliseconds(0, 3_600_000),
      default: "0",
      doc: "What takes longer counts as slow. 0 = the slowest hundredth of late.",
      givenTo: { recorder: "slowRequestMs" },
    }),
    detailRetentionMs: setting({
      env: "HISTORY_DETAIL_HOURS",
      type: hours(1, 8_760),
      default: "72",
      doc: "How long single requests and counts by the second are kept.",
    }),
    minutesRetentionMs: setting({
      env: "HISTORY_MINUTES_DAYS",
      type: days(1, 3_650),
      default: "31",
      doc: "How long counts by the minute are kept.",
    }),
    hoursRetentionMs: setting({
      env: "HISTORY_HOURS_DAYS",
      type: days(1, 3_650),
      default: "400",
      doc: "How long counts by the hour, and events, are kept.",
    }),
    maxFileSizeBytes: setting({
      env: "HISTORY_MAX_MEGABYTES",
      type: size(16, 10_000_000, "mebibyte"),
      default: "1024",
      doc: "Size of what is kept of the past, beyond which the oldest goes.",
    }),
  },
};

/** Where it is kept, if not in files. */
export const database = {
  title: "Database",
  doc: "With `DB_HOST`, PostgreSQL keeps what is learned and what happened, for several instances (docs/database.md). TimescaleDB is used where its extension is.",
  settings: {
    instanceName: optional({
      env: "INSTANCE_NAME",
      type: text,
      doc: "What this instance is called in a store that several share: what it learned is found under it after a restart. Unset means the machine's name.",
    }),
    host: optional({
      env: "DB_HOST",
      type: text,
      doc: "Name or address of a PostgreSQL server. Unset means that everything is kept in files below `DATA_DIR`.",
    }),
    port: setting({ env: "DB_PORT", type: port(1), default: "5432", doc: "Its port." }),
    name: setting({
      env: "DB_NAME",
      type: text,
      default: "neurabalancer",
      doc: "The database. It must exist; tables are made in it.",
    }),
    user: setting({ env: "DB_USER", type: text, default: "postgres", doc: "Who logs in." }),
    password: optional({
      env: "DB_PASSWORD",
      type: wholeText,
      secret: true,
      doc: "The password; required with `DB_HOST`. Where the server asks for none, any text does.",
    }),
    sslMode: setting({
      env: "DB_SSLMODE",
      type: oneOf(SSL_MODES),
      default: "disable",
      doc: "`require` encrypts, `verify-ca` also checks who signed the server's certificate, `verify-full` also its name.",
    }),
    sslRootCert: optional({
      env: "DB_SSLROOTCERT",
      type: path,
      doc: "PEM file of the authorities that `verify-ca` and `verify-full` trust. Unset means those that come with the runtime.",
    }),
    maxOpenConnections: setting({
      env: "DB_MAX_OPEN_CONNS",
      type: integer(1, 1_000),
      default: "25",
      doc: "The most connections of an instance. It takes two to write and some more when it is asked something.",
    }),
    maxIdleConnections: setting({
      env: "DB_MAX_IDLE_CONNS",
      type: integer(0, 1_000),
      default: "10",
      doc: "The most of them that are kept while they have nothing to do.",
    }),
    connectionLifetimeMs: setting({
      env: "DB_CONN_MAX_LIFETIME_MINUTES",
      type: minutes(0, 100_000),
      default: "30",
      doc: "How old a connection may get. 0 = as old as it likes.",
    }),
    connectTimeoutMs: setting({
      env: "DB_CONNECT_TIMEOUT_MS",
      type: milliseconds(1, 600_000),
      default: "5000",
      doc: "How long connecting may take.",
    }),
    statementTimeoutMs: setting({
      env: "DB_STATEMENT_TIMEOUT_MS",
      type: milliseconds(100, 3_600_000),
      default: "10000",
      doc: "How long a statement may take, in the server and on the way.",
    }),
  },
};
