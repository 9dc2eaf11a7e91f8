/** A replay as text for a terminal. */
import { textTable } from "../../shared/text-table.ts";
import { visible } from "../../shared/visible-text.ts";
import type { Recording } from "../recording.ts";
import type { CheckedFigure, Interval, Recorded, ReplayResult, SelfCheck } from "../result.ts";
import { percent } from "./percent.ts";

/** Everything, in the order in which it should be read: what there is, whether the model can be believed, what it says. */
export function renderReplay(recording: Recording, result: ReplayResult, notes: readonly string[]): string {
  const parts = [
    renderRecording(recording, result.recorded, [...notes, ...result.notes]),
    renderCheck(result.selfCheck),
  ];
  if (result.selfCheck.verdict === "passed") parts.push(renderForecasts(result), renderServers(result));
  return parts.join("\n\n");
}

function renderRecording(recording: Recording, recorded: Recorded, notes: readonly string[]): string {
  const { source, startMs, durationMs, strategy, servers, classes } = recording;
  const kinds = `${classes.length} ${classes.length === 1 ? "kind" : "kinds"} of requests`;
  return [
    `Recorded: ${visible(source)}`,
    `  ${moment(startMs)} to ${moment(startMs + durationMs)} UTC (${span(durationMs)})`,
    `  ${Math.round(recorded.requests).toLocaleString("en")} requests, ${servers.length} servers, ${kinds}; strategy ${strategy ?? "not known"}`,
    ...notes.map((note) => `  Note: ${sentence(visible(note))}`),
  ].join("\n");
}

const VERDICTS = {
  passed: "Self-check: passed. The model, fitted on the first half, foretold the second:",
  failed:
    "Self-check: FAILED. The model does not reproduce what really happened, so there are no figures for other strategies.",
  impossible: "Self-check: impossible, so there are no figures.",
} as const;

function renderCheck({ verdict, reasons, ahead, again }: SelfCheck): string {
  const lines: string[] = [VERDICTS[verdict], ...reasons.map((reason) => `  - ${visible(reason)}`)];
  const figures = (title: string, list: readonly CheckedFigure[]) => {
    if (list.length === 0) return;
    const rows = list.map(({ name, unit, measured, predicted, holds }) => [
      visible(name),
      unit === "share" ? percent(measured) : time(measured),
      unit === "share" ? percentInterval(predicted) : interval(predicted),
      holds ? "" : "<- off",
    ]);
    lines.push(textTable([[title, "measured", "predicted (95 %)", ""], ...rows]));
  };
  figures("second half", ahead);
  if (verdict !== "passed") figures("all of it", again);
  return lines.join("\n");
}

function renderForecasts({ recorded, forecasts }: ReplayResult): string {
  const rows = forecasts.flatMap((forecast) => {
    const { strategy, ran, p50Ms, p99Ms, p999Ms, meanMs, errorShare, shares, overloaded } = forecast;
    const row = [
      `${strategy}${ran ? " (ran)" : ""}${overloaded.length > 0 ? " (overload)" : ""}`,
      ...[p50Ms, p99Ms, p999Ms, meanMs].map(interval),
      percentInterval(errorShare),
      range(shares),
    ];
    if (!ran) return [row];
    const really = [recorded.p50Ms, recorded.p99Ms, recorded.p999Ms, recorded.meanMs].map(time);
    return [row, ["  as it really was", ...really, percent(recorded.errorShare), range(recorded.shares)]];
  });
  return [
    "What each strategy would have given on this traffic (ms; in brackets 95 % intervals):",
    textTable([["strategy", "p50", "p99", "p99.9", "mean", "errors", "shares of servers"], ...rows]),
    "  A failed request counts as at least 1000 ms. docs/replay.md says what no replay can know.",
  ].join("\n");
}

function renderServers({ servers }: ReplayResult): string {
  const rows = servers.map((server) => [
    visible(server.name),
    server.workers === null ? "no limit seen" : String(server.workers),
    server.discipline === "fifo" ? "queue" : "shared",
    server.speed.toFixed(2),
    percent(server.pausedShare),
    percent(server.slowShare),
    percent(server.failedShare),
    percent(server.awayShare),
  ]);
  const header = ["server", "works on", "how", "speed", "standing still", "slow", "failed", "away"];
  return ["Servers, as the model understood them:", textTable([header, ...rows])].join("\n");
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function interval({ value, low, high }: Interval): string {
  return between(time(value), time(low), time(high));
}

function percentInterval({ value, low, high }: Interval): string {
  return between(percent(value), percent(low), percent(high));
}

function between(value: string, low: string, high: string): string {
  return low === value && high === value ? value : `${value} (${low}–${high})`;
}

function time(ms: number): string {
  if (!Number.isFinite(ms)) return "-";
  return ms.toFixed(ms >= 100 ? 0 : ms >= 1 ? 1 : 2);
}

function range(shares: readonly number[]): string {
  if (shares.length === 0) return "-";
  const [least, most] = [percent(Math.min(...shares)), percent(Math.max(...shares))];
  return least === most ? least : `${least} … ${most}`;
}

function moment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

function span(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  return parts.flatMap(([count, unit]) => (count === 0 ? [] : [`${count} ${unit}`])).join(" ") || "0 s";
}
