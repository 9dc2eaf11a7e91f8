/** A source of metrics over plain memory. */
import {
  Header,
  SHARED_BYTES,
  type SharedMemory,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { ROUTES } from "../../../../src/shared/memory/series-table.ts";
import { ServerTotalsLedger } from "../../../../src/telemetry/metrics/durations.ts";
import { PoolWaitsLedger } from "../../../../src/telemetry/metrics/pool-waits.ts";
import type { MetricsSource, ServerFigures } from "../../../../src/telemetry/metrics/source.ts";

export function server(id: number, overrides: Partial<ServerFigures> = {}): ServerFigures {
  return {
    id,
    pool: "default",
    zone: null,
    backup: false,
    url: `http://backend-${id}:8001`,
    address: `10.0.0.${id}`,
    state: "up",
    alive: true,
    weight: 1,
    configured_weight: 1,
    effective_weight: 1,
    capacity: 10,
    concurrency_limit: null,
    concurrency_limit_sources: 0,
    peer_connections: 0,
    active_connections: 0,
    cpu_usage: null,
    memory_usage: null,
    error_rate: 0,
    response_ms: null,
    traffic_share: null,
    health_checks: { success: 0, failure: {}, skipped: {} },
    ejections: {},
    state_seconds: {},
    ...overrides,
  };
}

export function makeSource(overrides: Partial<MetricsSource> = {}): MetricsSource & { memory: SharedMemory } {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKERS] = 2;
  memory.header[Header.WORKER_BLOCKS] = 2;
  return {
    memory,
    totals: new ServerTotalsLedger(memory),
    waits: new PoolWaitsLedger(memory),
    bootMs: () => 5_000,
    shownSeries: () => () => true,
    durationPairs: () => [],
    exemplars: () => false,
    topology: () => ({
      pools: [{ name: "default", row: 0, strategy: "ml" }],
      labelled: false,
      poolOf: () => undefined,
      routeName: (number) => ROUTES[number],
    }),
    servers: () => [],
    pools: () => [],
    fleetEvents: () => ({
      healthChecks: 0,
      healthCheckFailures: 0,
      healthChecksSkipped: 0,
      ejections: 0,
      majorityEjections: 0,
      panics: 0,
      stateChanges: 0,
      dnsResolutions: 0,
      dnsFailures: 0,
      usageIgnored: 0,
    }),
    version: "1.2.3",
    runtime: "bun 1",
    startedAtSeconds: 1000,
    processes: () => [],
    workersReady: () => 2,
    workerRestarts: () => ({}),
    canaries: () => ({ list: [], states: [], verdicts: [] }),
    overrides: () => ({ list: [], ended: { configuration: 0, time: 0 } }),
    mirrors: () => [],
    cluster: () => null,
    rateLimits: () => [],
    logDropped: () => 0,
    learner: () => ({
      pools: [{ row: 0, name: "default", rung: 0, tableAgeMs: 40 }],
      limited: [{ row: 0, name: "default", state: "holding", patienceMs: 200, relaxation: 1 }],
      classed: [{ row: 0, name: "default" }],
      restarts: { exit: 0, hung: 0, failed: 0 },
    }),
    recorder: () => ({
      running: true,
      up: true,
      restarts: { exit: 0, hung: 0, failed: 0 },
      eventsWaiting: 0,
      eventsDropped: 0,
    }),
    tracer: () => ({ running: true, up: true, restarts: { exit: 0, hung: 0, failed: 0 } }),
    configuration: () => ({ successful: true, takenAtSeconds: 1000 }),
    admin: () => ({
      answers: [{ scope: "read", status: 200, count: 7 }],
      refused: { no_token: 1, wrong_token: 2 },
    }),
    reloads: () => ({ success: 0, failure: 0 }),
    degradedModes: () => ({}),
    acme: () => ({ counts: { success: 0, failure: 0 }, certificates: [] }),
    certificates: () => [],
    revocationLists: () => [],
    ...overrides,
  };
}

/** A parsed exposition: values by `name{labels sorted}`, types by name. Throws on a line that is not one. */
export function parseExposition(text: string): { samples: Map<string, number>; types: Map<string, string> } {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split("\n")) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type) types.set(type[1], type[2]);
    if (line === "" || line.startsWith("#")) continue;
    const match = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) throw new Error(`not a sample: ${line}`);
    const labels = [...(match[2] ?? "").matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/g)].map(
      (m) => `${m[1]}=${m[2]}`,
    );
    const key = labels.length === 0 ? match[1] : `${match[1]}{${labels.sort().join(",")}}`;
    if (samples.has(key)) throw new Error(`twice: ${key}`);
    const value = match[3] === "+Inf" ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (Number.isNaN(value)) throw new Error(`not a number: ${line}`);
    samples.set(key, value);
  }
  return { samples, types };
}
