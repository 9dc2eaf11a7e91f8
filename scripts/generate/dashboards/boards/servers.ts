/** NeuraBalancer — Servers: which of them gets what, how it answers, and what is thought of it. */
import { dashboard } from "../dashboard.ts";
import { exploreLogs } from "../explore.ts";
import type { Dashboard, Mapping } from "../model.ts";
import { heatmap, risingIsBad, type Sized, table, timeseries, traces } from "../panels.ts";
import { byServer, increase, named, rate, series, serverQuantile, share, sum } from "../promql.ts";
import { FAILED_LINES, RETRIED_LINES, RETRIED_TRACES } from "../searches.ts";

const LEGEND = "{{url}} {{pool}}";
const WITH_CAUSE = "{{cause}} {{url}} {{pool}}";

const STATES: readonly Mapping[] = [
  {
    type: "value",
    options: {
      up: { text: "up", color: "green" },
      standby: { text: "standby", color: "blue" },
      starting: { text: "starting", color: "yellow" },
      draining: { text: "draining", color: "purple" },
      maintenance: { text: "maintenance", color: "dark-purple" },
      ejected: { text: "ejected", color: "orange" },
      down: { text: "down", color: "red" },
    },
  },
];

const RESPONSES = rate("server_responses_total");
const FAILURES = rate("server_failures_total");

function lines(title: string, expr: string, doc: string, unit?: string, legend = LEGEND): Sized {
  return timeseries(title, [{ expr, legend }], { doc, unit });
}

const now = [
  table(
    "Servers",
    [
      { name: "Pool", label: "pool" },
      { name: "Server", label: "url" },
      {
        name: "State",
        label: "state",
        expr: byServer(`(${series("server_state")} == 1)`, ["state"]),
        mappings: STATES,
      },
      { name: "Share", expr: byServer(series("server_traffic_share"), [], "avg"), unit: "percentunit", decimals: 1 },
      { name: "Configured", expr: byServer(series("server_configured_weight"), [], "max"), decimals: 1 },
      { name: "Weight", expr: byServer(series("server_weight"), [], "max"), decimals: 1 },
      { name: "Effective", expr: byServer(series("server_effective_weight"), [], "avg"), decimals: 1 },
      { name: "Requests/s", expr: byServer(RESPONSES), unit: "reqps" },
      { name: "In flight", expr: byServer(series("server_active_connections")) },
      { name: "Limit", expr: byServer(series("server_concurrency_limit"), [], "max") },
      { name: "Capacity", expr: byServer(series("server_capacity"), [], "max") },
      {
        name: "Failing",
        expr: byServer(series("server_error_rate"), [], "avg"),
        unit: "percentunit",
        decimals: 1,
        thresholds: risingIsBad(0.001, 0.01),
      },
      { name: "p95", expr: serverQuantile(0.95, "server_first_byte_duration_seconds"), unit: "s" },
      {
        name: "Not up",
        expr: byServer(increase("server_state_seconds_total", 'state!~"up|standby"'), [], "max"),
        unit: "s",
        decimals: 0,
      },
    ],
    {
      doc: "All that is known of each server now. Limit is how many requests it works on at once, as was learned: none where that is not known or not wanted. p95 is the time to the answer's head; Not up is how long, in the dashboard's window, it was neither up nor standby.",
      sortBy: "Failing",
      height: 10,
    },
  ),
];

const traffic = [
  lines("Requests", byServer(RESPONSES), "Answers per second, by server.", "reqps"),
  timeseries("Share of traffic", [{ expr: byServer(series("server_traffic_share"), [], "avg"), legend: LEGEND }], {
    doc: "Share of its pool's attempts in the last ten seconds, over all instances. Compare with the weight's share beside it: where they differ, the strategy found the server faster or slower than its weight says.",
    unit: "percentunit",
  }),
  lines(
    "Share by effective weight",
    byServer(
      `${series("server_effective_weight")} / on (instance, pool) group_left () sum by (instance, pool) (${series("server_effective_weight")})`,
      [],
      "avg",
    ),
    "What the weights alone would give, after slow start.",
    "percentunit",
  ),
  timeseries(
    "In flight, limits and capacity",
    [
      { expr: byServer(series("server_active_connections")), legend: LEGEND },
      { expr: byServer(series("server_concurrency_limit"), [], "max"), legend: `limit ${LEGEND}` },
      { expr: `max(${byServer(series("server_capacity"), [], "max")})`, legend: "largest capacity" },
    ],
    {
      doc: "Requests at each server. At its capacity all the time: it queues what it gets. At its learned limit all the time: it is busy, and what is beyond it waits here.",
      colors: { "largest capacity": "text" },
    },
  ),
];

