/** Metrics of the tracer, and of the spans that it sends. Counts rest while no traces are exported. */
import { TRACER_GAUGES, TracerCounter } from "../../shared/memory/layout/tracing.ts";
import type { MetricDefinition, MetricGroup } from "./definition.ts";
import type { MetricsSource } from "./source.ts";

function counted(name: string, word: number, help: string): MetricDefinition<MetricsSource> {
  const type = TRACER_GAUGES.includes(word) ? "gauge" : "counter";
  return { name, type, help, collect: ({ memory }, emit) => emit(memory.tracer.counters[word]) };
}

const C = TracerCounter;

/** What becomes of spans. */
export const tracingMetrics: MetricGroup<MetricsSource> = {
  title: "Traces",
  metrics: [
    {
      name: "trace_exporter_up",
      type: "gauge",
      help: "1 while spans are sent and taken; 0 while the tracer is away or the collector does not take them. Nothing while no traces are exported.",
      collect: ({ tracer }, emit) => {
        const { running, up } = tracer();
        if (running) emit(up ? 1 : 0);
      },
    },
    counted("trace_spans_exported_total", C.SPANS_EXPORTED, "Spans that the collector took."),
    counted(
      "trace_spans_rejected_total",
      C.SPANS_REJECTED,
      "Spans that the collector said it did not want, of batches that it took.",
    ),
    {
      name: "trace_spans_dropped_total",
      type: "counter",
      help: "Spans that were lost: overwritten before they were read (`ring`, one counted for each request), for want of room (`queue`), or because the collector did not take them in time, or refused them (`export`).",
      labels: ["reason"],
      collect: ({ memory: { tracer } }, emit) => {
        emit(tracer.counters[C.SPANS_LOST_RING], { reason: "ring" });
        emit(tracer.counters[C.SPANS_LOST_QUEUE], { reason: "queue" });
        emit(tracer.counters[C.SPANS_LOST_EXPORT], { reason: "export" });
      },
    },
    counted("trace_spans_waiting", C.SPANS_WAITING, "Spans that wait to be sent, or are being sent."),
    counted("trace_bytes_waiting", C.BYTES_WAITING, "Memory of these, bytes."),
    {
      name: "trace_exports_total",
      type: "counter",
      help: "Tries to send spans, by what came of them; what fails is tried again where that makes sense.",
      labels: ["result"],
      collect: ({ memory: { tracer } }, emit) => {
        emit(tracer.counters[C.EXPORTS], { result: "success" });
        emit(tracer.counters[C.EXPORT_FAILURES], { result: "failure" });
      },
    },
    {
      name: "trace_exporter_restarts_total",
      type: "counter",
      help: "How often the tracer was started again, by reason, as for workers.",
      labels: ["reason"],
      collect: ({ tracer }, emit) => {
        for (const [reason, count] of Object.entries(tracer().restarts)) emit(count, { reason });
      },
    },
  ],
};
