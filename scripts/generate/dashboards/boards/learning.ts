/** NeuraBalancer — Learning: does `ml` predict well, does it pay, and what is decided about models? */
import { dashboard } from "../dashboard.ts";
import { exploreTraces } from "../explore.ts";
import type { Dashboard, Mapping } from "../model.ts";
import { fallingIsBad, NONE_IS_GOOD, risingIsBad, stat, table, timeseries } from "../panels.ts";
import { byServer, increase, quantile, rate, series, share, sum } from "../promql.ts";
import { PLACED_TRACES } from "../searches.ts";

const RUNGS: readonly Mapping[] = [
  {
    type: "value",
    options: {
      "0": { text: "model", color: "green" },
      "1": { text: "estimator", color: "orange" },
      "2": { text: "round robin", color: "red" },
    },
  },
];
const OPEN: readonly Mapping[] = [
  { type: "value", options: { "0": { text: "closed", color: "green" }, "1": { text: "open", color: "red" } } },
];

const PREDICTED = sum("pool", rate("ml_predicted_latency_seconds_sum"));
const PREDICTED_OF = sum("pool", rate("ml_predicted_latency_seconds_count"));
const ACTUAL = sum("pool", rate("ml_actual_latency_seconds_sum"));
const ACTUAL_OF = sum("pool", rate("ml_actual_latency_seconds_count"));
const PLACED = sum("", rate("ml_predictions_total"));
const FALLBACKS = sum("", rate("ml_errors_total"));
const arm = (name: string) => `avg by (instance, pool) (${series("ml_arm_cost", `arm="${name}"`)})`;

const now = [
  stat("Who routes", [{ expr: `max(${series("ml_rung")})`, legend: "" }], {
    doc: "The policy that routes: the model, or what stands in for it. Not the model: see Verdicts, Table's age, and the mode `learner` or `model` on Operations.",
    mappings: RUNGS,
  }),
  stat("Placed by a prediction", [{ expr: share(PLACED, `(${PLACED} + ${FALLBACKS})`) }], {
    doc: "Share of the attempts under `ml` that a prediction placed. The others were placed by a fallback.",
    unit: "percentunit",
    decimals: 1,
    thresholds: fallingIsBad(0.5, 0.95),
  }),
  stat("Champion", [{ expr: series("ml_model_version", 'role="champion"'), legend: "{{pool}}" }], {
    doc: "Version of the model that routes; 0 = none, -1 = a model server's. `neurabalancer models` shows what it is.",
    color: "none",
  }),
  stat("Canary", [{ expr: series("ml_model_version", 'role="canary"'), legend: "{{pool}}" }], {
    doc: "Version of the model that is on trial; 0 = none.",
    color: "none",
  }),
  stat("Table's age", [{ expr: `max(${series("ml_table_age_seconds")})` }], {
    doc: "Of the predictions in use. Above a second they are not believed, and the estimator balances.",
    unit: "s",
    thresholds: risingIsBad(0.5, 1),
  }),
  stat("Circuit of the model server", [{ expr: `max(${series("ml_circuit_breaker_open")})` }], {
    doc: "Open: a remote model failed too often and is not asked for a while. Closed where there is none.",
    mappings: OPEN,
  }),
];

const quality = [
  timeseries(
    "Latency: predicted and actual",
    [
      { expr: share(PREDICTED, PREDICTED_OF), legend: "predicted {{pool}}" },
      { expr: share(ACTUAL, ACTUAL_OF), legend: "actual {{pool}}" },
    ],
    {
      doc: "Means over the same attempts. Apart for long: the model does not know this fleet yet; it trains on what it sees.",
      unit: "s",
    },
  ),
  timeseries(
    "Actual against predicted, by server",
    [
      {
        expr:
          `(${byServer(rate("ml_actual_latency_seconds_sum"))} / (${byServer(rate("ml_actual_latency_seconds_count"))} > 0)) / ` +
          `(${byServer(rate("ml_predicted_latency_seconds_sum"))} / (${byServer(rate("ml_predicted_latency_seconds_count"))} > 0))`,
        legend: "{{url}} {{pool}}",
      },
    ],
    {
      doc: "1: it was as predicted. Above: the server is slower than the model thinks.",
      decimals: 2,
    },
  ),
  timeseries("Cost by arm", [{ expr: `avg by (pool, arm) (${series("ml_arm_cost")})`, legend: "{{arm}} {{pool}}" }], {
    doc: "Mean cost of attempts, in mean latencies of the fleet; a failed one costs at least a second. The champion should be lowest.",
    decimals: 2,
    colors: { "champion ": "green", "control ": "text", "canary ": "orange", "probe ": "light-blue" },
  }),
  timeseries(
    "Regret against the control",
    [
      { expr: `avg by (pool) (${arm("champion")} - ${arm("control")})`, legend: "champion {{pool}}" },
      { expr: `avg by (pool) (${arm("canary")} - ${arm("control")})`, legend: "canary {{pool}}" },
    ],
    {
      doc: "By how much an attempt of the model costs more than one of the policy below it. Below 0 it pays; above for some seconds, the guardrail takes the model off by itself.",
      decimals: 2,
      overrides: [{ matcher: { id: "byRegexp", options: ".*" }, properties: [{ id: "min", value: null }] }],
    },
  ),
];

