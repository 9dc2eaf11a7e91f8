/**
 * All SQL of TimescaleDB, by the documented interface of 2.x: counts by the second, requests and gauges are hypertables, which
 * are compressed and dropped by policies; minutes and hours are continuous aggregates of the seconds.
 */
import { historyBucketCount } from "../../shared/history-buckets.ts";
import type { HistoryLimits } from "../history-store.ts";

/** The oldest release whose continuous aggregates can be what these are. */
const LEAST_VERSION = [2, 10] as const;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** What a chunk spans: the piece that goes when something has to. */
const CHUNK = "6 hours";
/** Seconds are compressed when hardly any come late any more. */
const COMPRESS_AFTER_MS = 12 * HOUR_MS;
/** Seconds stay at least so long that the hours made of them are complete. */
const LEAST_DETAIL_MS = 12 * HOUR_MS;

/** By name, with how each is compressed. */
const HYPERTABLES = {
  metrics: { segments: "series", order: "at" },
  requests: { segments: "series", order: "at, request_id" },
  server_gauges: { segments: "series", order: "at" },
} as const;

/** By name, with what a row sums up. */
const AGGREGATES = { metrics_1m: "1 minute", metrics_1h: "1 hour" } as const;

/** Names of the continuous aggregates. */
export const TIMESCALE_VIEWS = Object.keys(AGGREGATES);

/** What is known of the extension in a database, with one row. `installed` and `available` are versions or NULL. */
export const TIMESCALE_STATE = `
  SELECT (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS installed,
    (SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb') AS available,
    current_setting('timescaledb.license', true) AS license`;

/** A row of `TIMESCALE_STATE`. */
export interface TimescaleState {
  readonly installed: string | null;
  readonly available: string | null;
  readonly license: string | null;
}

/** Finds the extension's functions, in whatever schema they are, until the session ends. */
export const TIMESCALE_REACH = `
  SELECT set_config('search_path', current_setting('search_path') || ', ' || quote_ident(nspname), false)
  FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
  WHERE extname = 'timescaledb' AND nspname <> ALL(current_schemas(true))`;

/** Makes the extension part of a database; it may be refused. */
export const TIMESCALE_CREATE = "CREATE EXTENSION IF NOT EXISTS timescaledb";

/** Why this extension is not used, as half a sentence; `null` = it can be. */
export function timescaleProblem({ installed, license }: TimescaleState): string | null {
  if (installed === null) return "it is not installed in this database";
  const [major, minor] = installed.split(".").map(Number);
  if (major < LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor < LEAST_VERSION[1])) {
    return `it is ${installed}, and ${LEAST_VERSION.join(".")} is needed`;
  }
  if (license === "apache") return "its Apache edition has no compression and no continuous aggregates";
  return null;
}

const SUMS = Array.from({ length: historyBucketCount }, (_, i) => `sum(durations[${i + 1}])`).join(", ");

const hypertables = Object.entries(HYPERTABLES).map(
  ([name, { segments, order }]) => `
  SELECT create_hypertable('${name}', 'at', chunk_time_interval => INTERVAL '${CHUNK}', create_default_indexes => false);
  ALTER TABLE ${name} SET (timescaledb.compress, timescaledb.compress_segmentby = '${segments}',
    timescaledb.compress_orderby = '${order}');`,
);

// Real-time: what the policy has not summed up yet is summed up when it is asked for.
const aggregates = Object.entries(AGGREGATES).map(
  ([name, bucket]) => `
  CREATE MATERIALIZED VIEW ${name} WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT time_bucket(INTERVAL '${bucket}', at) AS at, series, sum(requests)::bigint AS requests,
      sum(failures)::bigint AS failures, sum(retries)::bigint AS retries, sum(duration_sum_ms) AS duration_sum_ms,
      sum(wait_sum_ms) AS wait_sum_ms, sum(waited)::bigint AS waited, sum(response_bytes)::bigint AS response_bytes,
      ARRAY[${SUMS}] AS durations
    FROM metrics GROUP BY 1, 2 WITH NO DATA;`,
);

