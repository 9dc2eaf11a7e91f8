/** What the proof says: one row for each strategy that was predicted, and whether the self-check let it. */
import type { ReplayResult } from "../../src/replay/result.ts";
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

/** By how much the predicted p99 of a strategy is off, as a share; `null` = there is no prediction but for overload. */
function errorOf({ result }: Proof, { strategy, p99Ms }: Measured): number | null {
  const forecast = result.forecasts.find((of) => of.strategy === strategy);
  return forecast === undefined || forecast.overloaded.length > 0 ? null : forecast.p99Ms.value / p99Ms - 1;
}

/** One line when a scenario is done. */
export function progressOf(proof: Proof): string {
  const { scenario, result, measured, lateMs } = proof;
  const cells = measured.map((of) => {
    const error = errorOf(proof, of);
    return `${of.strategy} ${of.p99Ms.toFixed(0)}${error === null ? "" : ` (${percent(error)})`}`;
  });
  const why = result.selfCheck.reasons.map((reason) => `\n  ${reason}`).join("");
  return `${scenario}: self-check ${result.selfCheck.verdict}; measured p99 ms (prediction off by): ${cells.join(", ")}; late by ${lateMs.toFixed(1)} ms${why}`;
}

/** The table, with where, when and how it was measured. */
export function renderProofs({ machine, command, proofs }: Report, markdown: boolean): string {
  const table = renderTable(
    {
      title: "p99 in milliseconds: predicted from the recording of one strategy, and measured",
      columns: ["scenario", "recorded", "self-check", "strategy", "predicted", "95 %", "measured", "off by"],
      rows: proofs.flatMap((proof) =>
        proof.measured
          .filter(({ strategy }) => strategy !== proof.recorded)
          .map((of) => {
            const forecast = proof.result.forecasts.find(({ strategy }) => strategy === of.strategy);
            const error = errorOf(proof, of);
            return [
              proof.scenario,
              proof.recorded,
              proof.result.selfCheck.verdict,
              of.strategy,
              forecast === undefined ? "–" : forecast.overloaded.length > 0 ? "overloaded" : time(forecast.p99Ms.value),
              forecast === undefined ? "–" : `${time(forecast.p99Ms.low)} … ${time(forecast.p99Ms.high)}`,
              time(of.p99Ms),
              error === null ? "–" : percent(error),
            ];
          }),
      ),
    },
    markdown,
  );
  const passed = proofs.filter(({ result }) => result.selfCheck.verdict === "passed");
  const errors = passed.flatMap((proof) =>
    proof.measured.filter(({ strategy }) => strategy !== proof.recorded).flatMap((of) => errorOf(proof, of) ?? []),
  );
  const near = errors.filter((error) => Math.abs(error) <= TOLERANCE).length;
  const latest = Math.max(...proofs.map(({ lateMs }) => lateMs));
  return [
    table,
    `The self-check passed in ${passed.length} of ${proofs.length} scenarios; there, ${near} of ${errors.length} predictions are within ${100 * TOLERANCE} %. ` +
      `Requests and answers were late by up to ${latest.toFixed(1)} ms (p99).`,
    "",
    `${machineLine(machine)}. \`${command}\``,
  ].join("\n");
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