const decisions = [
  timeseries("Attempts by arm", [{ expr: sum("arm", rate("ml_decisions_total")), legend: "{{arm}}" }], {
    doc: "Per second. `control` and `canary` are there to compare, `probe` to hear of servers that were silent.",
    unit: "ops",
    stack: true,
    colors: { champion: "green", control: "text", canary: "orange", probe: "light-blue" },
    links: [exploreTraces("Placed by ml", PLACED_TRACES)],
  }),
  timeseries(
    "Placed, and fallen back",
    [
      { expr: PLACED, legend: "by a prediction" },
      { expr: FALLBACKS, legend: "by a fallback" },
    ],
    {
      doc: "Requests that a prediction placed, and attempts that a fallback had to place.",
      unit: "ops",
      colors: { "by a prediction": "green", "by a fallback": "orange" },
    },
  ),
  timeseries(
    "Shares placed otherwise",
    [{ expr: `avg by (pool, kind) (${series("ml_share")})`, legend: "{{kind}} {{pool}}" }],
    {
      doc: "What part of the requests is set aside to compare and to explore: ML_CONTROL_PERCENT, ML_CANARY_PERCENT.",
      unit: "percentunit",
    },
  ),
  timeseries("Who routes", [{ expr: `max by (pool) (${series("ml_rung")})`, legend: "{{pool}}" }], {
    doc: "0 the model, 1 the estimator, 2 weighted round robin.",
    mappings: RUNGS,
    max: 2,
  }),
];

const models = [
  table(
    "Verdicts in this window",
    [
      { name: "Verdict", label: "kind" },
      { name: "How often", expr: sum("kind", increase("ml_verdicts_total")), decimals: 0 },
    ],
    { doc: "`neurabalancer models verdicts` shows each with its figures.", sortBy: "How often", width: 8, height: 8 },
  ),
  timeseries("Trainings", [{ expr: sum("result", increase("ml_trainings_total")), legend: "{{result}}" }], {
    doc: "Trainings in the background that ended, in the dashboard's window. Only `failed` is trouble: the learner's log says why.",
    width: 8,
    colors: { failed: "red", proposed: "green" },
  }),
  timeseries(
    "Samples",
    [
      { expr: sum("", rate("ml_samples_total")), legend: "taken in/s" },
      { expr: sum("", rate("ml_samples_kept_total")), legend: "kept/s" },
      { expr: sum("", rate("ml_samples_lost_total")), legend: "lost/s" },
    ],
    {
      doc: "Outcomes that the learner sees. Lost ones were overwritten before it came: it has too little CPU.",
      unit: "ops",
      width: 8,
      colors: { "lost/s": "red" },
    },
  ),
  timeseries(
    "Duration of a run",
    [0.5, 0.99].map((q) => ({
      expr: quantile(q, "", rate("ml_inference_duration_seconds_bucket")),
      legend: `p${100 * q}`,
    })),
    {
      doc: "How long a model takes for a whole table. No request waits for it; above a second tables grow too old.",
      unit: "s",
      width: 8,
      colors: { p50: "light-blue", p99: "dark-blue" },
    },
  ),
  timeseries(
    "Scores and failures",
    [
      { expr: sum("", rate("ml_scores_total")), legend: "scores/s" },
      { expr: sum("", rate("ml_cache_hits_total")), legend: "from the cache/s" },
      { expr: sum("", rate("ml_model_failures_total")), legend: "failures/s" },
    ],
    {
      doc: "What models were asked. Failures: calls that gave nothing of use; the learner's log has the first of each kind.",
      unit: "ops",
      width: 8,
      colors: { "failures/s": "red" },
    },
  ),
  stat("Learner started again", [{ expr: sum("", increase("ml_learner_restarts_total")) }], {
    doc: "In the dashboard's window. More than none: its log, and its memory on Operations.",
    thresholds: NONE_IS_GOOD,
    decimals: 0,
    width: 8,
    height: 8,
  }),
];

/** What is learned, and whether it pays. */
export function learning(): Dashboard {
  return dashboard({
    uid: "neurabalancer-learning",
    name: "Learning",
    doc: "Does `ml` predict well, does it pay, and what is decided about models? Empty unless LB_STRATEGY=ml.",
    variables: ["pool", "server", "tempo"],
    sections: [
      { title: "Now", panels: now },
      { title: "Quality", panels: quality },
      { title: "Decisions", panels: decisions },
      { title: "Models", panels: models },
    ],
  });
}