const failures = [
  lines(
    "Failures by cause",
    byServer(FAILURES, ["cause"]),
    "Attempts per second that failed: no answer, one that broke off, or a 5xx. `connect_…`: look at the machine and the network; `…timeout`: at its load; statuses: at its own log.",
    "ops",
    WITH_CAUSE,
  ),
  lines(
    "Attempts that were retried",
    byServer(rate("server_retries_total"), ["cause"]),
    "Attempts per second at this server that another attempt followed, by what was wrong with them.",
    "ops",
    WITH_CAUSE,
  ),
  lines(
    "Health checks that failed",
    byServer(rate("server_health_checks_total", 'result="failure"'), ["cause"]),
    "Per second, by cause. Checks fail where answers are good: look at the path and the time limit of the check.",
    "ops",
    WITH_CAUSE,
  ),
  timeseries(
    "Time by state",
    [
      {
        expr: byServer(rate("server_state_seconds_total", 'state!="up"'), ["state"], "max"),
        legend: "{{state}} {{url}} {{pool}}",
      },
    ],
    {
      doc: "Share of the time that a server was in a state other than up. Draining and maintenance are meant. A saw-tooth between down and up is flapping: checks are too strict, or the server is overloaded.",
      unit: "percentunit",
      max: 1,
    },
  ),
  table(
    "Trouble in this window",
    [
      { name: "Pool", label: "pool" },
      { name: "Server", label: "url" },
      { name: "Failures", expr: byServer(increase("server_failures_total")), decimals: 0 },
      { name: "Retried", expr: byServer(increase("server_retries_total")), decimals: 0 },
      {
        name: "Failed checks",
        expr: byServer(increase("server_health_checks_total", 'result="failure"')),
        decimals: 0,
      },
      { name: "Ejections", expr: byServer(increase("server_ejections_total")), decimals: 0 },
      { name: "Down", expr: byServer(increase("server_state_seconds_total", 'state="down"'), [], "max"), unit: "s" },
      {
        name: "Taken out",
        expr: byServer(
          sum("instance, server_id", increase("server_state_seconds_total", 'state=~"draining|maintenance"')),
          [],
          "max",
        ),
        unit: "s",
      },
      {
        name: "Ejected",
        expr: byServer(increase("server_state_seconds_total", 'state="ejected"'), [], "max"),
        unit: "s",
      },
    ],
    {
      doc: "What happened to each server in the dashboard's window, over all instances; times are those of the instance that saw most. Taken out: drained or in maintenance, on purpose.",
      sortBy: "Failures",
      width: 12,
    },
  ),
  traces("Retried requests, traced", RETRIED_TRACES, {
    doc: "Traces with a second attempt. Nothing while no traces are exported.",
    links: [exploreLogs("Retried requests", RETRIED_LINES), exploreLogs("Failed requests", FAILED_LINES)],
  }),
];

const latency = [
  lines(
    "Time to first byte, p95",
    serverQuantile(0.95, "server_first_byte_duration_seconds"),
    "From dispatch to the complete head of the answer. One server above the others: look at it; all of them: at what they share.",
    "s",
  ),
  heatmap("Time to first byte", `sum by (le) (${named(rate("server_first_byte_duration_seconds_bucket"))})`, {
    doc: "Of all servers that are chosen. Choose one above to see it alone.",
    unit: "s",
  }),
  lines(
    "Whole request, p95",
    serverQuantile(0.95, "server_request_duration_seconds"),
    "From the request's first byte to the last of the answer, by the server that answered: with waits, retries, and slow clients.",
    "s",
  ),
  lines(
    "Median of the last minute",
    byServer(series("server_response_duration_seconds", 'quantile="0.5"'), [], "max"),
    "Time to first byte as each instance keeps it for itself (the highest of them): for a look at single instances. Quantiles cannot be added up; the panels above can.",
    "s",
  ),
  lines(
    "Connecting, p95",
    serverQuantile(0.95, "server_connect_duration_seconds"),
    "Time to a new connection. Rises with the distance, with a full backlog, with packet loss.",
    "s",
  ),
  lines(
    "TLS handshake, p95",
    serverQuantile(0.95, "server_tls_handshake_duration_seconds"),
    "Of new connections to servers with https. Nothing where there are none.",
    "s",
  ),
];

const CONNECTS = byServer(rate("server_connects_total"));
const REUSES = byServer(rate("server_connection_reuses_total"));
const resources = [
  lines(
    "Kept connections used again",
    share(REUSES, `(${CONNECTS} + ${REUSES})`),
    "Share of attempts that found a connection open. Low: the server closes too early, or UPSTREAM_MAX_IDLE is too small.",
    "percentunit",
  ),
  lines("New connections", CONNECTS, "Connections opened per second.", "ops"),
  lines(
    "CPU",
    byServer(`${series("server_cpu_usage_percent")} / 100`, [], "max"),
    "As the server reports it, by its /metrics or by ORCA. Nothing where it does not.",
    "percentunit",
  ),
  lines(
    "Memory",
    byServer(`${series("server_memory_usage_percent")} / 100`, [], "max"),
    "As the server reports it, by its /metrics or by ORCA. Nothing where it does not.",
    "percentunit",
  ),
];

/** One server beside the others. */
export function servers(): Dashboard {
  return dashboard({
    uid: "neurabalancer-servers",
    name: "Servers",
    doc: "Which server gets what, how it answers, and what is thought of it.",
    variables: ["pool", "server", "loki", "tempo"],
    sections: [
      { title: "Now", panels: now },
      { title: "Traffic", panels: traffic },
      { title: "Failures", panels: failures },
      { title: "Latency", panels: latency },
      { title: "Connections and resources", panels: resources },
    ],
  });
}
