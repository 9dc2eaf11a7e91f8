/** Settings of the fleet: which servers, how one is chosen, how their health is judged. */
import { STRATEGY_NAMES } from "../../balancing/registry.ts";
import { serverList } from "../servers/list.ts";
import { SERVERS_DOC } from "../servers/schemes.ts";
import { optional, required, setting } from "../setting.ts";
import { nearest } from "../suggest.ts";
import { hashOn } from "../values/hash-on.ts";
import { headerFields, hostField } from "../values/header-fields.ts";
import { statusRanges } from "../values/status-ranges.ts";
import { decimal, integer, oneOf, port, seconds, text, toggle, urlPath, valueType } from "../values/value-types.ts";

/** What nginx, HAProxy, Traefik, Caddy and Envoy call strategies. */
const OTHER_NAMES: ReadonlyMap<string, (typeof STRATEGY_NAMES)[number]> = new Map([
  ["hash", "consistent_hash"],
  ["ip_hash", "consistent_hash"],
  ["least_conn", "least_connections"],
  ["least_request", "p2c"],
  ["leastconn", "least_connections"],
  ["leasttime", "least_response_time"],
  ["ring_hash", "consistent_hash"],
  ["rr", "round_robin"],
  ["source", "consistent_hash"],
  ["wrr", "weighted_round_robin"],
]);

const strategyName = valueType(
  STRATEGY_NAMES.join(", "),
  (text): string => {
    const name = STRATEGY_NAMES.find((candidate) => candidate === text.toLowerCase());
    if (name !== undefined) return name;
    const meant = OTHER_NAMES.get(text.toLowerCase()) ?? nearest(text, STRATEGY_NAMES);
    const hint = meant === null ? "" : `did you mean ${meant}? `;
    throw new Error(`is not a strategy of this version; ${hint}choose one of: ${STRATEGY_NAMES.join(", ")}`);
  },
  { kind: "words", words: STRATEGY_NAMES },
);

/** Which servers there are. */
export const servers = {
  title: "Servers",
  scope: "pool" as const,
  doc: "`SERVER_WEIGHT_<host>_<port>=<number>` gives a server a relative share (default 1), `SERVER_CAPACITY_<host>_<port>=<n>` limits its requests in flight. Write the host as in SERVERS or in capitals with underscores: `SERVER_WEIGHT_backend-1_8001`, `SERVER_WEIGHT_BACKEND_1_8001`.",
  settings: {
    list: required({
      env: "SERVERS",
      type: serverList,
      doc: SERVERS_DOC,
      common: true,
    }),
  },
};

/** How their names are resolved. */
export const dns = {
  title: "Name resolution",
  settings: {
    minTtlMs: setting({
      env: "DNS_MIN_TTL_SECONDS",
      type: seconds(0.1, 86400),
      default: "1",
      doc: "Names are resolved again no sooner than this, whatever their record says.",
    }),
    maxTtlMs: setting({
      env: "DNS_MAX_TTL_SECONDS",
      type: seconds(0.1, 86400),
      default: "60",
      doc: "Names are resolved again no later than this, whatever their record says.",
    }),
  },
};

