/** What the proof says: one row for each strategy that was predicted, and whether the self-check let it. */
import { WIDEST } from "../../src/replay/check/self-check.ts";
import type { Forecast, ReplayResult } from "../../src/replay/result.ts";
import { type Machine, machineLine } from "../common/machine.ts";
import { renderTable } from "../common/table.ts";
import type { Measured, ScenarioRun } from "./kept.ts";

/** One scenario. */
export interface Proof extends Omit<ScenarioRun, "recording"> {
  readonly result: ReplayResult;
}

export interface Report {
  readonly machine: Machine;
  readonly command: string;
  readonly proofs: readonly Proof[];
}

/** So near a prediction has to be. */
const TOLERANCE = 0.15;
const BEGIN = "<!-- bench:replay begin -->";
const END = "<!-- bench:replay end -->";

/** A machine that makes requests late by more than this, in mean works, is what is measured then. */
const TOO_LATE = 0.25;

/** What is said of a strategy: a figure that can be held against what was measured, or why there is none. */
type Said = "nothing" | "overloaded" | "not sure" | "figure";

function saidOf(forecast: Forecast | undefined): Said {
  if (forecast === undefined) return "nothing";
  if (forecast.overloaded.length > 0) return "overloaded";
  const { value, high } = forecast.p99Ms;
  return high - value > WIDEST * value ? "not sure" : "figure";
}

function isUsable({ lateMs, meanMs }: Proof): boolean {
  return lateMs <= TOO_LATE * meanMs;
}

function forecastOf({ result }: Proof, strategy: string): Forecast | undefined {
  return result.forecasts.find((of) => of.strategy === strategy);
}

/** By how much the predicted p99 of a strategy is off, as a share; `null` = no figure was given that one could rely on. */
function errorOf(proof: Proof, { strategy, p99Ms }: Measured): number | null {
  const forecast = forecastOf(proof, strategy);
  return saidOf(forecast) === "figure" ? forecast!.p99Ms.value / p99Ms - 1 : null;
}

/** One line when a scenario is done. */
export function progressOf(proof: Proof): string {
  const { scenario, result, measured, lateMs } = proof;
  const cells = measured.map((of) => {
    const error = errorOf(proof, of);
    return `${of.strategy} ${of.p99Ms.toFixed(0)}${error === null ? "" : ` (${percent(error)})`}`;
  });
  const why = result.selfCheck.reasons.map((reason) => `\n  ${reason}`).join("");
  return `${scenario}: self-check ${result.selfCheck.verdict}; measured p99 ms (prediction off by): ${cells.join(", ")}; late by ${lateMs.toFixed(1)} ms${isUsable(proof) ? "" : ": too much"}${why}`;
}

/** The table, with where, when and how it was measured. */
export function renderProofs({ machine, command, proofs }: Report, markdown: boolean): string {
  const table = renderTable(
    {
      title: "p99 in milliseconds: predicted from the recording of one strategy, and measured",
      columns: ["scenario", "recorded", "self-check", "strategy", "predicted", "95 %", "measured", "off by", "late"],
      rows: proofs.flatMap((proof) => othersOf(proof).map((of) => rowOf(proof, of))),
    },
    markdown,
  );
  const usable = proofs.filter(isUsable);
  const passed = usable.filter(({ result }) => result.selfCheck.verdict === "passed");
  const errors = passed.flatMap((proof) => othersOf(proof).flatMap((of) => errorOf(proof, of) ?? []));
  const near = errors.filter((error) => Math.abs(error) <= TOLERANCE).length;
  const reasons = proofs.flatMap(({ scenario, result }) =>
    result.selfCheck.reasons.map((reason) => `${markdown ? "- " : "  "}${scenario}: ${reason}.`),
  );
  const late = proofs.filter((proof) => !isUsable(proof)).map(({ scenario }) => scenario);
  return [
    table,
    `The self-check passed in ${passed.length} of ${usable.length} scenarios; there, ${near} of ${errors.length} predictions are within ${100 * TOLERANCE} %. ` +
      "`late` is how late, in milliseconds, requests were sent or answered (99 of 100), which is the machine's doing.",
    ...(late.length > 0
      ? [
          "",
          `Not counted, since the machine was late by more than ${100 * TOO_LATE} % of the mean work: ${late.join(", ")}.`,
        ]
      : []),
    ...(reasons.length > 0 ? ["", "Where it did not pass:", "", ...reasons] : []),
    "",
    `${machineLine(machine)}. \`${command}\``,
  ].join("\n");
}

function othersOf({ measured, recorded }: Proof): Measured[] {
  return measured.filter(({ strategy }) => strategy !== recorded);
}

function rowOf(proof: Proof, of: Measured): string[] {
  const forecast = forecastOf(proof, of.strategy);
  const said = saidOf(forecast);
  const error = errorOf(proof, of);
  return [
    proof.scenario,
    proof.recorded,
    proof.result.selfCheck.verdict,
    of.strategy,
    forecast === undefined ? "–" : said === "figure" ? time(forecast.p99Ms.value) : said,
    forecast === undefined ? "–" : `${time(forecast.p99Ms.low)} … ${time(forecast.p99Ms.high)}`,
    time(of.p99Ms),
    error === null ? "–" : percent(error),
    proof.lateMs.toFixed(1),
  ];
}

/** Puts the table into a document. Throws an `Error` when the document has no place for it. */
export async function writeInto(path: string, text: string): Promise<void> {
  const document = await Bun.file(path).text();
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from) throw new Error(`${path} has no place for the table, between ${BEGIN} and ${END}`);
  await Bun.write(path, `${document.slice(0, from + BEGIN.length)}\n\n${text}\n\n${document.slice(to)}`);
}

function time(ms: number): string {
  return ms.toFixed(ms < 100 ? 1 : 0);
}

function percent(share: number): string {
  return `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(0)} %`;
}
