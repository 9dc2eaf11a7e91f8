/** Metrics of the admin port: what it answered, and whom it turned away. */
import type { MetricGroup } from "../definition.ts";
import type { MetricsSource } from "../source.ts";

/** What came to the admin port. */
export const adminMetrics: MetricGroup<MetricsSource> = {
  title: "Admin API",
  metrics: [
    {
      name: "admin_requests_total",
      type: "counter",
      help: "Requests answered at the admin port, by the scope of who asked (`public`, `metrics`, `read`, `admin`; `none` = turned away) and by status.",
      labels: ["scope", "status"],
      collect: ({ admin }, emit) => {
        for (const { scope, status, count } of admin().answers) emit(count, { scope, status });
      },
    },
    {
      name: "admin_refusals_total",
      type: "counter",
      help: "Requests that the admin port turned away, by reason: `no_token`, `wrong_token`, `throttled` (more wrong tokens than are answered as such), `scope` (the token may not do that), `this_machine_only` (there are no tokens, and the client is elsewhere), `host` (reached under a name that is not its own), `site` (from a page of another site).",
      labels: ["reason"],
      collect: ({ admin }, emit) => {
        for (const [reason, count] of Object.entries(admin().refused)) emit(count, { reason });
      },
    },
  ],
};
