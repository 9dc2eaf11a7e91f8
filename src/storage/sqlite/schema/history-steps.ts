/**
 * The tables of what happened. Times are milliseconds since the epoch.
 *
 * - Whose counts, requests and gauges these are stands once, in `series`; it goes when `last_seen` (whole hours) is older than
 *   all that is kept. Its id is never given again: readers remember what ids mean.
 * - Rows lie in the order of time, so that they are added at the end, go at the beginning, and are read in one piece.
 * - `durations`: see durations-blob.ts.
 * - What people set in `servers` is finite: nothing else has a form in messages. Its range is checked where it would count.
 */
import type { PartStep } from "./steps.ts";

const metricsTable = (name: string): string =>
  `CREATE TABLE ${name} (
    at INTEGER NOT NULL,
    series INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    duration_sum_ms REAL NOT NULL,
    wait_sum_ms REAL NOT NULL,
    waited INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL,
    durations BLOB NOT NULL,
    PRIMARY KEY (at, series)
  ) STRICT, WITHOUT ROWID`;

/** All of them. */
const VERSION_4: PartStep = {
  up: [
    `CREATE TABLE servers (
      id INTEGER PRIMARY KEY,
      pool TEXT NOT NULL,
      host TEXT NOT NULL,
      port INTEGER NOT NULL,
      weight REAL CHECK (abs(weight) < 9e999),
      capacity REAL CHECK (abs(capacity) < 9e999),
      configured_weight REAL NOT NULL,
      configured_capacity REAL NOT NULL,
      first_seen INTEGER NOT NULL,
      last_seen INTEGER NOT NULL,
      removed_at INTEGER,
      UNIQUE (pool, host, port)
    ) STRICT`,
    `CREATE TABLE series (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      instance TEXT NOT NULL,
      pool TEXT NOT NULL,
      route TEXT NOT NULL,
      server TEXT NOT NULL,
      address TEXT NOT NULL,
      status_class INTEGER NOT NULL,
      last_seen INTEGER NOT NULL,
      UNIQUE (instance, pool, route, server, address, status_class)
    ) STRICT`,
    metricsTable("metrics"),
    metricsTable("metrics_1m"),
    metricsTable("metrics_1h"),
    `CREATE TABLE requests (
      at INTEGER NOT NULL,
      series INTEGER NOT NULL,
      request_id TEXT NOT NULL,
      method TEXT NOT NULL,
      path TEXT NOT NULL,
      status INTEGER NOT NULL,
      error TEXT NOT NULL,
      duration_ms REAL NOT NULL,
      wait_ms REAL NOT NULL,
      head_ms REAL,
      attempts INTEGER NOT NULL,
      in_flight INTEGER NOT NULL,
      response_bytes INTEGER NOT NULL,
      client TEXT NOT NULL,
      reason TEXT NOT NULL,
      weight REAL NOT NULL,
      PRIMARY KEY (at, series, request_id)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE server_gauges (
      at INTEGER NOT NULL,
      series INTEGER NOT NULL,
      state TEXT NOT NULL,
      weight REAL NOT NULL,
      effective_weight REAL NOT NULL,
      in_flight INTEGER NOT NULL,
      cpu_percent REAL,
      memory_percent REAL,
      PRIMARY KEY (at, series)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE events (
      id INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      instance TEXT NOT NULL,
      kind TEXT NOT NULL,
      pool TEXT NOT NULL,
      server TEXT NOT NULL,
      address TEXT NOT NULL,
      actor TEXT NOT NULL,
      message TEXT NOT NULL,
      detail TEXT NOT NULL
    ) STRICT`,
    "CREATE INDEX events_by_time ON events (at, id)",
  ],
  down: ["events", "server_gauges", "requests", "metrics_1h", "metrics_1m", "metrics", "series", "servers"].map(
    (table) => `DROP TABLE ${table}`,
  ),
};

/** There was no history before version 4; what operators set is in files of its own (storage/operations/). */
const NOTHING: PartStep = { up: [], down: [] };

/** Step i leads to version i + 1. A step that was released is never changed. */
export const HISTORY_STEPS: readonly PartStep[] = Object.freeze([NOTHING, NOTHING, NOTHING, VERSION_4, NOTHING]);