/** How a server is chosen. */
export const balancing = {
  title: "Balancing",
  scope: "pool" as const,
  settings: {
    strategy: setting({
      env: "LB_STRATEGY",
      type: strategyName,
      default: "least_connections",
      doc: "How the server of a request is chosen.",
      common: true,
      givenTo: { pool: "strategy" },
    }),
    hashOn: setting({
      env: "HASH_ON",
      type: hashOn,
      default: "client_ip",
      doc: "What consistent_hash keeps on one server: the client's address, a header field or a cookie.",
      givenTo: { pool: "hashOn" },
    }),
    hashBalanceFactor: setting({
      env: "HASH_BALANCE_FACTOR",
      type: decimal(1, 100),
      default: "1.25",
      doc: "consistent_hash gives no server more than this multiple of the mean load; above it the next server on the ring takes over.",
      givenTo: { pool: "hashBalanceFactor" },
    }),
    concurrencyLimits: optional({
      env: "CONCURRENCY_LIMITS",
      type: oneOf(["off", "learned"]),
      doc: "`learned` finds out how many requests each server works on at once, and lets further ones wait here for the first server that is free, while all of them are busy ([docs/holding.md](holding.md)). A server's configured capacity stays a hard limit above it. Unset means `learned` where LB_STRATEGY is `ml`, `off` elsewhere.",
    }),
    requestClasses: optional({
      env: "REQUEST_CLASSES",
      type: toggle,
      doc: "Tells requests apart by method and path (numbers, ids and hashes folded), learns what those of each class cost, and counts a server's load as expected work: `ml` and `adaptive` choose by it, other strategies only show it ([docs/request-classes.md](request-classes.md)). Unset means `on` where LB_STRATEGY is `ml`, `off` elsewhere.",
    }),
    slowStartMs: setting({
      env: "SLOW_START_SECONDS",
      type: seconds(0, 3600),
      default: "10",
      doc: "A new or recovered server gets a growing share for this long: a quarter of it while it answers as fast as the others, twice as long while it is much slower. 0 means off.",
      givenTo: { fleet: "slowStartMs" },
    }),
    panicThresholdPercent: setting({
      env: "PANIC_THRESHOLD_PERCENT",
      type: integer(0, 100),
      default: "50",
      doc: "With fewer healthy servers than this, requests go to all of them that answer: the checks are probably wrong. 0 means off.",
      unit: "percent",
      givenTo: { fleet: "panicThresholdPercent" },
    }),
    preferZone: setting({
      env: "PREFER_ZONE",
      type: toggle,
      default: "off",
      doc: "Send requests to servers of this instance's own zone (APP_ZONE) while enough of them are healthy. The zones of servers stand beside their URLs in the configuration file; those of k8s:// Kubernetes tells.",
      givenTo: { fleet: "preferZone" },
    }),
    subsetSize: setting({
      env: "SUBSET_SIZE",
      type: integer(0, 10_000),
      default: "0",
      doc: "Servers of the pool that this instance uses, where many instances stand before many servers; each instance uses others, and each server has about as many instances as any other ([docs/scaling.md](scaling.md#subsets)). More are used while too many of them are down. 0 means all.",
      givenTo: { fleet: "subsetSize" },
    }),
  },
};

/** Active health checks. */
export const health = {
  title: "Health checks",
  scope: "pool" as const,
  settings: {
    enabled: setting({
      env: "HEALTH_CHECK_ENABLED",
      type: toggle,
      default: "true",
      doc: "Probe every server. When off, all count as healthy until their answers say otherwise.",
    }),
    type: setting({
      env: "HEALTH_CHECK_TYPE",
      type: oneOf(["http", "grpc", "tcp"]),
      default: "http",
      doc: "`http` asks for HEALTH_CHECK_PATH, in the protocol of the server's URL (at HEALTH_CHECK_PORT, if that is another one, in HTTP/1.1). `grpc` asks grpc.health.v1.Health, for h2:// and h2c:// servers. `tcp` is content with a connection, and with TLS where the URL says so.",
    }),
    grpcService: optional({
      env: "HEALTH_CHECK_GRPC_SERVICE",
      type: text,
      doc: "Service that `HEALTH_CHECK_TYPE=grpc` asks about, such as `shop.v1.Orders`. Unset means the server as a whole.",
    }),
    path: setting({
      env: "HEALTH_CHECK_PATH",
      type: urlPath,
      default: "/health",
      doc: "Path that a healthy server answers with one of HEALTH_CHECK_STATUSES. A query is never shown, because it may hold a password.",
      common: true,
    }),
    host: optional({
      env: "HEALTH_CHECK_HOST",
      type: hostField,
      doc: "`Host` field of checks, and of the questions for load reports. Unset means the server's own name as in SERVERS. It changes nothing of TLS: server name (SNI) and certificate are those of the server's own name.",
    }),
    headers: optional({
      env: "HEALTH_CHECK_HEADERS",
      type: headerFields,
      doc: "More fields of the same requests: `X-Probe: 1; Authorization: Bearer abc`. A semicolon in a value is written `\\;`. Never shown, because it may hold a password.",
      secret: true,
    }),
    port: optional({
      env: "HEALTH_CHECK_PORT",
      type: port(1),
      doc: "Port that checks and questions for load reports go to. Unset means the server's own.",
    }),
    statuses: setting({
      env: "HEALTH_CHECK_STATUSES",
      type: statusRanges,
      default: "200-299",
      doc: "Statuses that a healthy server answers with.",
    }),
    body: optional({
      env: "HEALTH_CHECK_BODY",
      type: text,
      doc: "Text that the body of a healthy server's answer has in its first 64 KiB. Unset means that the body is not looked at.",
    }),
    intervalMs: setting({
      env: "HEALTH_CHECK_INTERVAL_SECONDS",
      type: seconds(0.05, 3600),
      default: "5",
      doc: "Time between two checks of one server. Five times as often while checks or requests say that something changes, and while it is out.",
    }),
    timeoutMs: setting({
      env: "HEALTH_CHECK_TIMEOUT_SECONDS",
      type: seconds(0.05, 3600),
      default: "3",
      doc: "A check that takes longer has failed.",
    }),
    fall: setting({
      env: "HEALTH_CHECK_RETRIES",
      type: integer(1, 1000),
      default: "3",
      doc: "Failed checks in a row that take a server out. One is enough for a server that is ejected already, unless it is not for the first time lately.",
    }),
    rise: setting({
      env: "HEALTH_CHECK_RISE",
      type: integer(1, 1000),
      default: "2",
      doc: "Good checks in a row that bring a server back.",
    }),
  },
};

