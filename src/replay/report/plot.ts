/** A replay as an SVG picture: what each strategy would have given, and beside the one that ran what it really gave. */
import { escapeXml } from "../../shared/xml-text.ts";
import type { Recording } from "../recording.ts";
import type { Forecast, Interval, Recorded, ReplayResult } from "../result.ts";
import { percent } from "./percent.ts";

const WIDTH = 960;
const LABELS = 190;
/** Of the column of errors. */
const ERRORS = 120;
const RIGHT = 24;
const TOP = 96;
const ROW = 40;
const BOTTOM = 48;
/** Distinguishable with the usual colour blindnesses (Okabe & Ito 2008). */
const QUANTILES = [
  { name: "p50", colour: "#56b4e9" },
  { name: "p99", colour: "#0072b2" },
  { name: "p99.9", colour: "#cc79a7" },
] as const;
const REAL = "#d55e00";
const GREY = "#555555";

/** A complete SVG document. @param result with forecasts. */
export function plotReplay({ source }: Recording, { recorded, forecasts }: ReplayResult): string {
  const height = TOP + forecasts.length * ROW + BOTTOM;
  const scale = logScale(forecasts, recorded);
  const bottom = TOP + forecasts.length * ROW;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    "<title>What each strategy would have given</title>",
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="600">What each strategy would have given</text>`,
    `<text x="16" y="46" fill="${GREY}">${escapeXml(`${source}: ${recorded.requests} requests`)}</text>`,
    ...legend(forecasts.some(({ ran }) => ran)),
    `<text x="${WIDTH - RIGHT}" y="${TOP - 10}" text-anchor="end" fill="${GREY}">errors</text>`,
    ...scale.ticks.flatMap((tick) => [
      `<line x1="${px(scale.x(tick))}" y1="${TOP}" x2="${px(scale.x(tick))}" y2="${bottom}" stroke="#eeeeee"/>`,
      `<text x="${px(scale.x(tick))}" y="${bottom + 18}" text-anchor="middle" fill="${GREY}">${Number(tick.toPrecision(3))}</text>`,
    ]),
    `<text x="${px((LABELS + WIDTH - ERRORS) / 2)}" y="${bottom + 38}" text-anchor="middle" fill="${GREY}">milliseconds, logarithmic</text>`,
    ...forecasts.flatMap((forecast, row) => strategyRow(forecast, recorded, TOP + row * ROW, scale.x)),
    `<line x1="16" y1="${bottom}" x2="${WIDTH - RIGHT}" y2="${bottom}" stroke="#dddddd"/>`,
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

function strategyRow(forecast: Forecast, recorded: Recorded, top: number, x: (ms: number) => number): string[] {
  const { strategy, ran, p50Ms, p99Ms, p999Ms, errorShare, overloaded } = forecast;
  const y = top + ROW / 2;
  const figures = [p50Ms, p99Ms, p999Ms];
  const name = escapeXml(strategy);
  const full = !ran && overloaded.length > 0;
  return [
    `<line x1="16" y1="${top}" x2="${WIDTH - RIGHT}" y2="${top}" stroke="#dddddd"/>`,
    ran
      ? `<text x="16" y="${y - 2}" font-weight="600">${name}</text><text x="16" y="${y + 13}" fill="${REAL}">is what ran</text>`
      : `<text x="16" y="${y + (full ? -2 : 4)}">${name}</text>`,
    ...(full ? [`<text x="16" y="${y + 13}" fill="${GREY}">would overload servers</text>`] : []),
    ...figures.map((figure, i) => mark(figure, QUANTILES[i], y - (ran ? 5 : 0), x)),
    ...(ran
      ? [recorded.p50Ms, recorded.p99Ms, recorded.p999Ms].map((ms, i) => cross(ms, QUANTILES[i].name, y + 9, x))
      : []),
    `<text x="${WIDTH - RIGHT}" y="${y + (ran ? -2 : 4)}" text-anchor="end">${percent(errorShare.value)}</text>`,
    ...(ran
      ? [
          `<text x="${WIDTH - RIGHT}" y="${y + 13}" text-anchor="end" fill="${REAL}">${percent(recorded.errorShare)}</text>`,
        ]
      : []),
  ];
}

function mark(
  { value, low, high }: Interval,
  { name, colour }: (typeof QUANTILES)[number],
  y: number,
  x: (ms: number) => number,
): string {
  const title = `${name}: ${value.toFixed(1)} ms, 95 % from ${low.toFixed(1)} to ${high.toFixed(1)}`;
  return [
    `<g><title>${title}</title>`,
    `<line x1="${px(x(low))}" y1="${y}" x2="${px(x(high))}" y2="${y}" stroke="${colour}" stroke-width="3" stroke-linecap="round" stroke-opacity="0.45"/>`,
    `<circle cx="${px(x(value))}" cy="${y}" r="4.5" fill="${colour}"/></g>`,
  ].join("");
}

function cross(ms: number, name: string, y: number, x: (ms: number) => number): string {
  const at = x(ms);
  const arm = 4;
  return `<g><title>${name}, really: ${ms.toFixed(1)} ms</title><path d="M${px(at - arm)} ${y - arm}L${px(at + arm)} ${y + arm}M${px(at - arm)} ${y + arm}L${px(at + arm)} ${y - arm}" stroke="${REAL}" stroke-width="2" fill="none"/></g>`;
}

function legend(real: boolean): string[] {
  const entries = QUANTILES.map(({ name, colour }, i) => {
    const at = LABELS + i * 80;
    return `<circle cx="${at}" cy="66" r="4.5" fill="${colour}"/><text x="${at + 10}" y="70">${name}</text>`;
  });
  const at = LABELS + QUANTILES.length * 80;
  entries.push(`<text x="${at}" y="70" fill="${GREY}">with 95 % intervals</text>`);
  if (real) {
    const cx = at + 136;
    entries.push(
      `<path d="M${cx - 4} 62L${cx + 4} 70M${cx - 4} 70L${cx + 4} 62" stroke="${REAL}" stroke-width="2" fill="none"/><text x="${cx + 10}" y="70">as it really was</text>`,
    );
  }
  return entries;
}

interface Scale {
  readonly ticks: readonly number[];
  readonly x: (ms: number) => number;
}

/** Below this all is the same, milliseconds. */
const LEAST_MS = 0.01;
/** Room for a number on the scale. */
const TICK_ROOM = 34;

function logScale(forecasts: readonly Forecast[], recorded: Recorded): Scale {
  const all = forecasts.flatMap(({ p50Ms, p99Ms, p999Ms }) =>
    [p50Ms, p99Ms, p999Ms].flatMap((of) => [of.low, of.high]),
  );
  all.push(recorded.p50Ms, recorded.p999Ms);
  const finite = all.filter(Number.isFinite).map((ms) => Math.max(ms, LEAST_MS));
  const low = Math.log10(Math.min(...finite)) - 0.05;
  const high = Math.log10(Math.max(...finite)) + 0.05;
  const x = (ms: number): number => {
    const at = (Math.log10(Math.max(ms, LEAST_MS)) - low) / (high - low);
    return LABELS + Math.min(1, Math.max(0, at)) * (WIDTH - LABELS - ERRORS);
  };
  const ticks: number[] = [];
  for (let decade = Math.floor(low); decade <= high; decade++) {
    for (const step of [1, 2, 5]) {
      const tick = step * 10 ** decade;
      const log = Math.log10(tick);
      const crowded = ticks.length > 0 && x(tick) - x(ticks[ticks.length - 1]) < TICK_ROOM;
      if (log >= low && log <= high && !crowded) ticks.push(tick);
    }
  }
  return { ticks, x };
}

function px(value: number): string {
  return value.toFixed(1);
}
