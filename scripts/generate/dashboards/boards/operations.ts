/** NeuraBalancer — Operations: the instances themselves. */
import { dashboard } from "../dashboard.ts";
import type { Dashboard, Mapping } from "../model.ts";
import { fallingIsBad, NONE_IS_GOOD, stat, table, timeseries } from "../panels.ts";
import { increase, quantile, rate, series, share, sum } from "../promql.ts";

const DAY = 86_400;

const HOLD_STATES: readonly Mapping[] = [
  {
    type: "value",
    options: {
      off: { text: "off", color: "text" },
      learning: { text: "learning", color: "blue" },
      holding: { text: "holding", color: "green" },
      stopped: { text: "stopped", color: "orange" },
      stale: { text: "stale", color: "red" },
    },
  },
];

const now = [
  stat("Instances", [{ expr: `count(${series("build_info")})` }], {
    doc: "Instances that could be scraped. Fewer than you started: see the targets of Prometheus.",
    color: "none",
  }),
  stat("Workers ready", [{ expr: share(sum("", series("workers_ready")), sum("", series("workers"))) }], {
    doc: "Share of the workers that take requests. Below 1 for more than some seconds: the process log says why they do not start.",
    unit: "percentunit",
    decimals: 0,
    thresholds: fallingIsBad(0.5, 1),
  }),
  stat("Configuration", [{ expr: `min(${series("config_last_reload_successful")})` }], {
    doc: "Whether the last reload was taken over. Rejected: the configuration before it is in force; the log lists every problem, `neurabalancer check` too.",
    mappings: [
      {
        type: "value",
        options: { "0": { text: "rejected", color: "red" }, "1": { text: "in force", color: "green" } },
      },
    ],
  }),
  stat("First certificate expires in", [{ expr: `min(${series("tls_certificate_expiry_seconds")}) - time()` }], {
    doc: "Replace the files and send SIGHUP; changed files are also found by themselves. Nothing where there are none.",
    unit: "dtdurations",
    decimals: 0,
    thresholds: fallingIsBad(7 * DAY, 21 * DAY),
  }),
  stat("Degraded", [{ expr: sum("", series("degraded")) }], {
    doc: "Modes in which an instance works with less than it should: the table below names them.",
    thresholds: NONE_IS_GOOD,
  }),
  stat("Internal errors", [{ expr: sum("", increase("internal_errors_total")) }], {
    doc: "In the dashboard's window. Each is a bug of ours that failed one connection: please report it with its line in the log.",
    decimals: 0,
    thresholds: NONE_IS_GOOD,
  }),
];

const instances = [
  table(
    "Instances",
    [
      { name: "Instance", label: "instance" },
      { name: "Version", label: "version", expr: `max by (instance, version, runtime) (${series("build_info")})` },
      {
        name: "Running for",
        expr: `time() - max by (instance) (${series("start_time_seconds")})`,
        unit: "dtdurations",
        decimals: 0,
      },
      { name: "Workers", expr: sum("instance", series("workers")) },
      { name: "Ready", expr: sum("instance", series("workers_ready")) },
      { name: "Memory", expr: sum("instance", series("process_resident_memory_bytes")), unit: "bytes" },
      { name: "Degraded", expr: sum("instance", series("degraded")), thresholds: NONE_IS_GOOD },
    ],
    {
      doc: "Each with its version: two versions side by side are an unfinished upgrade.",
      sortBy: "Degraded",
      width: 14,
      height: 8,
    },
  ),
  table(
    "Degraded modes",
    [
      { name: "Mode", label: "mode" },
      { name: "Instances", expr: `${sum("mode", series("degraded"))} > 0` },
    ],
    {
      doc: "What works with less than it should, now. docs/operations.md says of each what to do. Empty is good.",
      sortBy: "Instances",
      width: 10,
      height: 8,
    },
  ),
  timeseries("Degraded modes over time", [{ expr: sum("mode", series("degraded")), legend: "{{mode}}" }], {
    doc: "How many instances were in which mode.",
    stack: true,
  }),
  timeseries("Reloads", [{ expr: sum("result", increase("config_reloads_total")), legend: "{{result}}" }], {
    doc: "Reloads (SIGHUP) in the dashboard's window, by result.",
    colors: { success: "green", failure: "red" },
  }),
];

