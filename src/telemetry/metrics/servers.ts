/** Metrics of the servers behind the balancer and of what the control plane does about them. */
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import type { MetricDefinition, MetricGroup } from "./definition.ts";
import { labelOfPool, labelOfServersPool } from "./pool-label.ts";
import type { FleetEvents, MetricsSource, ServerFigures } from "./source.ts";
import { sumCounter } from "./workers.ts";

/** Written between two pauses, where each has several samples. */
const SERVERS_AT_ONCE = 32;

type ServerMetric = MetricDefinition<MetricsSource>;

/** A gauge per server; `null` leaves the server out. */
function gauge(name: string, help: string, value: (server: ServerFigures) => number | null): ServerMetric {
  return {
    name,
    type: "gauge",
    help,
    labels: ["server_id"],
    perPool: true,
    collect: (source, emit) => {
      const poolOf = labelOfPool(source);
      for (const server of source.servers()) {
        const now = value(server);
        if (now !== null) emit(now, { server_id: server.id, ...poolOf(server.pool) });
      }
    },
  };
}

function event(name: string, help: string, value: (events: FleetEvents) => number): ServerMetric {
  return { name, type: "counter", help, collect: (source, emit) => emit(value(source.fleetEvents())) };
}

const STATES = ["starting", "up", "down", "draining", "maintenance", "ejected"];
const QUANTILES = [
  [0.5, "p50"],
  [0.9, "p90"],
  [0.95, "p95"],
  [0.99, "p99"],
] as const;

const info: ServerMetric = {
  name: "server_info",
  type: "gauge",
  help: "Always 1; joins a `server_id` with its URL and address.",
  labels: ["server_id", "url", "address"],
  perPool: true,
  collect: (source, emit) => {
    const poolOf = labelOfPool(source);
    for (const { id, pool, url, address } of source.servers())
      emit(1, { server_id: id, url, address, ...poolOf(pool) });
  },
};

const states: ServerMetric = {
  name: "server_state",
  type: "gauge",
  help: "1 for the state that the server is in: `starting` (takes requests, no check has been made yet), `up`, `down` (its checks fail), `draining` (finishes what it has), `maintenance` (the same, and an operator works on it), `ejected` (its answers failed); `standby` of backups and of servers with a zone.",
  labels: ["server_id", "state"],
  perPool: true,
  *collect(source, emit) {
    const poolOf = labelOfPool(source);
    let shown = 0;
    for (const { id, pool, backup, zone, state: present } of source.servers()) {
      const labels = poolOf(pool);
      const states = backup || zone !== null ? [...STATES, "standby"] : STATES; // the others never stand by
      for (const state of states) emit(present === state ? 1 : 0, { server_id: id, state, ...labels });
      if (++shown % SERVERS_AT_ONCE === 0) yield;
    }
  },
};

const responseTimes: ServerMetric = {
  name: "server_response_duration_seconds",
  type: "summary",
  help: "Time from dispatch to the answer's header: quantiles over the last minute, sum and count since the server came.",
  labels: ["server_id"],
  perPool: true,
  *collect(source, emit) {
    const poolOf = labelOfServersPool(source);
    let shown = 0;
    const recent = new Map<number, ServerFigures["response_ms"]>();
    for (const { id, response_ms } of source.servers()) recent.set(id, response_ms);
    for (const { id, responses, latencySumMs } of source.totals.servers()) {
      const now = recent.get(id) ?? null;
      const quantiles = now === null ? [] : QUANTILES.map(([quantile, key]) => [quantile, now[key] / 1000] as const);
      emit.summary({ quantiles, sum: latencySumMs / 1000, count: responses }, { server_id: id, ...poolOf(id) });
      if (++shown % SERVERS_AT_ONCE === 0) yield;
    }
  },
};

const responses: ServerMetric = {
  name: "server_responses_total",
  type: "counter",
  help: "Answers from the server, whatever their status.",
  labels: ["server_id"],
  perPool: true,
  collect: (source, emit) => {
    const poolOf = labelOfServersPool(source);
    for (const server of source.totals.servers())
      emit(server.responses, { server_id: server.id, ...poolOf(server.id) });
  },
};

