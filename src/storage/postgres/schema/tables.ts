/**
 * The tables, and the way from each version of them to the next. PostgreSQL came with version 4: its first step makes what the
 * files of the embedded store have at 4, under the same names where they mean the same. A step that was released is never
 * changed.
 *
 * - `neurabalancer_schema` has a row for each step that was taken; the highest is the version.
 * - `owners`: who writes a part under the name of an instance, and which batches it wrote last (fencing, and lost answers).
 * - What comes in great numbers is apart by time, so that the oldest goes by dropping a table: by native partitions, or as
 *   hypertables where TimescaleDB is (timescale.ts). `series` names what rows are of, once.
 */
import { MIN_COMPATIBLE } from "../../schema-steps.ts";
import { TIMESCALE_DOWN, TIMESCALE_UP, TIMESCALE_VIEWS } from "../timescale.ts";
import type { Flavour } from "./flavour.ts";

/** One step: from the version before to `version`. */
export interface PostgresStep {
  readonly version: number;
  /** The oldest version of the product's tables whose programs can still work with these. */
  readonly minCompatible: number;
  up(flavour: Flavour): string;
  down(flavour: Flavour): string;
}

const METRIC_COLUMNS = (count: string, durations: string) => `
    at timestamptz NOT NULL,
    series integer NOT NULL,
    requests ${count} NOT NULL,
    failures ${count} NOT NULL,
    retries ${count} NOT NULL,
    duration_sum_ms double precision NOT NULL,
    wait_sum_ms double precision NOT NULL,
    waited ${count} NOT NULL,
    response_bytes ${count} NOT NULL,
    durations ${durations} NOT NULL,
    PRIMARY KEY (at, series)`;

const LEARNING = `
  CREATE TABLE pools (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    samples bigint NOT NULL
  );
  CREATE TABLE sample_servers (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance text NOT NULL,
    pool integer NOT NULL,
    name text NOT NULL,
    last_sample bigint NOT NULL,
    UNIQUE (instance, pool, name)
  );
  CREATE TABLE feature_lists (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    names text NOT NULL UNIQUE,
    last_sample bigint NOT NULL
  );
  CREATE TABLE samples (
    id bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    pool integer NOT NULL,
    server integer NOT NULL,
    feature_list integer NOT NULL,
    arm integer NOT NULL,
    model bigint NOT NULL,
    failed boolean NOT NULL,
    propensity double precision NOT NULL,
    latency_ms double precision NOT NULL,
    mean_ms double precision NOT NULL,
    features bytea NOT NULL
  );
  CREATE INDEX samples_by_pool ON samples (pool, id);
  CREATE TABLE model_versions (last bigint NOT NULL);
  INSERT INTO model_versions VALUES (0);
  CREATE TABLE models (
    version bigint PRIMARY KEY,
    instance text NOT NULL,
    pool text NOT NULL,
    created_at timestamptz NOT NULL,
    origin text NOT NULL,
    parent bigint,
    status text NOT NULL,
    status_at timestamptz NOT NULL,
    promoted_at timestamptz,
    promotion bigint,
    report text NOT NULL,
    scaler text NOT NULL,
    features text NOT NULL,
    onnx bytea NOT NULL
  );
  CREATE UNIQUE INDEX one_champion ON models (instance, pool) WHERE status = 'champion';
  CREATE TABLE verdicts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    instance text NOT NULL,
    pool text NOT NULL,
    model bigint,
    kind text NOT NULL,
    reason text NOT NULL,
    numbers jsonb NOT NULL
  );
  CREATE INDEX verdicts_by_pool ON verdicts (instance, pool, id);
  CREATE INDEX verdicts_by_model ON verdicts (model, id);
  CREATE TABLE notes (
    instance text NOT NULL,
    pool text NOT NULL,
    name text NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (instance, pool, name)
  );
`;

