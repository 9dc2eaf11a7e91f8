/** Metrics of the instance itself. */
import { Header } from "../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import type { MetricGroup } from "./definition.ts";
import type { MetricsSource } from "./source.ts";
import { sumCounter } from "./workers.ts";

/** Metrics of the instance. */
export const processMetrics: MetricGroup<MetricsSource> = {
  title: "Instance",
  metrics: [
    {
      name: "build_info",
      type: "gauge",
      help: "Always 1; carries the version of the product and of the runtime that it runs on.",
      labels: ["version", "runtime"],
      collect: ({ version, runtime }, emit) => emit(1, { version, runtime }),
    },
    {
      name: "start_time_seconds",
      type: "gauge",
      help: "When the instance started, seconds since the epoch.",
      collect: ({ startedAtSeconds }, emit) => emit(startedAtSeconds),
    },
    {
      name: "workers",
      type: "gauge",
      help: "Worker processes that are meant to run.",
      collect: ({ memory }, emit) => emit(memory.header[Header.WORKERS]),
    },
    {
      name: "workers_ready",
      type: "gauge",
      help: "Worker processes that take requests.",
      collect: (source, emit) => emit(source.workersReady()),
    },
    {
      name: "worker_restarts_total",
      type: "counter",
      help: "Workers started again, by reason: `exit` (died), `hung` (killed without a sign of life), `failed` (could not start).",
      labels: ["reason"],
      collect: (source, emit) => {
        for (const [reason, count] of Object.entries(source.workerRestarts())) emit(count, { reason });
      },
    },
    {
      name: "worker_standstills_total",
      type: "counter",
      help: "How often a worker heard of nothing for longer than it should have: it got no processor, was stopped, or was busy with something long.",
      collect: (source, emit) => emit(sumCounter(source, WorkerCounter.STANDSTILLS)),
    },
    {
      name: "worker_standstill_seconds_total",
      type: "counter",
      help: "For how long that was, seconds. It is taken off what strategies learn of servers.",
      collect: (source, emit) => emit(sumCounter(source, WorkerCounter.STANDSTILL_MS) / 1000),
    },
    {
      name: "process_cpu_seconds_total",
      type: "counter",
      help: "CPU time that a process has taken since it was started, seconds, by `process` as in `process_resident_memory_bytes`: workers should be busy alike. Linux only.",
      labels: ["process"],
      collect: (source, emit) => {
        for (const { name, cpuSeconds } of source.processes()) {
          if (cpuSeconds !== null) emit(cpuSeconds, { process: name });
        }
      },
    },
    {
      name: "process_resident_memory_bytes",
      type: "gauge",
      help: "Resident memory by `process`: `supervisor`, `worker-<index>`, and while they run `learner`, `recorder`, `tracer`, `acme`. What processes share counts in each.",
      labels: ["process"],
      collect: (source, emit) => {
        for (const { name, rssBytes } of source.processes()) emit(rssBytes, { process: name });
      },
    },
    {
      name: "process_open_descriptors",
      type: "gauge",
      help: "Open file descriptors by process (all but the supervisor: as of some seconds ago).",
      labels: ["process"],
      collect: (source, emit) => {
        for (const { name, openDescriptors } of source.processes()) {
          if (openDescriptors > 0) emit(openDescriptors, { process: name });
        }
      },
    },
    {
      name: "config_reloads_total",
      type: "counter",
      help: "Reloads of the configuration (SIGHUP), by `result`: `success`, `failure` (rejected: the one before stays in force).",
      labels: ["result"],
      collect: (source, emit) => {
        for (const [result, count] of Object.entries(source.reloads())) emit(count, { result });
      },
    },
    {
      name: "config_last_reload_successful",
      type: "gauge",
      help: "1 while the configuration that was read last is in force, at the start or by a reload; 0 = it was rejected, and the one before is.",
      collect: (source, emit) => emit(source.configuration().successful ? 1 : 0),
    },
    {
      name: "config_last_reload_success_timestamp_seconds",
      type: "gauge",
      help: "When the configuration in force was taken over, seconds since the epoch: the last reload that succeeded, or the start.",
      collect: (source, emit) => emit(source.configuration().takenAtSeconds),
    },
    {
      name: "tls_certificate_expiry_seconds",
      type: "gauge",
      help: "When a certificate expires, seconds since the epoch; of a chain what expires first. `name` is the first DNS name of a certificate that clients are shown, `upstream` and the subject's name of one that servers are shown (`UPSTREAM_CERT_FILE`), `collector` and that of one that the collector of traces is shown, `authority` and its name of one that vouches for servers, clients or the collector (of each file the first 32).",
      labels: ["name"],
      collect: (source, emit) => {
        for (const { name, expiresAtSeconds } of source.certificates()) emit(expiresAtSeconds, { name });
      },
    },
    {
      name: "tls_revocation_list_expiry_seconds",
      type: "gauge",
      help: "When a list of revoked certificates (`TLS_CLIENT_CRL_FILE`) must have a successor, seconds since the epoch: clients of its authority, `name`, are refused from then on. Of a list that does not say so there is no sample.",
      labels: ["name"],
      collect: (source, emit) => {
        for (const { name, expiresAtSeconds } of source.revocationLists()) emit(expiresAtSeconds, { name });
      },
    },
    {
      name: "degraded",
      type: "gauge",
      help: "1 while the instance works with less than it should: `panic` (of a pool too few servers are up, so all are used), `no_servers` (of a pool that routes lead to no server is up: its requests get 503, or in panic are tried at servers that are thought to be down), `workers` (fewer ready than meant), `learner` (no table of the learner is fresh, so the estimator balances; or no limits that it learns are, so that no request is held), `model` (the model that should route cannot be used), `learning_store` (what is learned, or samples, is not kept as it should be), `history` (the recorder is away, or its store does not take what it is given), `tracing` (the tracer is away, or the collector does not take what it is sent), `configuration` (the last reload was rejected), `certificates` (changed files were rejected), `revocation_lists` (a list of revoked certificates is out of date: clients of its authority are refused), `operations` (what operators change cannot be kept: it lasts for this run alone, or is refused), `acme` (a certificate that ACME should give is not to be had), `draining` (stopping), `access_log` (lines are lost), `log` (the last line of the supervisor's log was lost), `descriptors` (connections are refused for want of file descriptors), `health_checks` (checks cannot be made for want of something of our own), `discovery` (DNS or Kubernetes does not answer: addresses of servers are those last known, or missing), `sockets` (the runtime's sockets stand in for our own, which the system does not allow: requests cost more), `wakes` (workers cannot tell each other of places that come free at servers, so requests wait longer), `rate_limits` (a rate limit has no room for more keys), `redis` (Redis does not answer: the instance goes on alone by what it knows itself, and limits that instances share do what `when_away` says), `memory` (the shared memory has no room for another server or worker).",
      labels: ["mode"],
      collect: (source, emit) => {
        for (const [mode, on] of Object.entries(source.degradedModes())) emit(on ? 1 : 0, { mode });
      },
    },
  ],
};
