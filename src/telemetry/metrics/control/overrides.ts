/** Metrics of overrides: what is not as configured, and what a changed configuration has won over. */
import type { MetricGroup } from "../definition.ts";
import type { MetricsSource } from "../source.ts";

/** What operators have set at run time. */
export const overrideMetrics: MetricGroup<MetricsSource> = {
  title: "Overrides",
  doc: "See [overrides.md](overrides.md).",
  metrics: [
    {
      name: "overrides",
      type: "gauge",
      help: "Overrides that there are, by kind (`weight`, `capacity`, `state`, `server_added`, `server_removed`, `setting`, `split`, `canary`), and whether they are in force in this instance: what is not as configured.",
      labels: ["kind", "in_force"],
      collect: ({ overrides }, emit) => {
        for (const { kind, inForce, count } of overrides().list) emit(count, { kind, in_force: String(inForce) });
      },
    },
    {
      name: "overrides_ended_total",
      type: "counter",
      help: "Overrides that have ended by themselves, by reason: `configuration` (it says something else than when they were made, and has won), `time` (it was over).",
      labels: ["reason"],
      collect: ({ overrides }, emit) => {
        for (const [reason, count] of Object.entries(overrides().ended)) emit(count, { reason });
      },
    },
  ],
};
