/** Metrics of the recorder, and of what is kept of the past. Counts rest while history is off. */
import { RECORDER_GAUGES, RecorderCounter } from "../../shared/memory/layout/history.ts";
import type { MetricDefinition, MetricGroup } from "./definition.ts";
import type { MetricsSource } from "./source.ts";

function counted(name: string, word: number, help: string): MetricDefinition<MetricsSource> {
  const type = RECORDER_GAUGES.includes(word) ? "gauge" : "counter";
  return { name, type, help, collect: ({ memory }, emit) => emit(memory.recorder.counters[word]) };
}

const C = RecorderCounter;

/** What is kept of what happened. */
export const historyMetrics: MetricGroup<MetricsSource> = {
  title: "History",
  metrics: [
    {
      name: "history_up",
      type: "gauge",
      help: "1 while what happens is kept as it should be; 0 while the recorder or its store is away. Nothing while `HISTORY=off`.",
      collect: ({ recorder }, emit) => {
        const { running, up } = recorder();
        if (running) emit(up ? 1 : 0);
      },
    },
    counted("history_requests_total", C.REQUESTS, "Requests that the recorder has counted."),
    counted(
      "history_requests_lost_total",
      C.REQUESTS_LOST,
      "Requests that workers told of and that were overwritten before the recorder had counted them.",
    ),
    counted(
      "history_rows_written_total",
      C.ROWS_WRITTEN,
      "Rows written to the store: counts by the second, single requests, gauges, events.",
    ),
    counted("history_rows_dropped_total", C.ROWS_DROPPED, "Rows that were lost because the store did not take them."),
    counted("history_rows_waiting", C.ROWS_WAITING, "Rows that wait to be written."),
    counted("history_write_errors_total", C.WRITE_ERRORS, "Writes to the store that failed; they are tried again."),
    counted("history_store_bytes", C.STORE_BYTES, "Size of what is kept; 0 = not known."),
    {
      name: "history_events_waiting",
      type: "gauge",
      help: "Events that the recorder has not yet in the store.",
      collect: ({ recorder }, emit) => emit(recorder().eventsWaiting),
    },
    {
      name: "history_events_dropped_total",
      type: "counter",
      help: "Events that were lost because too many waited for a recorder.",
      collect: ({ recorder }, emit) => emit(recorder().eventsDropped),
    },
    {
      name: "history_recorder_restarts_total",
      type: "counter",
      help: "How often the recorder was started again, by reason, as for workers.",
      labels: ["reason"],
      collect: ({ recorder }, emit) => {
        for (const [reason, count] of Object.entries(recorder().restarts)) emit(count, { reason });
      },
    },
  ],
};
