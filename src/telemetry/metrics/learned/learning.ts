/** Metrics of learned balancing. While the strategy is another, only samples are counted, and what is in force is not shown. */

import {
  ARM_NAMES,
  INFERENCE_BOUNDS,
  LEARNER_GAUGES,
  type LearnedTable,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  PredictionWord,
  TRAINING_RESULTS,
  VERDICT_KINDS,
} from "../../../shared/memory/layout/learning.ts";
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import type { Emit, Labels, MetricDefinition, MetricGroup } from "../definition.ts";
import { emitHistogram } from "../histogram.ts";
import { labelOfPool } from "../pool-label.ts";
import type { LearnedPoolFigures, MetricsSource } from "../source.ts";
import { sumCounter } from "../workers.ts";

const CLUSTER_EVENTS = [
  ["adopted", LearnerCounter.CLUSTER_ADOPTED],
  ["published", LearnerCounter.CLUSTER_PUBLISHED],
  ["unusable", LearnerCounter.CLUSTER_UNUSABLE],
] as const;

function counted(name: string, word: number, help: string): MetricDefinition<MetricsSource> {
  const type = LEARNER_GAUGES.includes(word) ? "gauge" : "counter";
  return { name, type, help, collect: ({ memory }, emit) => emit(memory.learnerCounters[word]) };
}

/** What is in force in a pool. Where several pools are learned of, its samples say whose they are. */
function ofPools(
  { learner }: MetricsSource,
  emit: Emit,
  collect: (pool: LearnedPoolFigures, emit: (value: number, labels?: Labels) => void) => void,
): void {
  const { pools } = learner();
  for (const pool of pools) {
    collect(pool, pools.length === 1 ? emit : (value, labels) => emit(value, { ...labels, pool: pool.name }));
  }
}

/** As `ofPools`, for what is told of an instance without `ml` as well: that there is nothing. */
function ofAnyPools(
  source: MetricsSource,
  emit: Emit,
  collect: (learned: LearnedTable, emit: (value: number, labels?: Labels) => void) => void,
): void {
  const { learned } = source.memory;
  if (source.learner().pools.length === 0) collect(learned[0], emit);
  else ofPools(source, emit, ({ row }, emitOf) => collect(learned[row], emitOf));
}

const C = LearnerCounter;
const ROLES = [
  ["champion", LearnerWord.CHAMPION_MODEL],
  ["canary", LearnerWord.CANARY_MODEL],
] as const;
const COSTS = [
  ["champion", LearnerFigure.CHAMPION_COST],
  ["control", LearnerFigure.CONTROL_COST],
  ["canary", LearnerFigure.CANARY_COST],
] as const;
const SHARES = [
  ["control", LearnerFigure.CONTROL_SHARE],
  ["canary", LearnerFigure.CANARY_SHARE],
  ["second", LearnerFigure.SECOND_SHARE],
] as const;

/** Sums of a server over its attempts that are in both: the `PredictionWord`s. */
function latency(name: string, help: string, word: number): MetricDefinition<MetricsSource> {
  return {
    name,
    type: "summary",
    help,
    labels: ["server_id"],
    perPool: true,
    collect: (source, emit) => {
      const poolOf = labelOfPool(source);
      const pools = new Map<number, string>();
      for (const { id, pool } of source.servers()) pools.set(id, pool);
      const { predictions } = source.memory;
      for (let at = 0; at < predictions.length; at += PredictionWord.LENGTH) {
        const id = predictions[at + PredictionWord.SERVER];
        const pool = pools.get(id);
        if (pool === undefined) continue;
        const figures = { quantiles: [], sum: predictions[at + word], count: predictions[at + PredictionWord.COUNT] };
        emit.summary(figures, { server_id: id, ...poolOf(pool) });
      }
    },
  };
}