const changes = [
  timeseries("Overrides", [{ expr: sum("kind", series("overrides")), legend: "{{kind}}" }], {
    doc: "What is not as configured, because operators have set it: `neurabalancer overrides list` names each. Carry what is to stay into the configuration.",
    stack: true,
  }),
  timeseries(
    "Overrides that ended by themselves",
    [{ expr: sum("reason", increase("overrides_ended_total")), legend: "{{reason}}" }],
    {
      doc: "In the dashboard's window. `configuration`: it says something else than when they were made, and has won. `neurabalancer overrides audit` names each.",
      colors: { configuration: "orange" },
    },
  ),
  timeseries(
    "Canaries: share",
    [{ expr: `max by (route, pool) (${series("canary_share")})`, legend: "{{route}} → {{pool}}" }],
    {
      doc: "Share of the route's requests that the pool under trial is given. Nothing where none is under trial.",
      unit: "percentunit",
      max: 1,
      width: 8,
    },
  ),
  timeseries(
    "Canaries: evidence",
    [{ expr: `max by (route, pool, claim) (${series("canary_evidence")})`, legend: "{{route}} → {{pool}}: {{claim}}" }],
    {
      doc: "In this step, as a share of what a verdict needs: from 1 on it is shown that the pool under trial is worse, or no worse.",
      unit: "percentunit",
      max: 1,
      width: 8,
    },
  ),
  timeseries(
    "Canaries: verdicts",
    [{ expr: sum("verdict", increase("canary_verdicts_total")), legend: "{{verdict}}" }],
    {
      doc: "In the dashboard's window. `worse` and `unusable` send all requests back where they went, unless that is left to an operator.",
      colors: { no_worse: "green", worse: "red", unusable: "dark-red" },
      width: 8,
    },
  ),
  timeseries(
    "Rate limits: refused",
    [
      {
        expr: sum("limit, outcome", rate("rate_limit_requests_total", 'outcome=~"refused|would_refuse"')),
        legend: "{{limit}}: {{outcome}}",
      },
    ],
    {
      doc: "Per second. `would_refuse` passed, because the limit is tried as `dry_run`. Whom it is about: `neurabalancer limits show NAME`. Nothing where nothing is limited.",
    },
  ),
  timeseries(
    "Rate limits: keys in use",
    [{ expr: `max by (limit) (${series("rate_limit_keys")} / ${series("rate_limit_max_keys")})`, legend: "{{limit}}" }],
    {
      doc: "As a share of `max_keys`. At the top, keys are forgotten or not counted: `rate_limit_forgotten_keys_total` and `rate_limit_uncounted_requests_total` say which.",
      unit: "percentunit",
      max: 1,
    },
  ),
];

const cluster = [
  timeseries(
    "Cluster: instances",
    [{ expr: series("cluster_instances"), legend: "{{cluster}}, as {{instance}} knows it" }],
    {
      doc: "Who shares what it knows over Redis. Lines that part: some instances do not know of others (`neurabalancer cluster` on each says why). 1: it is alone. Nothing without Redis.",
      width: 8,
    },
  ),
  timeseries(
    "Cluster: rounds with Redis",
    [
      { expr: series("cluster_round_duration_seconds"), legend: "{{instance}}: the last one took" },
      { expr: series("cluster_numbers_age_seconds"), legend: "{{instance}}: age of the others' numbers" },
    ],
    {
      doc: "No request waits for them. Numbers that are older than two seconds are not believed: then each instance goes by its own.",
      unit: "s",
      width: 8,
    },
  ),
  timeseries(
    "Cluster: taken out by majority",
    [
      { expr: series("cluster_majority_servers"), legend: "{{instance}}: now" },
      { expr: sum("instance", increase("cluster_majority_ejections_total")), legend: "{{instance}}: in the window" },
    ],
    {
      doc: "Servers that an instance leaves out because most instances have them out, though it finds them well itself. For long: the networks between differ, or this instance does not see what is wrong.",
      width: 8,
    },
  ),
];

