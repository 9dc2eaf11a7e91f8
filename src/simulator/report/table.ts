/** A study as text for a terminal. */
import { textTable } from "../../shared/text-table.ts";
import type { Estimate } from "../statistics.ts";
import type { PolicySummary, ScenarioFigures, StudyResult } from "../study.ts";

/** @param details the figures of every scenario too, not only the summary. */
export function renderStudy(study: StudyResult, details: boolean): string {
  const parts: string[] = [];
  if (details || study.summary.length === 0) parts.push(...study.scenarios.map(renderScenario));
  if (study.summary.length > 0) parts.push(renderSummary(study.summary, study.scenarios.length));
  const seeds = study.seeds.length === 1 ? "1 seed" : `${study.seeds.length} seeds, ± is a 95 % confidence interval`;
  parts.push(`${study.requests} requests a run, ${seeds}. Times in ms; a failure counts as at least 1000 ms.`);
  return parts.join("\n\n");
}

function renderScenario({ scenario, description, policies, bestClassical }: ScenarioFigures): string {
  const header = ["policy", "p50", "p99", "p99.9", "mean", "regret", "errors", "shares (least to most)"];
  if (bestClassical !== null) header.push("p99 / best classical");
  const rows = policies.map((figures) => {
    const shares = [...figures.shares].sort((a, b) => a - b);
    const row = [
      figures.policy,
      ...[figures.p50, figures.p99, figures.p999, figures.mean, figures.regret].map(time),
      percent(figures.errors.value),
      `${percent(shares[0])} … ${percent(shares[shares.length - 1])}`,
    ];
    if (figures.p99Ratio !== null) row.push(ratio(figures.p99Ratio));
    return row;
  });
  return `${scenario}: ${description}\n${textTable([header, ...rows])}`;
}

function renderSummary(summary: readonly PolicySummary[], scenarios: number): string {
  const header = ["policy", "p99 (geometric mean)", "worst", "in", "p50 (geometric mean)", "errors"];
  const rows = [...summary]
    .sort((a, b) => a.p99Ratio.value - b.p99Ratio.value)
    .map(({ policy, p99Ratio, worstRatio, worstScenario, p50Ratio, errors }) => [
      policy,
      ratio(p99Ratio),
      worstRatio.toFixed(2),
      worstScenario,
      ratio(p50Ratio),
      percent(errors),
    ]);
  const title = `Relative to the classical policy that turned out best in each of ${scenarios} scenarios`;
  return `${title}\n${textTable([header, ...rows])}`;
}

function time({ value, halfWidth }: Estimate): string {
  const digits = Math.abs(value) >= 100 ? 0 : 1;
  return halfWidth === null ? value.toFixed(digits) : `${value.toFixed(digits)} ±${halfWidth.toFixed(digits)}`;
}

function ratio({ value, halfWidth }: Estimate): string {
  return halfWidth === null ? value.toFixed(3) : `${value.toFixed(3)} ±${halfWidth.toFixed(3)}`;
}

function percent(share: number): string {
  if (share === 0) return "0 %";
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
}
