/**
 * The tables as one picture (SVG): for each scenario, everyone's p99 through that of the best peer, on a logarithmic axis;
 * the last row is the geometric mean. Colours follow the reader's light or dark scheme.
 */
import { machineLine } from "../common/machine.ts";
import { escaped } from "../common/svg.ts";
import { DIRECT } from "./contestants.ts";
import type { Report } from "./report.ts";
import { type ScenarioFigures, summariseAll, summariseScenario } from "./summary.ts";

const WIDTH = 960;
const LABELS = 150;
const RIGHT = 40;
const ROW = 30;
const LEGEND_ROW = 18;
const LEGEND_COLUMNS = 4;
const LEAST = 0.4;
const MOST = 4;
const TICKS = [0.4, 0.5, 0.6, 0.7, 0.85, 1, 1.2, 1.5, 2, 3, 4];

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 18px; font-weight: 600 } .small { font-size: 11px; fill: #59636e }
  .grid { stroke: #d1d9e0 } .one { stroke: #59636e; stroke-dasharray: 4 3 }
  .learned { fill: #0969da } .adaptive { fill: #1a7f37 } .hedged { fill: #8250df } .ours { fill: #54aeff } .peer { fill: #8c959f }
  .tuned { fill: #57606a } .reference { fill: none; stroke: #bf8700; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d } .one { stroke: #9198a1 }
    .learned { fill: #4493f8 } .adaptive { fill: #3fb950 } .hedged { fill: #ab7df8 } .ours { fill: #1f6feb } .peer { fill: #6e7681 }
    .tuned { fill: #b1bac4 } .reference { stroke: #d29922 }
  }`;

interface Mark {
  readonly name: string;
  readonly ratio: number;
}

/** The whole SVG file. Scenarios without a peer are left out; what lies beyond the axis is drawn at its end. */
export function renderPlot(report: Report): string {
  const scenarios = report.scenarios.map(summariseScenario).filter(({ bestPeer }) => bestPeer !== null);
  const names = report.scenarios[0]?.contestants.map(({ name }) => name) ?? [];
  const top = 60 + Math.ceil(names.length / LEGEND_COLUMNS) * LEGEND_ROW + 24;
  const rows: [string, Mark[]][] = scenarios.map((figures) => [figures.scenario, marksOf(figures)]);
  const overall = summariseAll(scenarios).map(({ name, p99Ratio }) => ({ name, ratio: p99Ratio }));
  rows.push(["geometric mean", overall]);
  const bottom = top + rows.length * ROW;
  const height = bottom + 50;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="p99 by scenario">
<style>${STYLE}
</style>
<text class="title" x="16" y="28">p99 response time, relative to the best peer of each scenario (less is better)</text>
${legend(names)}
${grid(top, bottom)}
${rows.map(([label, marks], i) => row(label, marks, top + i * ROW + ROW / 2)).join("\n")}
<text class="small" x="16" y="${height - 12}">${escaped(`${machineLine(report.machine)}; ${report.settings}`)}</text>
</svg>
`;
}

function marksOf({ contestants }: ScenarioFigures): Mark[] {
  return contestants.map(({ name, p99Ratio }) => ({ name, ratio: p99Ratio?.value ?? Number.NaN }));
}

function row(label: string, marks: readonly Mark[], y: number): string {
  const parts = [`<text x="${LABELS - 10}" y="${y + 4}" text-anchor="end">${escaped(label)}</text>`];
  // Later ones lie on top, and ours are what one looks for.
  for (const { name, ratio } of marks.toReversed()) {
    if (Number.isNaN(ratio)) continue;
    parts.push(
      `<circle class="${kind(name)}" cx="${at(ratio)}" cy="${y}" r="${kind(name) === "learned" ? 6 : 4.5}">` +
        `<title>${escaped(name)}: ${ratio.toFixed(3)}</title></circle>`,
    );
  }
  return parts.join("\n");
}

/** How a contestant is drawn. */
function kind(name: string): string {
  if (name === DIRECT) return "reference";
  if (/^(nginx|haproxy)-/.test(name)) return name.endsWith("-tuned") ? "tuned" : "peer";
  if (name.includes("+")) return "hedged";
  if (name === "ml") return "learned";
  return name === "adaptive" ? "adaptive" : "ours";
}

function legend(names: readonly string[]): string {
  const width = (WIDTH - 32) / LEGEND_COLUMNS;
  return names
    .map((name, i) => {
      const x = 16 + (i % LEGEND_COLUMNS) * width;
      const y = 56 + Math.floor(i / LEGEND_COLUMNS) * LEGEND_ROW;
      return `<circle class="${kind(name)}" cx="${x + 5}" cy="${y - 4}" r="4.5"/><text class="small" x="${x + 14}" y="${y}">${escaped(name)}</text>`;
    })
    .join("\n");
}

function grid(top: number, bottom: number): string {
  return TICKS.map((value) => {
    const x = at(value);
    return (
      `<path class="${value === 1 ? "one" : "grid"}" d="M${x} ${top - 4}V${bottom + 4}"/>` +
      `<text class="small" x="${x}" y="${bottom + 18}" text-anchor="middle">${value}</text>`
    );
  }).join("\n");
}

function at(ratio: number): number {
  const shown = Math.min(MOST, Math.max(LEAST, ratio));
  return Math.round(LABELS + (Math.log(shown / LEAST) / Math.log(MOST / LEAST)) * (WIDTH - LABELS - RIGHT));
}