const processes = [
  timeseries("CPU by process", [{ expr: sum("process", rate("process_cpu_seconds_total")), legend: "{{process}}" }], {
    doc: "Cores that are busy, over all instances. Workers should be busy alike; one that is at 1 while others are not has connections that send much. All at 1: more cores.",
  }),
  timeseries(
    "Memory by process",
    [{ expr: sum("process", series("process_resident_memory_bytes")), legend: "{{process}}" }],
    {
      doc: "Resident memory, over all instances. Growing without end: a leak; please report it.",
      unit: "bytes",
    },
  ),
  timeseries(
    "File descriptors by process",
    [{ expr: sum("process", series("process_open_descriptors")), legend: "{{process}}" }],
    {
      doc: "Each connection takes one. Near `ulimit -n` clients are refused: the mode `descriptors`.",
    },
  ),
  timeseries(
    "Processes started again",
    [
      { expr: sum("reason", increase("worker_restarts_total")), legend: "worker: {{reason}}" },
      { expr: sum("reason", increase("ml_learner_restarts_total")), legend: "learner: {{reason}}" },
      { expr: sum("reason", increase("history_recorder_restarts_total")), legend: "recorder: {{reason}}" },
      { expr: sum("reason", increase("trace_exporter_restarts_total")), legend: "tracer: {{reason}}" },
    ],
    {
      doc: "In the dashboard's window. `exit`: it died; `hung`: it gave no sign of life and was killed; `failed`: it could not start. The process log has the rest.",
    },
  ),
  timeseries(
    "Series of requests",
    [
      { expr: `max(${series("metrics_series")})`, legend: "in use" },
      { expr: `min(${series("metrics_series_limit")})`, legend: "limit" },
      { expr: sum("", rate("series_overflow_total")), legend: "without one/s" },
    ],
    {
      doc: "Combinations of method, route, status and server that are counted apart. At the limit new ones are counted together, as status 0.",
      colors: { limit: "text", "without one/s": "red" },
    },
  ),
];

const clients = [
  timeseries(
    "Connections of clients",
    [
      { expr: sum("", series("connections_open")), legend: "open" },
      { expr: sum("", series("tunnels_open")), legend: "tunnels" },
    ],
    { doc: "Open now; tunnels (WebSocket) are among them." },
  ),
  timeseries(
    "Clients' trouble",
    [
      { expr: sum("", rate("connections_rejected_total")), legend: "connections refused/s" },
      { expr: sum("", rate("http_requests_refused_total")), legend: "requests refused/s" },
      { expr: sum("", rate("client_aborts_total")), legend: "given up by the client/s" },
      { expr: sum("", rate("tls_handshake_errors_total")), legend: "TLS handshakes failed/s" },
    ],
    {
      doc: "Refused connections: a limit (MAX_CONNECTIONS…) was reached. Given up: clients found it too slow, or went away. Handshakes fail where clients trust no certificate, and under scans.",
      unit: "ops",
    },
  ),
  timeseries(
    "Bytes",
    [
      { expr: sum("", rate("received_bytes_total")), legend: "received" },
      { expr: sum("", rate("sent_bytes_total")), legend: "sent" },
    ],
    { doc: "From and to clients.", unit: "Bps", colors: { received: "light-blue", sent: "blue" } },
  ),
  timeseries("New connections", [{ expr: sum("", rate("connections_accepted_total")), legend: "accepted/s" }], {
    doc: "Near the rate of requests: clients do not keep their connections.",
    unit: "ops",
  }),
];