/** One value per server. */
export const serverMetrics: MetricGroup<MetricsSource> = {
  title: "Servers",
  doc: "A backup, or a server with a zone, may also be in the state `standby`: it is well, and kept for when others fail.",
  metrics: [
    info,
    gauge(
      "server_up",
      "1 while the server takes requests, or would if the others failed; 0 while it is down, ejected, draining or in maintenance, also where panic uses it all the same.",
      (s) => (s.alive ? 1 : 0),
    ),
    states,
    gauge(
      "server_active_connections",
      "Requests in flight at the server, tunnels among them.",
      (s) => s.active_connections,
    ),
    gauge(
      "server_peer_connections",
      "Requests of the other instances of the [cluster](cluster.md) at the server, as balancing counts them beside `server_active_connections`: spread like those of a moment ago, so the sum over all servers is right and one server's is about right.",
      (s) => s.peer_connections,
    ),
    gauge("server_weight", "Weight in force: as configured, or as it was set at run time.", (s) => s.weight),
    gauge(
      "server_configured_weight",
      "Weight that the configuration gives the server: where `server_weight` differs, it was set at run time.",
      (s) => s.configured_weight,
    ),
    gauge(
      "server_effective_weight",
      "Weight that requests are shared out by: `server_weight`, and less while slow start lasts.",
      (s) => s.effective_weight,
    ),
    gauge(
      "server_capacity",
      "Capacity in force: requests in flight that the server is meant to take.",
      (s) => s.capacity,
    ),
    gauge(
      "server_concurrency_limit",
      "Requests that the server works on at once, as was learned ([holding](holding.md)); nothing while it has no such limit. Compare it with `server_active_connections`.",
      (s) => s.concurrency_limit,
    ),
    gauge(
      "server_cpu_usage_percent",
      "CPU usage that the server reports, percent; nothing while it tells none.",
      (s) => s.cpu_usage,
    ),
    gauge(
      "server_memory_usage_percent",
      "Memory usage that the server reports, percent; nothing while it tells none.",
      (s) => s.memory_usage,
    ),
    gauge(
      "server_error_rate",
      "Share of the attempts of the last ten seconds that the server failed, 0 to 1.",
      (s) => s.error_rate,
    ),
    responseTimes,
    responses,
  ],
};

/** What health checks and discovery did. */
export const controlMetrics: MetricGroup<MetricsSource> = {
  title: "Health checks and discovery",
  metrics: [
    event("health_checks_total", "Health checks made, of servers that are gone as well.", (e) => e.healthChecks),
    event("health_check_failures_total", "Those of them that failed.", (e) => e.healthCheckFailures),
    event(
      "health_checks_skipped_total",
      "Health checks that could not be made for want of descriptors, local ports, memory or time of our own: they change no verdict.",
      (e) => e.healthChecksSkipped,
    ),
    event("ejections_total", "Ejections of servers, those that are gone included.", (e) => e.ejections),
    {
      name: "server_usage_ignored_total",
      type: "counter",
      help: "Numbers of CPU or memory usage that servers reported and that cannot be true, by where they stood: `header` (ORCA), `poll`. They are ignored.",
      labels: ["source"],
      collect: (source, emit) => {
        emit(sumCounter(source, WorkerCounter.LOAD_REPORTS_IGNORED), { source: "header" });
        emit(source.fleetEvents().usageIgnored, { source: "poll" });
      },
    },
    event(
      "server_state_changes_total",
      "Changes of the states of servers, those that are gone included.",
      (e) => e.stateChanges,
    ),
    event(
      "panics_total",
      "Times that panic began: too few servers of a pool were up, so that all were used.",
      (e) => e.panics,
    ),
    event("dns_resolutions_total", "Look-ups of server names.", (e) => e.dnsResolutions),
    event(
      "dns_failures_total",
      "Look-ups of server names that failed; the last addresses are kept.",
      (e) => e.dnsFailures,
    ),
  ],
};