/** Makes hypertables of the tables, and the continuous aggregates. Within the transaction of the migration's step. */
export const TIMESCALE_UP = [...hypertables, ...aggregates].join("\n");

/** What has to go before the tables do. */
export const TIMESCALE_DOWN = TIMESCALE_VIEWS.toReversed()
  .map((name) => `DROP MATERIALIZED VIEW ${name};`)
  .join("\n");

/** Policies for these limits, in the place of those that there are: several statements, for one transaction. */
export function timescalePolicies({ detailMs, minutesMs, hoursMs }: HistoryLimits): string {
  const detail = Math.max(detailMs, LEAST_DETAIL_MS);
  const statements: string[] = [];
  for (const name of Object.keys(HYPERTABLES)) {
    statements.push(
      `SELECT remove_retention_policy('${name}', if_exists => true)`,
      `SELECT add_retention_policy('${name}', drop_after => ${interval(detail)})`,
      `SELECT remove_compression_policy('${name}', if_exists => true)`,
    );
    if (detail > COMPRESS_AFTER_MS) {
      statements.push(`SELECT add_compression_policy('${name}', compress_after => ${interval(COMPRESS_AFTER_MS)})`);
    }
  }
  const kept = { metrics_1m: minutesMs, metrics_1h: hoursMs };
  for (const name of Object.keys(AGGREGATES)) {
    // Never over what may have been dropped: the sums of it would be lost with it.
    const start = detail - HOUR_MS;
    const end = name === "metrics_1m" ? 2 * MINUTE_MS : HOUR_MS;
    const every = name === "metrics_1m" ? "1 minute" : "10 minutes";
    statements.push(
      `SELECT remove_continuous_aggregate_policy('${name}', if_exists => true)`,
      `SELECT add_continuous_aggregate_policy('${name}', start_offset => ${interval(start)},
         end_offset => ${interval(end)}, schedule_interval => INTERVAL '${every}')`,
      `SELECT remove_retention_policy('${name}', if_exists => true)`,
      `SELECT add_retention_policy('${name}', drop_after => ${interval(Math.max(kept[name as keyof typeof kept], detail))})`,
    );
  }
  return `${statements.join(";\n")};`;
}

function interval(ms: number): string {
  return `INTERVAL '${Math.round(ms / MINUTE_MS)} minutes'`;
}

/** Bytes of all of them, as one number. */
export const TIMESCALE_BYTES = `
  SELECT (${Object.keys(HYPERTABLES)
    .map((name) => `coalesce(hypertable_size('${name}'), 0)`)
    .join(" + ")} + (
    SELECT coalesce(sum(hypertable_size(format('%I.%I', materialization_hypertable_schema,
      materialization_hypertable_name)::regclass)), 0)
    FROM timescaledb_information.continuous_aggregates WHERE view_name IN (${TIMESCALE_VIEWS.map((name) => `'${name}'`).join(", ")})
      AND view_schema = current_schema()))::float8 AS bytes`;

/** The end of the oldest chunk of a hypertable ($1) that is not its newest; no row = there is none. */
export const TIMESCALE_OLDEST = `
  SELECT range_end AS "end" FROM timescaledb_information.chunks
  WHERE hypertable_name = $1 AND hypertable_schema = current_schema()
  ORDER BY range_end LIMIT 1 OFFSET CASE WHEN (SELECT count(*) FROM timescaledb_information.chunks
    WHERE hypertable_name = $1 AND hypertable_schema = current_schema()) > 1 THEN 0 ELSE 1 END`;

/** Drops the chunks of a hypertable ($1) that end before a moment ($2). */
export const TIMESCALE_DROP = "SELECT drop_chunks($1::regclass, older_than => $2::timestamptz)";