const upstream = [
  timeseries(
    "Waiting for a server with room",
    [
      { expr: quantile(0.5, "reason", rate("queue_wait_seconds_bucket")), legend: "p50 {{reason}}" },
      { expr: quantile(0.99, "reason", rate("queue_wait_seconds_bucket")), legend: "p99 {{reason}}" },
    ],
    {
      doc: "Of the requests that had to wait: every server of their pool was at its hard limit (full), or at its learned one (held). Nothing while none does.",
      unit: "s",
      colors: {
        "p50 full": "light-blue",
        "p99 full": "dark-blue",
        "p50 held": "light-green",
        "p99 held": "dark-green",
      },
    },
  ),
  timeseries(
    "Queue",
    [
      { expr: sum("", series("queue_length")), legend: "waiting" },
      { expr: sum("", rate("queue_timeouts_total")), legend: "waited too long/s" },
      { expr: sum("", rate("queue_rejected_total")), legend: "queue full/s" },
      { expr: sum("", rate("queue_shed_total")), legend: "shed/s" },
    ],
    {
      doc: "QUEUE_SIZE and QUEUE_TIMEOUT_MS bound it. Shed: in lasting overload some are refused early, so that the others are served in time.",
      colors: { "waited too long/s": "orange", "queue full/s": "red", "shed/s": "dark-red" },
    },
  ),
  timeseries(
    "Held",
    [
      { expr: sum("pool", series("pool_queue_held")), legend: "held now {{pool}}" },
      { expr: sum("pool", rate("queue_wait_seconds_count", 'reason="held"')), legend: "held/s {{pool}}" },
      { expr: sum("pool", rate("held_sent_anyway_total")), legend: "sent anyway/s {{pool}}" },
    ],
    {
      doc: "Requests that wait here because every server works on as many as was learned that it can: they would wait at a server otherwise. Sent anyway: their patience was over. Many of those mean overload, or limits that are too small.",
    },
  ),
  table(
    "Whether requests are held",
    [
      { name: "Instance", label: "instance" },
      { name: "Pool", label: "pool" },
      {
        name: "State",
        label: "state",
        expr: `max by (instance, pool, state) (${series("holding_state")} == 1)`,
        mappings: HOLD_STATES,
      },
      { name: "Waiting", expr: sum("instance, pool", series("pool_queue_length")) },
      { name: "Held", expr: sum("instance, pool", series("pool_queue_held")) },
      { name: "Oldest", expr: `max by (instance, pool) (${series("pool_queue_oldest_seconds")})`, unit: "s" },
    ],
    {
      doc: "off: limits are not learned. learning: no server has one. stopped: requests fared worse where they were held, and it is tried again later. stale: the learner is silent, so none is held.",
      sortBy: "Waiting",
      height: 6,
    },
  ),
  timeseries(
    "Retries",
    [
      { expr: sum("", rate("retries_total")), legend: "made/s" },
      { expr: sum("", rate("retries_denied_total")), legend: "denied/s" },
    ],
    {
      doc: "Denied: RETRY_BUDGET_PERCENT is used up, because too much fails.",
      unit: "ops",
      colors: { "denied/s": "red" },
    },
  ),
  timeseries(
    "Connections to servers",
    [
      { expr: sum("", rate("upstream_connects_total")), legend: "opened/s" },
      { expr: sum("", rate("upstream_connect_failures_total")), legend: "failed/s" },
      { expr: sum("", series("upstream_idle_connections")), legend: "kept" },
    ],
    { doc: "The dashboard Servers has them by server.", colors: { "failed/s": "red" } },
  ),
  timeseries(
    "Checks and names",
    [
      { expr: sum("", rate("health_check_failures_total")), legend: "checks failed/s" },
      { expr: sum("", rate("health_checks_skipped_total")), legend: "checks skipped/s" },
      { expr: sum("", rate("dns_failures_total")), legend: "look-ups failed/s" },
      { expr: sum("", rate("panics_total")), legend: "panics/s" },
    ],
    {
      doc: "Skipped: we had no descriptor, port or time for a check. Failed look-ups keep the last addresses. A panic: too few servers are healthy, so all are used.",
      unit: "ops",
      colors: { "panics/s": "red" },
    },
  ),
  table(
    "Certificates",
    [
      { name: "Certificate", label: "name" },
      {
        name: "Expires in",
        expr: `min by (name) (${series("tls_certificate_expiry_seconds")}) - time()`,
        unit: "dtdurations",
        decimals: 0,
        thresholds: fallingIsBad(7 * DAY, 21 * DAY),
      },
    ],
    {
      doc: "The first to expire of each name, over all instances.",
      sortBy: "Expires in",
      descending: false,
      width: 12,
      height: 8,
    },
  ),
];

