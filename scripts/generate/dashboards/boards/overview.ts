/** NeuraBalancer — Overview: is it well, how much, how fast, and where does it go wrong? */
import { ReservedPath } from "../../../../src/shared/reserved-paths.ts";
import { dashboard } from "../dashboard.ts";
import { exploreLogs, exploreTraces } from "../explore.ts";
import type { Dashboard } from "../model.ts";
import { fallingIsBad, heatmap, logs, NONE_IS_GOOD, risingIsBad, stat, table, timeseries, traces } from "../panels.ts";
import { orZero, quantile, rate, series, share, sum } from "../promql.ts";
import { FAILED_LINES, FAILED_TRACES, SLOW_LINES, SLOW_TRACES } from "../searches.ts";

const { HEALTH_LIVE, HEALTH_READY, METRICS, SERVERS } = ReservedPath;
/** Not what asks after the balancer itself: as configs/prometheus/rules/recording.yml has it. */
const CLIENTS = `path!~"${[HEALTH_LIVE, HEALTH_READY, METRICS, SERVERS].join("|")}"`;
const REQUESTS = rate("http_requests_total", CLIENTS);
const ALL = sum("", REQUESTS);
const FAILED = rate("http_requests_total", 'status=~"5.."', CLIENTS);
const DURATIONS = rate("http_request_duration_seconds_bucket");
/** Satisfied within 250 ms, tolerating within four times that: both are bounds of buckets, so the figure is exact. */
const APDEX =
  `(${sum("", rate("http_request_duration_seconds_bucket", 'le="0.25"'))} + ` +
  `${sum("", rate("http_request_duration_seconds_bucket", 'le=~"1|1.0"'))}) / 2 / ` +
  `(${sum("", rate("http_request_duration_seconds_count"))} > 0)`;
const BY_CLASS =
  `sum by (class) (label_replace(label_replace(${sum("status", REQUESTS)}, "class", "other", "", ""), ` +
  `"class", "\${1}xx", "status", "([1-5])..")) `.trim();

const figures = [
  stat("Requests", [{ expr: ALL }], {
    doc: "Requests answered per second, whoever answered them, without probes and scrapes of the balancer itself.",
    unit: "reqps",
    graph: true,
    color: "none",
  }),
  stat("Success", [{ expr: `1 - ${share(`(${orZero(sum("", FAILED), `0 * ${ALL}`)})`, ALL)}` }], {
    doc: "Share of requests without a 5xx, of servers or our own. Below your objective: see Failures by cause, then the failed requests at the bottom.",
    unit: "percentunit",
    decimals: 2,
    thresholds: fallingIsBad(0.99, 0.999),
    links: [exploreLogs("Failed requests", FAILED_LINES)],
  }),
  stat("p95", [{ expr: quantile(0.95, "", DURATIONS) }], {
    doc: "19 of 20 requests took at most this long, from their first byte to the last of the answer. Slow: see Routes below, then the dashboard Servers.",
    unit: "s",
    graph: true,
    color: "none",
    links: [exploreTraces("Slow requests", SLOW_TRACES)],
  }),
  stat("Apdex (250 ms)", [{ expr: APDEX }], {
    doc: "1 when all requests took at most 250 ms; those of up to a second count half, slower ones not at all.",
    decimals: 2,
    thresholds: fallingIsBad(0.7, 0.94),
  }),
  stat("Servers up", [{ expr: `avg(${series("server_up")})` }], {
    doc: "Share of the servers that take requests, over all instances. Below 1: the dashboard Servers says which and why.",
    unit: "percentunit",
    decimals: 0,
    thresholds: fallingIsBad(0.5, 1),
  }),
  stat("Degraded", [{ expr: sum("", series("degraded")) }], {
    doc: "Modes in which an instance works with less than it should. The dashboard Operations names them.",
    thresholds: NONE_IS_GOOD,
  }),
];

const traffic = [
  timeseries("Requests by status", [{ expr: BY_CLASS, legend: "{{class}}" }], {
    doc: "Requests per second by the class of their status. `other` found no series of their own, or have a status of no class.",
    unit: "reqps",
    stack: true,
    colors: { "2xx": "green", "3xx": "blue", "4xx": "yellow", "5xx": "red", "1xx": "purple", other: "text" },
  }),
  timeseries(
    "Request duration",
    [0.5, 0.9, 0.99].map((q) => ({ expr: quantile(q, "", DURATIONS), legend: `p${100 * q}`, exemplars: true })),
    {
      doc: "Quantiles over all requests. Points are exemplars: single requests that were traced; a click leads to the trace.",
      unit: "s",
      colors: { p50: "light-blue", p90: "blue", p99: "dark-blue" },
    },
  ),
  heatmap("Where durations are", sum("le", DURATIONS), {
    doc: "How many requests took how long. Two bands: two kinds of requests, or servers of two speeds.",
    unit: "s",
  }),
  timeseries("Requests by route", [{ expr: sum("path, pool", REQUESTS), legend: "{{path}} {{pool}}" }], {
    doc: "Requests per second by route and the pool that answered. `none`: no server was chosen.",
    unit: "reqps",
  }),
];

