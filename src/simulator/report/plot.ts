/** A study as an SVG picture: for each scenario and policy the p99 with its confidence interval, and the median. */
import { escapeXml } from "../../shared/xml-text.ts";
import type { PolicyFigures, StudyResult } from "../study.ts";

const WIDTH = 960;
const LABELS = 150;
const RIGHT = 30;
const ROW = 13;
const GAP = 14;
const LEGEND_COLUMNS = 3;
const LEGEND_ROW = 18;
/** Distinguishable with the usual colour blindnesses (Okabe & Ito 2008), then repeated with other shades. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6d31", "#7b4173"];

/** A complete SVG document. Filled circles are p99 with 95 % intervals, hollow ones medians; the scale is logarithmic. */
export function plotStudy(study: StudyResult): string {
  const names = study.scenarios[0].policies.map(({ policy }) => policy);
  const top = 50 + Math.ceil(names.length / LEGEND_COLUMNS) * LEGEND_ROW + 24;
  const groupHeight = names.length * ROW + GAP;
  const height = top + study.scenarios.length * groupHeight + 30;
  const scale = logScale(study);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    "<title>Response time by scenario and policy</title>",
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="600">Response time by scenario and policy</text>`,
    `<text x="16" y="44" fill="#555555">● p99 with 95 % interval   ○ median   milliseconds, logarithmic</text>`,
    ...legend(names),
    ...axis(scale, top, height),
  ];
  for (const [i, { scenario, policies }] of study.scenarios.entries()) {
    const y = top + i * groupHeight;
    parts.push(`<line x1="16" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}" stroke="#dddddd"/>`);
    parts.push(`<text x="16" y="${y + 16}">${escapeXml(scenario)}</text>`);
    for (const [row, figures] of policies.entries()) {
      parts.push(mark(figures, COLOURS[row % COLOURS.length], y + GAP / 2 + row * ROW + ROW / 2, scale.x));
    }
  }
  parts.push("</svg>");
  return `${parts.join("\n")}\n`;
}

interface Scale {
  readonly ticks: readonly number[];
  readonly x: (ms: number) => number;
}

function logScale(study: StudyResult): Scale {
  const all = study.scenarios.flatMap(({ policies }) => policies.flatMap(({ p50, p99 }) => [p50.value, p99.value]));
  const low = Math.log10(Math.min(...all)) - 0.05;
  const high = Math.log10(Math.max(...all)) + 0.1;
  const x = (ms: number): number => {
    const at = (Math.log10(Math.max(ms, 1e-9)) - low) / (high - low);
    return LABELS + Math.min(1, Math.max(0, at)) * (WIDTH - LABELS - RIGHT);
  };
  const ticks: number[] = [];
  for (let decade = Math.floor(low); decade <= high; decade++) {
    for (const step of [1, 2, 5]) {
      const log = decade + Math.log10(step);
      if (log >= low && log <= high) ticks.push(step * 10 ** decade);
    }
  }
  return { ticks, x };
}

function axis({ ticks, x }: Scale, top: number, height: number): string[] {
  return ticks.flatMap((tick) => {
    const at = x(tick).toFixed(1);
    return [
      `<line x1="${at}" y1="${top}" x2="${at}" y2="${height - 24}" stroke="#eeeeee"/>`,
      `<text x="${at}" y="${height - 8}" text-anchor="middle" fill="#555555">${Number(tick.toPrecision(3))}</text>`,
    ];
  });
}

function legend(names: readonly string[]): string[] {
  const width = (WIDTH - 32) / LEGEND_COLUMNS;
  return names.flatMap((name, i) => {
    const x = 22 + (i % LEGEND_COLUMNS) * width;
    const y = 66 + Math.floor(i / LEGEND_COLUMNS) * LEGEND_ROW;
    return [
      `<circle cx="${x.toFixed(1)}" cy="${y - 4}" r="4" fill="${COLOURS[i % COLOURS.length]}"/>`,
      `<text x="${(x + 10).toFixed(1)}" y="${y}">${escapeXml(name)}</text>`,
    ];
  });
}

function mark({ policy, p50, p99 }: PolicyFigures, colour: string, y: number, x: (ms: number) => number): string {
  const half = p99.halfWidth ?? 0;
  const from = x(p99.value - half).toFixed(1);
  const to = x(p99.value + half).toFixed(1);
  const title = `${policy}: p50 ${p50.value.toFixed(1)} ms, p99 ${p99.value.toFixed(1)} ms`;
  return [
    `<g><title>${escapeXml(title)}</title>`,
    `<line x1="${from}" y1="${y}" x2="${to}" y2="${y}" stroke="${colour}" stroke-width="2"/>`,
    `<circle cx="${x(p50.value).toFixed(1)}" cy="${y}" r="3.5" fill="#ffffff" stroke="${colour}" stroke-width="1.5"/>`,
    `<circle cx="${x(p99.value).toFixed(1)}" cy="${y}" r="4" fill="${colour}"/></g>`,
  ].join("");
}