const records = [
  timeseries(
    "Log lines",
    [
      { expr: sum("", rate("access_log_lines_total")), legend: "written/s" },
      { expr: sum("", rate("access_log_dropped_total")), legend: "lost/s" },
      { expr: sum("", rate("log_dropped_total")), legend: "lost of the process log/s" },
    ],
    {
      doc: "Lines are lost when the disk is full or a reader too slow; requests never wait for them.",
      unit: "ops",
      colors: { "lost/s": "red", "lost of the process log/s": "orange" },
    },
  ),
  timeseries(
    "History",
    [
      { expr: sum("", rate("history_rows_written_total")), legend: "rows written/s" },
      { expr: sum("", rate("history_rows_dropped_total")), legend: "rows lost/s" },
      { expr: sum("", rate("history_requests_lost_total")), legend: "requests not counted/s" },
      { expr: sum("", rate("history_write_errors_total")), legend: "write errors/s" },
      { expr: sum("", series("history_rows_waiting")), legend: "rows waiting" },
    ],
    {
      doc: "What is kept for `stats` and `replay`. Write errors are tried again; rows are lost when too many wait. Nothing while HISTORY=off.",
      colors: { "rows lost/s": "red", "requests not counted/s": "dark-red", "write errors/s": "orange" },
    },
  ),
  timeseries(
    "Size of the history",
    [{ expr: sum("instance", series("history_store_bytes")), legend: "{{instance}}" }],
    {
      doc: "HISTORY_MAX_MEGABYTES bounds it.",
      unit: "bytes",
    },
  ),
  timeseries(
    "Spans",
    [
      { expr: sum("", rate("trace_spans_exported_total")), legend: "exported/s" },
      { expr: sum("", rate("trace_spans_rejected_total")), legend: "rejected/s" },
      { expr: sum("reason", rate("trace_spans_dropped_total")), legend: "lost: {{reason}}/s" },
    ],
    {
      doc: "Rejected: the collector did not want them. Lost in the `ring` or the `queue`: more are sampled than can be sent; in the `export`: the collector is away. Nothing while no traces are exported.",
      unit: "ops",
      colors: { "rejected/s": "orange" },
    },
  ),
  timeseries(
    "Exports of traces",
    [
      { expr: sum("result", rate("trace_exports_total")), legend: "{{result}}/s" },
      { expr: sum("", series("trace_spans_waiting")), legend: "spans waiting" },
    ],
    {
      doc: "Failures are tried again. The process log says what the collector answered.",
      colors: { "failure/s": "red" },
    },
  ),
  stat(
    "Kept as it should be",
    [
      { expr: `min(${series("history_up")})`, legend: "history" },
      { expr: `min(${series("trace_exporter_up")})`, legend: "traces" },
    ],
    {
      doc: "Whether recorder and store, tracer and collector do their work, at every instance. What is off is not there.",
      mappings: [
        { type: "value", options: { "0": { text: "no", color: "red" }, "1": { text: "yes", color: "green" } } },
      ],
      width: 12,
      height: 8,
    },
  ),
];

const extras = [
  timeseries(
    "Mirrored requests",
    [{ expr: sum("route, pool, result", rate("mirrored_requests_total")), legend: "{{route}} → {{pool}}: {{result}}" }],
    {
      doc: "By what became of the copy. `skipped_…` were not sent: docs/metrics.md says why.",
      unit: "ops",
      width: 8,
    },
  ),
  timeseries(
    "Mirrors: time to the head, p95",
    [
      {
        expr: quantile(0.95, "route, pool, side", rate("mirror_response_duration_seconds_bucket")),
        legend: "{{route}} → {{pool}}: {{side}}",
      },
    ],
    {
      doc: "Of requests that were mirrored (`primary`) and of their copies (`mirror`), where both were answered.",
      unit: "s",
      width: 8,
    },
  ),
  timeseries(
    "Mirrors: same status",
    [{ expr: sum("route, pool, status", rate("mirror_statuses_total")), legend: "{{route}} → {{pool}}: {{status}}" }],
    {
      doc: "Whether the copy was answered with the same status.",
      unit: "ops",
      width: 8,
    },
  ),
  timeseries(
    "Compressed responses",
    [{ expr: sum("result", rate("compressed_responses_total")), legend: "{{result}}" }],
    {
      doc: "`skipped`: the worker compressed as many others as it may. Nothing where no route compresses.",
      unit: "ops",
    },
  ),
  timeseries("Compressed bytes", [{ expr: sum("side", rate("compressed_bytes_total")), legend: "{{side}}" }], {
    doc: "Of the bodies of compressed responses, as they came and as they went.",
    unit: "Bps",
  }),
];

/** Of those who run it. */
export function operations(): Dashboard {
  return dashboard({
    uid: "neurabalancer-operations",
    name: "Operations",
    doc: "The instances themselves: reloads, changes at run time, canaries, workers, connections, what is lost, certificates.",
    variables: ["pool"],
    from: "now-3h",
    sections: [
      { title: "Now", panels: now },
      { title: "Instances", panels: instances },
      { title: "Changes at run time, canaries", panels: changes },
      { title: "Cluster", panels: cluster },
      { title: "Processes", panels: processes },
      { title: "Clients", panels: clients },
      { title: "Towards servers", panels: upstream },
      { title: "Logs, history, traces", panels: records },
      { title: "Mirroring and compression", collapsed: true, panels: extras },
    ],
  });
}