const HISTORY = (partitioned: string) => `
  CREATE TABLE servers (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pool text NOT NULL,
    host text NOT NULL,
    port integer NOT NULL,
    weight double precision CHECK (abs(weight) < 'Infinity'),
    capacity double precision CHECK (abs(capacity) < 'Infinity'),
    configured_weight double precision NOT NULL,
    configured_capacity double precision NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    removed_at timestamptz,
    instances text[] NOT NULL,
    configured jsonb NOT NULL DEFAULT '{}',
    UNIQUE (pool, host, port)
  );
  CREATE TABLE series (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance text NOT NULL,
    pool text NOT NULL,
    route text NOT NULL,
    server text NOT NULL,
    address text NOT NULL,
    status_class smallint NOT NULL,
    last_seen timestamptz NOT NULL,
    UNIQUE (instance, pool, route, server, address, status_class)
  );
  CREATE TABLE metrics (${METRIC_COLUMNS("bigint", "integer[]")}) ${partitioned};
  CREATE TABLE requests (
    at timestamptz NOT NULL,
    series integer NOT NULL,
    request_id text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    status smallint NOT NULL,
    error text NOT NULL,
    duration_ms double precision NOT NULL,
    wait_ms double precision NOT NULL,
    head_ms double precision,
    attempts bigint NOT NULL,
    in_flight bigint NOT NULL,
    response_bytes bigint NOT NULL,
    client text NOT NULL,
    reason text NOT NULL,
    weight double precision NOT NULL,
    PRIMARY KEY (at, series, request_id)
  ) ${partitioned};
  CREATE TABLE server_gauges (
    at timestamptz NOT NULL,
    series integer NOT NULL,
    state text NOT NULL,
    weight double precision NOT NULL,
    effective_weight double precision NOT NULL,
    in_flight bigint NOT NULL,
    cpu_percent double precision,
    memory_percent double precision,
    PRIMARY KEY (at, series)
  ) ${partitioned};
  CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    instance text NOT NULL,
    kind text NOT NULL,
    pool text NOT NULL,
    server text NOT NULL,
    address text NOT NULL,
    actor text NOT NULL,
    message text NOT NULL,
    detail jsonb NOT NULL
  );
  CREATE INDEX events_by_time ON events (at, id);
`;

const ROLL_UPS = `
  CREATE TABLE metrics_1m (${METRIC_COLUMNS("bigint", "bigint[]")}) PARTITION BY RANGE (at);
  CREATE TABLE metrics_1h (${METRIC_COLUMNS("bigint", "bigint[]")}) PARTITION BY RANGE (at);
`;

const OWNERS = `
  CREATE TABLE owners (
    instance text NOT NULL,
    part text NOT NULL,
    token text NOT NULL,
    since timestamptz NOT NULL,
    pid integer NOT NULL,
    batches text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (instance, part)
  );
`;

const OPERATIONS = `
  CREATE TABLE override_revision (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    revision bigint NOT NULL
  );
  INSERT INTO override_revision (revision) VALUES (0);
  CREATE TABLE overrides (
    id text PRIMARY KEY,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    record jsonb NOT NULL
  );
  CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    instance text NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    record jsonb NOT NULL
  );
`;

/** Tables of ours by name, the table of versions apart: also those that would be in the way of a first step. */
export const TABLES = [
  ...["owners", "pools", "sample_servers", "feature_lists", "samples", "model_versions", "models", "verdicts", "notes"],
  ...["servers", "series", "metrics", "requests", "server_gauges", "events", "metrics_1m", "metrics_1h"],
] as const;

/** All that there are, the first to begin with. */
export const POSTGRES_STEPS: readonly PostgresStep[] = [
  {
    version: 4,
    minCompatible: MIN_COMPATIBLE[3],
    up: (flavour) => {
      if (flavour === "timescale") return `${OWNERS}${LEARNING}${HISTORY("")}${TIMESCALE_UP}`;
      return `${OWNERS}${LEARNING}${HISTORY("PARTITION BY RANGE (at)")}${ROLL_UPS}`;
    },
    down: (flavour) => {
      const views: readonly string[] = flavour === "timescale" ? TIMESCALE_VIEWS : [];
      // One by one: hypertables want it so.
      const drops = TABLES.filter((name) => !views.includes(name)).map((name) => `DROP TABLE ${name};`);
      return [flavour === "timescale" ? TIMESCALE_DOWN : "", ...drops].join("\n");
    },
  },
  {
    version: 5,
    minCompatible: MIN_COMPATIBLE[4],
    up: () => OPERATIONS,
    down: () => "DROP TABLE audit; DROP TABLE overrides; DROP TABLE override_revision;",
  },
];
