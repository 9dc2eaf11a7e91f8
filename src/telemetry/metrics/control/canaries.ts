/** Metrics of canaries: which pools are under trial, with what share, and what was found. */
import type { MetricGroup } from "../definition.ts";
import type { MetricsSource } from "../source.ts";

/** What canaries say. */
export const canaryMetrics: MetricGroup<MetricsSource> = {
  title: "Canaries",
  doc: "One canary a route, and the last 64 that have ended. `pool` is the one under trial. See [canary.md](canary.md).",
  metrics: [
    {
      name: "canary_share",
      type: "gauge",
      help: "Share of the route's requests that the pool under trial is given, 0 … 1; of one that has ended, there is none.",
      labels: ["route", "pool"],
      collect: ({ canaries }, emit) => {
        for (const { route, pool, state, percent } of canaries().list) {
          if (state === "running" || state === "waiting") emit(percent / 100, { route, pool });
        }
      },
    },
    {
      name: "canary_state",
      type: "gauge",
      help: "1 for the state that the canary is in: `running`, `waiting` (for an operator), `promoted`, `rolled_back`, `ended` (by the configuration, or because its override was removed).",
      labels: ["route", "pool", "state"],
      collect: ({ canaries }, emit) => {
        const { list, states } = canaries();
        for (const { route, pool, state } of list) {
          for (const one of states) emit(one === state ? 1 : 0, { route, pool, state: one });
        }
      },
    },
    {
      name: "canary_evidence",
      type: "gauge",
      help: "Evidence in this step that requests cost more than is tolerated (`worse`) or do not (`no_worse`), as a share of what a verdict needs: from 1 on it is shown.",
      labels: ["route", "pool", "claim"],
      collect: ({ canaries }, emit) => {
        for (const { route, pool, evidence } of canaries().list) {
          for (const [claim, value] of Object.entries(evidence)) emit(value, { route, pool, claim });
        }
      },
    },
    {
      name: "canary_verdicts_total",
      type: "counter",
      help: "Verdicts about pools under trial: `worse` (rolled back, unless that is an operator's business), `no_worse` (the next step), `unusable` (no server is up).",
      labels: ["verdict"],
      collect: ({ canaries }, emit) => {
        for (const [verdict, count] of canaries().verdicts) emit(count, { verdict });
      },
    },
  ],
};