const ROUTE = "path, pool";
const routes = [
  table(
    "Routes, the slowest first",
    [
      { name: "Route", label: "path" },
      { name: "Pool", label: "pool" },
      { name: "Requests/s", expr: sum(ROUTE, REQUESTS), unit: "reqps" },
      {
        name: "5xx",
        expr: share(`(${orZero(sum(ROUTE, FAILED), `0 * ${sum(ROUTE, REQUESTS)}`)})`, sum(ROUTE, REQUESTS)),
        unit: "percentunit",
        decimals: 2,
        thresholds: risingIsBad(0.001, 0.01),
      },
      ...[0.5, 0.95, 0.99].map((q) => ({ name: `p${100 * q}`, expr: quantile(q, ROUTE, DURATIONS), unit: "s" })),
    ],
    {
      doc: "By route and pool, over the last minutes. A route without durations was answered without a server.",
      sortBy: "p95",
    },
  ),
];

const pools = [
  table(
    "Pools",
    [
      { name: "Pool", label: "pool" },
      { name: "Servers", expr: sum("pool", series("pool_servers")) },
      { name: "Up", expr: sum("pool", series("pool_servers_healthy")) },
      { name: "In use", expr: sum("pool", series("pool_servers_usable")) },
      { name: "Panic", expr: sum("pool", series("pool_panic")), thresholds: NONE_IS_GOOD },
    ],
    {
      doc: "Servers by pool, over all instances. Panic: so few are healthy that all are used. None in use: requests of that pool are answered with 503.",
      sortBy: "Panic",
      width: 8,
      height: 8,
    },
  ),
];

const servers = [
  ...pools,
  timeseries("Servers by state", [{ expr: sum("state", series("server_state")), legend: "{{state}}" }], {
    doc: "How many servers are in which state, over all instances. Ejected ones answer checks, but fail requests.",
    stack: true,
    width: 8,
    colors: {
      up: "green",
      standby: "blue",
      starting: "yellow",
      draining: "purple",
      maintenance: "dark-purple",
      ejected: "orange",
      down: "red",
    },
  }),
  timeseries("Failures by cause", [{ expr: sum("cause", rate("server_failures_total")), legend: "{{cause}}" }], {
    doc: "Attempts per second that servers failed, by cause. Retries may have mended them: compare with Success. Which server it is: the dashboard Servers.",
    unit: "ops",
    width: 8,
    links: [exploreLogs("Failed requests", FAILED_LINES)],
  }),
  timeseries(
    "Load of the servers",
    [
      { expr: sum("", series("server_active_connections")), legend: "in flight" },
      { expr: sum("", series("server_capacity")), legend: "capacity" },
    ],
    {
      doc: "Requests at servers, and how many these are meant to take together. Near capacity: add servers.",
      colors: { "in flight": "blue", capacity: "text" },
    },
  ),
  timeseries(
    "Retries and the queue",
    [
      { expr: sum("", rate("retries_total")), legend: "retries/s" },
      { expr: sum("", rate("retries_denied_total")), legend: "retries denied/s" },
      { expr: sum("", rate("queue_rejected_total")), legend: "queue full/s" },
      { expr: sum("", rate("queue_timeouts_total")), legend: "waited too long/s" },
      { expr: sum("", series("queue_length")), legend: "waiting" },
    ],
    {
      doc: "Denied retries: the budget is used up because too much fails. Requests that wait: every server is full.",
      colors: { "retries denied/s": "orange", "queue full/s": "red", "waited too long/s": "dark-red" },
    },
  ),
];

const single = [
  logs("Failed requests", FAILED_LINES, {
    doc: "Lines of the access log with a 5xx. A line's trace_id leads to the trace, its request_id to `neurabalancer explain`.",
    links: [exploreLogs("Slow requests", SLOW_LINES)],
  }),
  traces("Failed requests, traced", FAILED_TRACES, {
    doc: "Sampled requests that ended in an error: with every attempt, which server it went to, and why. Nothing while no traces are exported.",
    links: [exploreTraces("Slow requests", SLOW_TRACES)],
  }),
];

/** The first one to look at. */
export function overview(): Dashboard {
  return dashboard({
    uid: "neurabalancer-overview",
    name: "Overview",
    doc: "Is it well, how much, how fast, and where does it go wrong?",
    variables: ["pool", "loki", "tempo"],
    sections: [
      { title: "Now", panels: figures },
      { title: "Traffic", panels: traffic },
      { title: "Routes", panels: routes },
      { title: "Servers", panels: servers },
      { title: "Single requests", panels: single },
    ],
  });
}