/** What servers are asked about their load. */
export const metricsPoll = {
  title: "Load reports",
  scope: "pool" as const,
  settings: {
    enabled: setting({
      env: "METRICS_POLL_ENABLED",
      type: toggle,
      default: "true",
      doc: 'Ask servers for {"cpu_usage":…,"memory_usage":…} (percent). Servers that do not offer it are left alone: they are asked again when they come back up, after a reload, and once an hour.',
    }),
    path: setting({
      env: "METRICS_POLL_PATH",
      type: urlPath,
      default: "/metrics",
      doc: "Path where servers tell their CPU and memory usage.",
    }),
  },
};

/** When a server is taken out for its responses. */
export const outlier = {
  title: "Outlier ejection",
  scope: "pool" as const,
  doc: "Takes out servers whose answers fail although their health checks pass.",
  settings: {
    enabled: setting({
      env: "OUTLIER_EJECTION",
      type: toggle,
      default: "on",
      doc: "Eject outliers.",
    }),
    consecutiveFailures: setting({
      env: "OUTLIER_CONSECUTIVE_FAILURES",
      type: integer(0, 100000),
      default: "5",
      doc: "Failures in a row (no answer, one that breaks off, or 5xx) that eject a server; workers pass it over at once. 0 means off.",
    }),
    failurePercent: setting({
      env: "OUTLIER_FAILURE_PERCENT",
      type: integer(0, 100),
      default: "50",
      doc: "Share of failed answers that ejects a server. 0 means off.",
      unit: "percent",
    }),
    minimumVolume: setting({
      env: "OUTLIER_MINIMUM_VOLUME",
      type: integer(1, 1_000_000),
      default: "20",
      doc: "Answers of the last seconds below which shares and means say nothing.",
    }),
    latencyFactor: setting({
      env: "OUTLIER_LATENCY_FACTOR",
      type: decimal(0, 1000),
      default: "0",
      doc: "Eject a server whose mean response time is more than this many times the fleet's median. 0 means off; a server with less power than the others is not broken.",
    }),
    baseEjectionMs: setting({
      env: "OUTLIER_BASE_EJECTION_SECONDS",
      type: seconds(0.1, 86400),
      default: "10",
      doc: "Length of the first ejection; each one that follows lasts twice as long.",
      givenTo: { pool: "outlierBaseEjectionMs" },
    }),
    maxEjectionMs: setting({
      env: "OUTLIER_MAX_EJECTION_SECONDS",
      type: seconds(0.1, 86400),
      default: "300",
      doc: "Longest ejection.",
    }),
    maxEjectedPercent: setting({
      env: "OUTLIER_MAX_EJECTED_PERCENT",
      type: integer(0, 100),
      default: "50",
      doc: "No more than this share of the servers is ejected at a time. Those that give no answers still come behind the others.",
      unit: "percent",
      givenTo: { pool: "outlierMaxEjectedPercent" },
    }),
  },
};
