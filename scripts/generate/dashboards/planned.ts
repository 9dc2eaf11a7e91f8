/** Metrics that other branches bring. To be removed. */
export const PLANNED = [
  { name: "trace_exporter_up", type: "gauge" },
  { name: "trace_spans_exported_total", type: "counter" },
  { name: "trace_spans_rejected_total", type: "counter" },
  { name: "trace_spans_dropped_total", type: "counter", labels: ["reason"] },
  { name: "trace_spans_waiting", type: "gauge" },
  { name: "trace_bytes_waiting", type: "gauge" },
  { name: "trace_exports_total", type: "counter", labels: ["result"] },
  { name: "trace_exporter_restarts_total", type: "counter", labels: ["reason"] },
] as const;
