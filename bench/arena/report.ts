/** What the arena says: the tables. */
import type { Estimate } from "../../src/simulator/statistics.ts";
import { type Machine, machineLine } from "../common/machine.ts";
import { renderTable } from "../common/table.ts";
import { DIRECT } from "./contestants.ts";
import { type ScenarioFigures, type ScenarioRuns, summariseAll, summariseScenario } from "./summary.ts";

const NONE = "–";
/** Later than this share of the mean work, and it is the machine that is measured and not the routing. */
const LATE_SHARE = 0.1;

export interface Report {
  readonly machine: Machine;
  /** Programs that took part, with their versions. */
  readonly versions: readonly string[];
  /** Contestants that did not, and why. */
  readonly missing: readonly string[];
  /** How it was run: one line. */
  readonly settings: string;
  readonly meanMs: number;
  readonly scenarios: readonly ScenarioRuns[];
}

/** All tables, with where, when and how they were measured. */
export function renderReport(report: Report, markdown: boolean): string {
  const figures = report.scenarios.map(summariseScenario);
  const parts = report.scenarios.flatMap((runs, i) => [
    renderScenario(figures[i], runs, markdown),
    conditionsLine(runs, report.meanMs),
    "",
  ]);
  if (figures.length > 1) parts.push(renderOverall(figures, markdown));
  parts.push(`${machineLine(report.machine)}. ${report.versions.join(", ")}. ${report.settings}`);
  for (const text of report.missing) parts.push(`missing: ${text}`);
  return parts.join("\n");
}

function renderScenario(
  { scenario, bestPeer, contestants }: ScenarioFigures,
  { contestants: runs }: ScenarioRuns,
  markdown: boolean,
): string {
  const rounds = runs[0].rounds.length;
  return renderTable(
    {
      title: `${scenario}: latency, ms${rounds > 1 ? ` (${rounds} rounds)` : ""}; ratio to the best peer, ${bestPeer ?? "none"}`,
      columns: ["", "p50", "p99", "p99.9", "errors", "attempts", "p99 ratio"],
      rows: contestants.map(({ name, p50, p99, p999, errors, errorShare, attempts, p99Ratio }) => [
        name,
        time(p50),
        time(p99),
        time(p999),
        errors === 0 ? "0" : `${errors} (${(errorShare * 100).toFixed(2)} %)`,
        attempts.toFixed(3),
        p99Ratio === null ? NONE : ratio(p99Ratio),
      ]),
    },
    markdown,
  );
}

function renderOverall(scenarios: readonly ScenarioFigures[], markdown: boolean): string {
  const rows = summariseAll(scenarios).toSorted((a, b) => a.p99Ratio - b.p99Ratio);
  if (rows.length === 0) return "";
  return renderTable(
    {
      title: `All ${scenarios.length} scenarios, relative to the peer that turned out best in each`,
      columns: ["", "p99 (geometric mean)", "worst", "in", "p50 (geometric mean)", "errors", "more than the best peer"],
      rows: rows.map(({ name, p99Ratio, worstRatio, worstScenario, p50Ratio, errors, excessErrors }) => [
        name,
        p99Ratio.toFixed(3),
        worstRatio.toFixed(2),
        worstScenario,
        p50Ratio.toFixed(3),
        String(errors),
        String(excessErrors),
      ]),
    },
    markdown,
  );
}

/** Was the machine in the way? What was late, how busy it was, and what `direct` should have seen. */
export function conditionsLine({ conditions, contestants, theory }: ScenarioRuns, meanMs: number): string {
  const most = (read: (of: (typeof conditions)[number]) => number): number => Math.max(...conditions.map(read));
  const sent = most(({ sentLateP99Ms }) => sentLateP99Ms);
  const answered = most(({ answeredLateP99Ms }) => answeredLateP99Ms);
  const parts = [`sent late by ${sent.toFixed(1)} ms, answered late by ${answered.toFixed(1)} ms (p99)`];
  parts.push(`cores busy ${Math.round(most(({ busy }) => busy) * 100)} %`);
  const direct = contestants.find(({ name }) => name === DIRECT);
  if (direct !== undefined && theory.length > 0) {
    const added = (measured: number[], expected: number[]): string => signed(average(measured) - average(expected));
    const p50 = added(
      direct.rounds.map(({ figures }) => figures.p50Ms),
      theory.map(({ p50Ms }) => p50Ms),
    );
    const p99 = added(
      direct.rounds.map(({ figures }) => figures.p99Ms),
      theory.map(({ p99Ms }) => p99Ms),
    );
    parts.push(`${DIRECT} against the simulator: p50 ${p50} ms, p99 ${p99} ms`);
  }
  const disturbed = sent > LATE_SHARE * meanMs || answered > LATE_SHARE * meanMs;
  if (disturbed) parts.push("TOO BUSY: the machine was in the way; take a larger --mean-ms or a smaller --parallel");
  return `${parts.join("; ")}.`;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
}

function time({ value }: Estimate): string {
  return value.toFixed(value < 100 ? 1 : 0);
}

function ratio({ value, halfWidth }: Estimate): string {
  return halfWidth === null ? value.toFixed(3) : `${value.toFixed(3)} ±${halfWidth.toFixed(3)}`;
}
