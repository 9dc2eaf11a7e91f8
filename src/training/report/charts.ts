/** Small charts as SVG, for reports that are read in a browser and need nothing beside them. */
import { escapeXml } from "../../shared/xml-text.ts";

/** One line, or points. */
export interface Series {
  readonly name: string;
  /** Points whose y is not finite are left out. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Circles without a line between them. */
  readonly scattered?: boolean;
}

/** What a chart says about itself. */
export interface ChartText {
  readonly title: string;
  readonly x: string;
  readonly y: string;
}

const WIDTH = 640;
const HEIGHT = 320;
const LEFT = 64;
const RIGHT = 16;
const TOP = 56;
const BOTTOM = 44;
const TICKS = 5;
/** Distinguishable with the usual colour blindnesses (Okabe & Ito 2008). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];

/** A chart of some series. @param diagonal with the line y = x. */
export function lineChart(text: ChartText, series: readonly Series[], diagonal = false): string {
  const shown = series.map((one) => ({ ...one, points: one.points.filter((point) => point.every(Number.isFinite)) }));
  const all = shown.flatMap(({ points }) => points);
  if (all.length === 0) return frame(text, HEIGHT, [`<text x="${LEFT}" y="${HEIGHT / 2}">no data</text>`]);
  const both = diagonal ? all.flat() : [];
  const x = axisOf([...all.map(([value]) => value), ...both], LEFT, WIDTH - RIGHT);
  const y = axisOf([...all.map(([, value]) => value), ...both], HEIGHT - BOTTOM, TOP);
  const parts = [...grid(x, y)];
  if (diagonal) {
    const [from, to] = [Math.max(x.low, y.low), Math.min(x.high, y.high)];
    parts.push(
      `<line x1="${px(x.at(from))}" y1="${px(y.at(from))}" x2="${px(x.at(to))}" y2="${px(y.at(to))}" stroke="#999999" stroke-dasharray="4 4"/>`,
    );
  }
  for (const [i, { name, points, scattered = false }] of shown.entries()) {
    const colour = COLOURS[i % COLOURS.length];
    const at = points.map(([a, b]) => [px(x.at(a)), px(y.at(b))] as const);
    if (!scattered) {
      const path = at.map(([a, b]) => `${a},${b}`).join(" ");
      parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    }
    for (const [a, b] of at) parts.push(`<circle cx="${a}" cy="${b}" r="3" fill="${colour}"/>`);
    parts.push(...key(name, i));
  }
  return frame(text, HEIGHT, parts);
}

/** One row for each label with a circle for each series; `values[series][row]`. */
export function dotChart(
  text: ChartText,
  labels: readonly string[],
  series: readonly { readonly name: string; readonly values: readonly number[] }[],
): string {
  const row = 18;
  const left = 170;
  const height = TOP + labels.length * row + BOTTOM;
  const x = axisOf([0, ...series.flatMap(({ values }) => values)], left, WIDTH - RIGHT);
  const parts = x.ticks.flatMap((tick) => [
    `<line x1="${px(x.at(tick))}" y1="${TOP}" x2="${px(x.at(tick))}" y2="${height - BOTTOM}" stroke="${tick === 0 ? "#999999" : "#eeeeee"}"/>`,
    `<text x="${px(x.at(tick))}" y="${height - BOTTOM + 16}" text-anchor="middle" fill="#555555">${label(tick)}</text>`,
  ]);
  for (const [i, name] of labels.entries()) {
    const y = TOP + (i + 0.5) * row;
    parts.push(`<text x="${left - 8}" y="${y + 4}" text-anchor="end">${escapeXml(name)}</text>`);
    for (const [s, { values }] of series.entries()) {
      parts.push(`<circle cx="${px(x.at(values[i]))}" cy="${y}" r="4" fill="${COLOURS[s % COLOURS.length]}"/>`);
    }
  }
  for (const [s, { name }] of series.entries()) parts.push(...key(name, s));
  return frame({ ...text, y: "" }, height, parts);
}

interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  readonly at: (value: number) => number;
}

/** Ends at round numbers. */
function axisOf(values: readonly number[], from: number, to: number): Axis {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const span = most - least || Math.abs(most) || 1;
  const rough = span / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.floor(least / step);
  const last = Math.max(first + 1, Math.ceil(most / step));
  const [low, high] = [first * step, last * step];
  return {
    low,
    high,
    ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step),
    at: (value) => from + ((value - low) / (high - low)) * (to - from),
  };
}

function grid(x: Axis, y: Axis): string[] {
  const bottom = HEIGHT - BOTTOM;
  return [
    ...x.ticks.map(
      (tick) =>
        `<text x="${px(x.at(tick))}" y="${bottom + 16}" text-anchor="middle" fill="#555555">${label(tick)}</text>`,
    ),
    ...y.ticks.flatMap((tick) => [
      `<line x1="${LEFT}" y1="${px(y.at(tick))}" x2="${WIDTH - RIGHT}" y2="${px(y.at(tick))}" stroke="#eeeeee"/>`,
      `<text x="${LEFT - 6}" y="${px(y.at(tick) + 4)}" text-anchor="end" fill="#555555">${label(tick)}</text>`,
    ]),
  ];
}

function key(name: string, index: number): string[] {
  const x = LEFT + index * 150;
  return [
    `<circle cx="${x}" cy="40" r="4" fill="${COLOURS[index % COLOURS.length]}"/>`,
    `<text x="${x + 10}" y="44">${escapeXml(name)}</text>`,
  ];
}

function frame({ title, x, y }: ChartText, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="22" font-size="15" font-weight="600">${escapeXml(title)}</text>`,
    ...parts,
    `<text x="${WIDTH / 2}" y="${height - 8}" text-anchor="middle" fill="#555555">${escapeXml(x)}</text>`,
    `<text transform="translate(14 ${height / 2}) rotate(-90)" text-anchor="middle" fill="#555555">${escapeXml(y)}</text>`,
    "</svg>",
  ].join("\n");
}

function px(value: number): string {
  return value.toFixed(1);
}

function label(tick: number): string {
  return String(Number(tick.toPrecision(6)));
}
