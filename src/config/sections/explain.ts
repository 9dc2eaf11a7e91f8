/** Settings of what is kept of single requests in memory. */
import { setting } from "../setting.ts";
import { integer, toggle } from "../values/value-types.ts";

/** Why single requests of late went where they went. */
export const explain = {
  title: "Explanations",
  doc: "Workers keep in memory why requests of late went where they went, whatever the strategy: ask `neurabalancer explain`, `neurabalancer requests`, or the admin API (docs/explain.md).",
  settings: {
    enabled: setting({
      env: "EXPLAIN",
      type: toggle,
      default: "on",
      doc: "Keep in memory why requests went where they went: at least ten minutes of them, failed and slow ones longest.",
      givenTo: { worker: "explain" },
    }),
    memoryMb: setting({
      env: "EXPLAIN_MEMORY_MB",
      type: integer(4, 128),
      default: "64",
      doc: "Most shared memory of all workers together that is taken for this, megabytes. It is only taken as it fills, and never more than an eighth of what the control group (cgroup) allows. A lower value holds from the next start on.",
    }),
  },
};
