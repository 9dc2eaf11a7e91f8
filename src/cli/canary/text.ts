/** How `neurabalancer canary` speaks to people. */
import { sayDuration } from "../../config/values/units.ts";
import type { CanaryReport } from "../../control/canary/report.ts";
import { columns } from "../columns.ts";

/** Canaries as a table. */
export function canaryTable(canaries: readonly CanaryReport[]): string {
  if (canaries.length === 0) return "No pool is under trial.";
  const rows = canaries.map(({ route, pool, state, percent, next_step: next, sentence }) => [
    route,
    pool,
    state,
    shareOf({ state, percent }),
    next === null ? "-" : `${next} %`,
    sentence,
  ]);
  return columns([["ROUTE", "POOL", "STATE", "SHARE", "NEXT", "WHAT THERE IS TO SAY"], ...rows]);
}

/** One canary with its figures. */
export function canaryText(canary: CanaryReport): string {
  const { route, pool, state, percent, next_step: next, auto, arms, evidence, tolerance } = canary;
  const step = `${sayDuration(canary.min_duration_ms)} and ${canary.min_requests} requests at least, ${sayDuration(canary.max_duration_ms)} without a proof`;
  const stands = [
    ["Route", route],
    ["Pool under trial", pool],
    ["State", `${state}${auto ? "" : ", waits for an operator at each verdict"}`],
    [
      "Share",
      `${shareOf({ state, percent })}${next === null ? "" : `, then ${next} %`} (steps: ${canary.steps.join(", ")})`,
    ],
    ["A step takes", step],
    ["May cost more by", `${Number((tolerance * 100).toPrecision(6))} %`],
    ["Begun", `${canary.began_at} by ${canary.began_by}${canary.kept ? "" : ", for this run"}`],
    ["This share since", canary.step_began_at],
  ];
  const figures = [
    ["ARM", "REQUESTS", "FAILED", "MEAN"],
    ...([pool, Object.keys(canary.stable).join(", ")] as const).map((name, i) => {
      const { requests, failed, mean_ms: mean } = i === 0 ? arms.canary : arms.stable;
      return [name, String(requests), String(failed), mean === null ? "-" : `${mean} ms`];
    }),
  ];
  const shown = (value: number): string =>
    value >= 1 ? "shown" : `${Math.floor(value * 100)} % of what a verdict needs`;
  return [
    columns(stands),
    columns(figures),
    `Evidence that it is worse: ${shown(evidence.worse)}; that it is no worse: ${shown(evidence.no_worse)}.`,
    ...(canary.assignment === "client" ? ["Clients stay in their pool: ten of their requests count as one."] : []),
    `It ${canary.verdict === null ? canary.sentence : `has a verdict, ${canary.verdict.replace("_", " ")}: ${canary.sentence}`}.`,
  ].join("\n\n");
}

/** Where the trial has ended without a promotion, what it had. */
function shareOf({ state, percent }: Pick<CanaryReport, "state" | "percent">): string {
  return state === "rolled_back" || state === "ended" ? `was ${percent} %` : `${percent} %`;
}