/** The learner, its models and what `ml` decided. */
export const learningMetrics: MetricGroup<MetricsSource> = {
  title: "Learned balancing",
  doc: "`pool` is there when several pools are learned of.",
  metrics: [
    {
      name: "ml_predictions_total",
      type: "counter",
      help: "Requests that were placed by what a model predicted (their first attempts; of the champion or of a canary).",
      collect: (source, emit) => emit(sumCounter(source, WorkerCounter.ML_PREDICTED)),
    },
    {
      name: "ml_errors_total",
      type: "counter",
      help: "Attempts under `ml` that a fallback placed, because no table of the model could be used, or the guardrail does not trust it; those of the first moments, before there is a table, among them. What is placed otherwise on purpose (`control`, `probe` of `ml_decisions_total`) is none.",
      collect: (source, emit) => emit(sumCounter(source, WorkerCounter.ML_FALLBACKS)),
    },
    counted(
      "ml_cache_hits_total",
      C.CACHE_HITS,
      "Scores of a remote model that the cache had, and that were used: of calls that failed none counts.",
    ),
    counted("ml_scores_total", C.SCORES, "Scores that models gave: one for each server and load of a table."),
    counted(
      "ml_model_failures_total",
      C.MODEL_FAILURES,
      "Calls of a model that failed, or gave what cannot be used. One that is left alone (`ml_circuit_breaker_open`) is not called.",
    ),
    counted(
      "ml_circuit_breaker_open",
      C.BREAKER_OPEN,
      "1 while the model of a model server is not asked because it failed too often (of any pool).",
    ),
    {
      name: "ml_inference_duration_seconds",
      type: "histogram",
      help: "How long calls of a model took, each for a whole table; requests never wait for one.",
      collect: ({ memory }, emit) => {
        const { learnerCounters } = memory;
        const counts = learnerCounters.subarray(C.INFERENCE_BUCKETS, C.INFERENCE_BUCKETS + INFERENCE_BOUNDS.length + 1);
        emitHistogram(emit, INFERENCE_BOUNDS, counts, learnerCounters[C.INFERENCE_SECONDS]);
      },
    },
    {
      name: "ml_rung",
      type: "gauge",
      help: "Which policy routes: 0 the model, 1 the estimator, 2 weighted round robin. Nothing while `LB_STRATEGY` is not `ml`.",
      labels: ["pool"],
      collect: (source, emit) => ofPools(source, emit, ({ rung }, emitOf) => emitOf(rung)),
    },
    {
      name: "ml_decisions_total",
      type: "counter",
      help: "Choices of `ml`, one or more for each attempt, by `arm`: `champion` (the policy of the rung), `control` (the one below, to compare), `canary` (a candidate model), `probe` (nobody's: a server that was not heard of for long, or that the client sticks to).",
      labels: ["arm"],
      collect: (source, emit) => {
        for (const [index, arm] of ARM_NAMES.entries()) {
          emit(sumCounter(source, WorkerCounter.DECISIONS + index), { arm });
        }
      },
    },
    {
      name: "ml_share",
      type: "gauge",
      help: "Share of the requests, 0 … 1, that is placed otherwise than by the champion's first choice, by `kind`: `control`, `canary`, or `second` (to its second best server).",
      labels: ["pool", "kind"],
      collect: (source, emit) =>
        ofAnyPools(source, emit, ({ figures }, emitOf) => {
          for (const [kind, figure] of SHARES) emitOf(figures[figure], { kind });
        }),
    },
    {
      name: "ml_model_version",
      type: "gauge",
      help: "Version of the model, by `role`: `champion`, `canary`; 0 = none, -1 = the model of a model server.",
      labels: ["pool", "role"],
      collect: (source, emit) =>
        ofAnyPools(source, emit, ({ words }, emitOf) => {
          for (const [role, word] of ROLES) emitOf(words[word], { role });
        }),
    },
    {
      name: "ml_arm_cost",
      type: "gauge",
      help: "Mean cost of the attempts of an arm over the last seconds, in mean latencies of the fleet; a failed attempt costs at least a second. What `champion` costs more than `control` is lost to the policy below it. Nothing for an arm without attempts.",
      labels: ["pool", "arm"],
      collect: (source, emit) =>
        ofAnyPools(source, emit, ({ figures }, emitOf) => {
          for (const [arm, figure] of COSTS) if (figures[figure] > 0) emitOf(figures[figure], { arm });
        }),
    },
    latency(
      "ml_predicted_latency_seconds",
      "Time to a server's response head as the champion's model predicted it when it placed the attempt: sum and count of a sample of the attempts that succeeded. Nothing of models whose scores are no times (a model server's, most that were made elsewhere).",
      PredictionWord.PREDICTED_SECONDS,
    ),
    latency(
      "ml_actual_latency_seconds",
      "Time to the response head of the very attempts of `ml_predicted_latency_seconds`, as it was.",
      PredictionWord.ACTUAL_SECONDS,
    ),
    {
      name: "ml_verdicts_total",
      type: "counter",
      help: "Verdicts on models, by `kind`; `neurabalancer models verdicts` shows them with their figures.",
      labels: ["kind"],
      collect: ({ memory }, emit) => {
        for (const [i, kind] of VERDICT_KINDS.entries()) emit(memory.learnerCounters[C.VERDICTS + i], { kind });
      },
    },
    {
      name: "ml_trainings_total",
      type: "counter",
      help: "Trainings in the background that ended, by `result`: `proposed` (a candidate), `no_better`, `too_few_samples`, `failed`.",
      labels: ["result"],
      collect: ({ memory }, emit) => {
        for (const [i, result] of TRAINING_RESULTS.entries()) {
          emit(memory.learnerCounters[C.TRAININGS + i], { result });
        }
      },
    },
    counted("ml_training", C.TRAINING, "1 while a model is being trained."),
    counted(
      "ml_samples_kept_total",
      C.SAMPLES_KEPT,
      "Samples that were handed to the store, to be learned from; also of pools with another strategy (`LEARNING_SAMPLES`).",
    ),
    counted(
      "ml_cluster_leading",
      C.CLUSTER_LEADING,
      "1 while this instance trains a model for the others of its cluster, too: of those that share models one does.",
    ),
    counted(
      "ml_cluster_away",
      C.CLUSTER_AWAY,
      "1 while Redis, over which models are shared, does not answer the learner: each instance goes on with the model that it has.",
    ),
    {
      name: "ml_cluster_models_total",
      type: "counter",
      help: "Models that were shared over Redis, by `event`: `adopted` (of another instance, it routes here), `published` (for the others), `unusable` (what was published cannot be used here).",
      labels: ["event"],
      collect: ({ memory }, emit) => {
        for (const [event, word] of CLUSTER_EVENTS) emit(memory.learnerCounters[word], { event });
      },
    },
    {
      name: "ml_table_age_seconds",
      type: "gauge",
      help: "Age of the champion's table; above 1 it is not believed. Nothing while there is none.",
      labels: ["pool"],
      collect: (source, emit) =>
        ofPools(source, emit, ({ tableAgeMs }, emitOf) => {
          if (Number.isFinite(tableAgeMs)) emitOf(tableAgeMs / 1000);
        }),
    },
    counted("ml_tables_total", C.TABLES, "Tables of costs that were published: requests are placed by them."),
    counted("ml_samples_total", C.SAMPLES, "Outcomes of attempts that the learner took in."),
    counted("ml_samples_lost_total", C.SAMPLES_LOST, "Outcomes that were overwritten before it could take them in."),
    counted(
      "ml_knowledge_rounds_total",
      C.KNOWLEDGE_ROUNDS,
      "Rounds in which the learner told other instances what it knows of servers, and heard of them ([cluster](cluster.md#what-is-learned)).",
    ),
    counted(
      "ml_knowledge_failures_total",
      C.KNOWLEDGE_FAILURES,
      "Of such rounds, those without an answer that was one: it goes by what it learns itself meanwhile.",
    ),
    {
      name: "ml_learner_restarts_total",
      type: "counter",
      help: "How often the learner was started again, by reason, as for workers.",
      labels: ["reason"],
      collect: ({ learner }, emit) => {
        for (const [reason, count] of Object.entries(learner().restarts)) emit(count, { reason });
      },
    },
  ],
};
