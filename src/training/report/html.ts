/** Reports of trainings as one HTML page each: the verdict first, then the curves behind it, then all numbers. */
import { escapeXml } from "../../shared/xml-text.ts";
import type { SimulationReport } from "../simulation/train-from-simulation.ts";
import type { StoreReport } from "../store/train-from-store.ts";
import type { EpochReport } from "../trainer.ts";
import { dotChart, lineChart } from "./charts.ts";

/** A complete page. */
export function reportPage(report: SimulationReport | StoreReport): string {
  return report.from === "simulation" ? simulationPage(report) : storePage(report);
}

function simulationPage(report: SimulationReport): string {
  const { supervised, generations, exam, verdict, options } = report;
  const sections = [
    facts([
      ["Seed", String(options.seed)],
      ["Rows", String(supervised.rows)],
      ["Deviance of the estimator", figure(supervised.estimator)],
      ["Deviance of the curves", figure(supervised.curves)],
      ["Deviance of the supervised start", figure(supervised.network)],
      ["Inputs that say nothing", supervised.silent.join(", ")],
    ]),
    learningCurve(supervised.epochs),
  ];
  if (generations.length > 0) {
    const at = (of: "start" | "mean") => generations.map((report) => [report.generation, report[of]] as const);
    sections.push(
      lineChart(
        {
          title: "Evolution: loss on each generation's tasks",
          x: "generation",
          y: "loss (below 0: better than the yardsticks)",
        },
        [
          { name: "centre", points: at("mean") },
          { name: "start", points: at("start") },
        ],
      ),
      lineChart({ title: "Size of the steps", x: "generation", y: "relative to the first" }, [
        { name: "sigma", points: generations.map(({ generation, sigma }) => [generation, sigma]) },
      ]),
    );
  }
  if (exam !== null) {
    const labels = exam.scenarios.map(({ scenario, balancers }) =>
      balancers === 0 ? scenario : `${scenario}, ${balancers}`,
    );
    const percent = (of: "start" | "evolved") => exam.scenarios.map((scenario) => scenario[of] * 100);
    sections.push(
      dotChart({ title: "Exam: tail against the best yardstick of each task", x: "percent above it", y: "" }, labels, [
        { name: "evolved", values: percent("evolved") },
        { name: "start", values: percent("start") },
      ]),
    );
  }
  return page("Training from simulation", verdict, sections, report);
}

function storePage(report: StoreReport): string {
  const { start, samples, rows, heldOut, effectiveRows, comparison, calibration, shift, sentence } = report;
  const time = (ms: number | null) => (ms === null ? "-" : new Date(ms).toISOString());
  const bins = (of: "current" | "trained") =>
    calibration[of].map(({ predicted, observed }) => [predicted, observed] as const);
  const known = shift.filter((one) => one.shift !== null);
  const sections = [
    facts([
      ["Trained from", start.version === null ? "the shipped model" : `version ${start.version}`],
      ...(start.note === null ? [] : [["Note", start.note] as const]),
      ["Samples", `${time(samples.fromMs)} to ${time(samples.toMs)}`],
      ["Learned from", `${rows} rows, worth ${effectiveRows} equal ones`],
      ["Held out", `the newest ${heldOut} rows`],
      ["Left out", `${samples.failed} failed, ${samples.unusable} unusable, ${samples.skipped} with other features`],
      ["Mean deviance", `${figure(comparison.trained)}, of the current model ${figure(comparison.current)}`],
      [
        "Difference",
        `${figure(comparison.difference)}, 95 % interval ${figure(comparison.low)} to ${figure(comparison.high)}`,
      ],
    ]),
    learningCurve(report.epochs),
    lineChart(
      {
        title: "Calibration on the held-out rows, by decile",
        x: "predicted, relative to the fleet's mean",
        y: "observed",
      },
      [
        { name: "trained", points: bins("trained") },
        { name: "current", points: bins("current"), scattered: true },
      ],
      true,
    ),
    dotChart(
      {
        title: "Inputs: shift of the mean from what the current model was scaled for",
        x: "standard deviations",
        y: "",
      },
      known.map(({ feature }) => feature),
      [{ name: "shift", values: known.map((one) => one.shift!) }],
    ),
  ];
  return page("Training from samples", sentence, sections, report);
}

function learningCurve(epochs: readonly EpochReport[]): string {
  const at = (of: "training" | "validation") => epochs.map((report) => [report.epoch, report[of]] as const);
  return lineChart({ title: "Learning curve", x: "epoch", y: "mean deviance" }, [
    { name: "learned from", points: at("training") },
    { name: "held out", points: at("validation") },
  ]);
}

function facts(rows: readonly (readonly [name: string, value: string])[]): string {
  const cells = rows.map(([name, value]) => `<tr><th>${escapeXml(name)}</th><td>${escapeXml(value)}</td></tr>`);
  return `<table>${cells.join("")}</table>`;
}

function page(title: string, verdict: string, sections: readonly string[], report: unknown): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeXml(title)}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; color: #222222; }
th { text-align: left; font-weight: 600; padding-right: 1.5rem; vertical-align: top; }
svg { display: block; max-width: 100%; height: auto; margin: 1.5rem 0; }
pre { overflow-x: auto; background: #f6f6f6; padding: 1rem; font-size: 12px; }
</style>
</head>
<body>
<h1>${escapeXml(title)}</h1>
<p><strong>${escapeXml(verdict)}</strong></p>
${sections.join("\n")}
<details><summary>All numbers</summary><pre>${escapeXml(JSON.stringify(report, null, 2))}</pre></details>
</body>
</html>
`;
}

function figure(value: number): string {
  return value.toFixed(4);
}
