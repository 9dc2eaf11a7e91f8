/** Metrics of the model server. */
import type { OutputKind } from "../learning/models/score-model.ts";
import type { MetricGroup } from "../telemetry/metrics/definition.ts";
import { InferenceHistogram } from "../telemetry/metrics/learned/inference-histogram.ts";

/** What the server counts. */
export class ModelServerCounts {
  /** Requests to /predict. */
  requests = 0;
  /** Scores given. */
  predictions = 0;
  readonly errors = { bad_request: 0, too_large: 0, no_model: 0, inference: 0 };
  readonly reloads = { success: 0, failure: 0 };
  /** Of runs of the model. */
  readonly inference = new InferenceHistogram();
}

/** What a scrape reads. */
export interface ModelServerMetricsSource {
  readonly counts: ModelServerCounts;
  readonly served: () => {
    readonly version: string;
    readonly featureNames: readonly string[];
    readonly outputKind: OutputKind;
  } | null;
}

/** The metrics. */
export const modelServerMetrics: MetricGroup<ModelServerMetricsSource> = {
  title: "Model server",
  doc: "Of `neurabalancer model-server`, at its own `GET /metrics`.",
  metrics: [
    {
      name: "model_server_requests_total",
      type: "counter",
      help: "Requests to `POST /predict`.",
      collect: ({ counts }, emit) => emit(counts.requests),
    },
    {
      name: "model_server_predictions_total",
      type: "counter",
      help: "Scores given.",
      collect: ({ counts }, emit) => emit(counts.predictions),
    },
    {
      name: "model_server_errors_total",
      type: "counter",
      help: "Requests to `POST /predict` without scores, by reason: `bad_request` (400), `too_large` (413), `no_model` (503), `inference` (500: the model failed).",
      labels: ["reason"],
      collect: ({ counts }, emit) => {
        for (const [reason, count] of Object.entries(counts.errors)) emit(count, { reason });
      },
    },
    {
      name: "model_server_inference_duration_seconds",
      type: "histogram",
      help: "How long a run of the model takes; requests that come at the same time share one.",
      collect: ({ counts }, emit) => counts.inference.emit(emit),
    },
    {
      name: "model_server_reloads_total",
      type: "counter",
      help: "Loads of the model's files (at the start, after a change, by `POST /reload`), by result. After a `failure` the model before it stays.",
      labels: ["result"],
      collect: ({ counts }, emit) => {
        for (const [result, count] of Object.entries(counts.reloads)) emit(count, { result });
      },
    },
    {
      name: "model_server_model_info",
      type: "gauge",
      help: "Always 1 while there is a model; carries its version, its number of features and what its output means.",
      labels: ["version", "features", "output"],
      collect: ({ served }, emit) => {
        const model = served();
        if (model === null) return;
        emit(1, { version: model.version, features: model.featureNames.length, output: model.outputKind });
      },
    },
  ],
};
