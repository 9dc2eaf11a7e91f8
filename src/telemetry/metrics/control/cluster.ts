/** Metrics of several instances that share what they know. */
import type { Emit, MetricDefinition, MetricGroup } from "../definition.ts";
import type { ClusterFigures, MetricsSource } from "../source.ts";

function ofCluster(
  name: string,
  type: "counter" | "gauge",
  help: string,
  samples: (figures: ClusterFigures, emit: Emit) => void,
  labels: readonly string[] = [],
): MetricDefinition<MetricsSource> {
  return {
    name,
    type,
    help,
    labels,
    collect: ({ cluster }, emit) => {
      const figures = cluster();
      if (figures !== null) samples(figures, emit);
    },
  };
}

/** What an instance says of its cluster. */
export const clusterMetrics: MetricGroup<MetricsSource> = {
  title: "Cluster",
  doc: 'Of instances that share what they know over Redis; nothing of it without one. `neurabalancer_degraded{mode="redis"}` is 1 while it is away. See [cluster.md](cluster.md).',
  metrics: [
    ofCluster(
      "cluster_instances",
      "gauge",
      "Instances that are there, as this one knows it and it among them, by `cluster` (CLUSTER_NAME); 1 while Redis is away.",
      ({ cluster, instances }, emit) => emit(instances, { cluster }),
      ["cluster"],
    ),
    ofCluster(
      "cluster_versions",
      "gauge",
      "Versions of the program that these run, by `cluster`: more than one while a new one is rolled out.",
      ({ cluster, versions }, emit) => emit(versions, { cluster }),
      ["cluster"],
    ),
    ofCluster(
      "cluster_numbers_age_seconds",
      "gauge",
      "Since the others' numbers were heard; nothing before the first time. Older than two seconds they are not believed.",
      ({ numbersAgeMs }, emit) => {
        if (numbersAgeMs !== null) emit(numbersAgeMs / 1000);
      },
    ),
    ofCluster(
      "cluster_rounds_total",
      "counter",
      "Rounds of the exchange with Redis, by how they ended: `ok`, or `failed` (no answer in time, a refusal, or an answer that is none of ours).",
      ({ rounds, failures }, emit) => {
        emit(rounds, { result: "ok" });
        emit(failures, { result: "failed" });
      },
      ["result"],
    ),
    ofCluster(
      "cluster_round_duration_seconds",
      "gauge",
      "How long the last good round took, its way over the network included; nothing before the first.",
      ({ rounds, lastMs }, emit) => {
        if (rounds > 0) emit(Math.max(0, lastMs) / 1000);
      },
    ),
    ofCluster(
      "cluster_changes_total",
      "counter",
      "Changes of operators at other instances that were found in Redis, by what became of them: `taken`, or `refused` (of another version, or none of ours).",
      ({ changes }, emit) => {
        if (changes === null) return;
        emit(changes.taken, { result: "taken" });
        emit(changes.refused, { result: "refused" });
      },
      ["result"],
    ),
    ofCluster(
      "cluster_changes_untold",
      "gauge",
      "Changes of operators that were made here and of which the others have not heard.",
      ({ changes }, emit) => {
        if (changes !== null) emit(changes.untold);
      },
    ),
    ofCluster(
      "cluster_bytes_total",
      "counter",
      "What the exchange has told Redis (`sent`) and heard from it (`received`), bytes, without those of the protocol; with what others share among it.",
      ({ bytes: { sent, received } }, emit) => {
        emit(sent, { direction: "sent" });
        emit(received, { direction: "received" });
      },
      ["direction"],
    ),
    ofCluster(
      "cluster_refused_shares_total",
      "counter",
      "Shares of other instances that were left out because no instance of ours writes such: another program uses these keys, or somebody has edited them.",
      ({ refused }, emit) => emit(refused),
    ),
    ofCluster(
      "cluster_majority_ejections_total",
      "counter",
      "Servers that were taken out here because most instances had them out, and this one by itself had not.",
      ({ majorityEjections }, emit) => emit(majorityEjections),
    ),
    ofCluster(
      "cluster_majority_servers",
      "gauge",
      "Servers that are out here for that alone.",
      ({ majorityServers }, emit) => emit(majorityServers),
    ),
  ],
};
