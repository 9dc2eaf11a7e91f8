/** Series over time, with marks of what happened; the same as a table for who cannot see it. */
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import type { Mark } from "../model/events.ts";
import { clock, dateTime } from "../model/format/times.ts";
import type { Points } from "../model/series-table.ts";
import { toneOfEvent } from "../model/words.ts";
import { type Column, Table } from "../widgets/table.tsx";
import { colour, schemeVersion } from "./colours.ts";

/** One line of a chart. */
export interface ChartSeries {
  readonly label: string;
  /** A custom property of the style sheet. */
  readonly colour: string;
  readonly filled?: boolean;
}

interface ChartProps {
  readonly title: string;
  readonly points: Points;
  readonly series: readonly ChartSeries[];
  readonly format: (value: number | null) => string;
  /** At the axis; else as everywhere. */
  readonly tick?: (value: number | null) => string;
  readonly marks?: readonly Mark[];
  /** From when to when the axis goes, whatever is known of it; milliseconds. */
  readonly span: readonly [fromMs: number, toMs: number];
  readonly height?: number;
}

const HEIGHT = 170;
const NARROW_PX = 340;
const DAY_MS = 86_400_000;

/** A figure: canvas, numbers under the pointer, table. */
export function TimeChart(props: ChartProps) {
  const { title, points, series, format, marks = [], span, height = HEIGHT } = props;
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [at, setAt] = useState<number | null>(null);
  const scheme = schemeVersion.value;
  const shape = series.map(({ label }) => label).join("\n");
  useEffect(() => {
    const element = holder.current!;
    const options = optionsOf(latest, element.clientWidth, height, setAt);
    const made = new uPlot(options, dataOf(latest.current), element);
    chart.current = made;
    const watch = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height });
    });
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [shape, scheme, height]);

  useEffect(() => {
    chart.current?.batch(() => {
      chart.current!.setData(dataOf(latest.current), false);
      chart.current!.setScale("x", { min: span[0] / 1000, max: span[1] / 1000 });
      chart.current!.setScale("y", yRange(points));
    });
  }, [points, span[0], span[1]]);

  const shown = at === null || at >= points.at.length ? lastKnown(points) : at;
  const near = at === null ? [] : marksNear(marks, points.at[shown], span);
  return (
    <figure class="chart" aria-label={summaryOf(title, points, series, format)}>
      <figcaption class="legend">
        <span class="chart-title">{title}</span>
        {series.map(({ label, colour }, i) => (
          <span class="key" key={label}>
            <i class={`dot ${colour.slice(2)}`} />
            {label} <b>{format(points.values[i]?.[shown] ?? null)}</b>
          </span>
        ))}
        {at !== null && points.at[shown] !== undefined && (
          <span class="dim when">{timeIn(points.at[shown], span)}</span>
        )}
      </figcaption>
      <div class="canvas" ref={holder} aria-hidden="true" data-height={height} />
      {near.length > 0 && (
        <ul class="marks" aria-hidden="true">
          {near.slice(0, 3).map((event) => (
            <li key={event.id} class="clip">
              {event.message}
            </li>
          ))}
        </ul>
      )}
      <ChartTable {...props} />
    </figure>
  );
}

const ROWS = 12;

function ChartTable({ title, points, series, format, span }: ChartProps) {
  const [open, setOpen] = useState(false);
  const step = Math.max(1, Math.floor(points.at.length / ROWS));
  const rows = open
    ? points.at.flatMap((ms, i) => ((points.at.length - 1 - i) % step === 0 ? [[ms, i] as const] : [])).toReversed()
    : [];
  const columns: readonly Column<readonly [ms: number, at: number]>[] = [
    { title: "Time", kind: "head", cell: ([ms]) => timeIn(ms, span) },
    ...series.map(
      ({ label }, n): Column<readonly [number, number]> => ({
        title: label,
        kind: "number",
        cell: ([, i]) => format(points.values[n]?.[i] ?? null),
      }),
    ),
  ];
  return (
    <details class="as-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary aria-label={`${title} as a table`}>Table</summary>
      {open && <Table columns={columns} rows={rows} keyOf={([ms]) => ms} />}
    </details>
  );
}

function optionsOf(
  latest: { readonly current: ChartProps },
  width: number,
  height: number,
  hover: (at: number | null) => void,
): uPlot.Options {
  const { series, format, tick = format } = latest.current;
  const axis = { stroke: colour("--text-3"), font: FONT, ticks: { show: false } };
  const grid = { stroke: colour("--line"), width: 1 };
  return {
    width: Math.max(width, 80),
    height,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: true, auto: false }, y: { auto: false } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: (_u, _axis, _min, _max, lengthPx) => tickSpace(latest.current.span, lengthPx),
        values: (_, ticks) => ticks.map((s) => tickIn(s * 1000, latest.current.span)),
      },
      { ...axis, grid, size: axisWidth, gap: 6, space: 34, values: (_, ticks) => ticks.map((value) => tick(value)) },
    ],
    series: [
      {},
      ...series.map((one) => ({
        stroke: colour(one.colour),
        width: 1.5,
        points: { show: false },
        fill: one.filled ? `color-mix(in srgb, ${colour(one.colour)} 12%, transparent)` : undefined,
        spanGaps: false,
      })),
    ],
    hooks: {
      drawClear: [(u) => drawMarks(u, latest.current)],
      setCursor: [(u) => hover(u.cursor.left === undefined || u.cursor.left < 0 ? null : (u.cursor.idx ?? null))],
    },
  };
}

const FONT = "11px ui-sans-serif, system-ui, sans-serif";

/** As wide as its longest label. */
function axisWidth(u: uPlot, values: string[] | null): number {
  const longest = (values ?? []).reduce((most, text) => Math.max(most, text.length), 4);
  u.ctx.font = FONT;
  return Math.ceil(longest * 6.4) + 10;
}

function drawMarks(u: uPlot, { marks = [] }: ChartProps): void {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  ctx.save();
  for (const { atMs, events } of marks) {
    const x = Math.round(u.valToPos(atMs / 1000, "x", true));
    if (x < left || x > left + width) continue;
    const tone = events.map(({ kind, message }) => toneOfEvent(kind, message)).sort((a, b) => WEIGHT[b] - WEIGHT[a])[0];
    ctx.globalAlpha = 0.75;
    ctx.fillStyle = colour(`--${tone}`);
    ctx.fillRect(x, top, devicePixelRatio, height);
    ctx.globalAlpha = 1;
    ctx.fillRect(x - 2 * devicePixelRatio, top, 5 * devicePixelRatio, 3 * devicePixelRatio);
  }
  ctx.restore();
}

const WEIGHT = { idle: 0, info: 1, ok: 2, accent: 3, warn: 4, bad: 5 } as const;

function dataOf({ points }: ChartProps): uPlot.AlignedData {
  return [points.at.map((ms) => ms / 1000), ...points.values] as unknown as uPlot.AlignedData;
}

/** From zero to a little above the highest. */
function yRange({ values }: Points): { min: number; max: number } {
  let highest = 0;
  for (const series of values) for (const value of series) if (value !== null && value > highest) highest = value;
  return { min: 0, max: highest === 0 ? 1 : highest * 1.12 };
}

function lastKnown({ at }: Points): number {
  return at.length - 1;
}

function marksNear(marks: readonly Mark[], atMs: number, [from, to]: readonly [number, number]): Mark["events"] {
  const reach = (to - from) / 90;
  return marks.filter((mark) => Math.abs(mark.atMs - atMs) <= reach).flatMap(({ events }) => events);
}

function timeIn(ms: number, [from, to]: readonly [number, number]): string {
  return to - from > DAY_MS ? dateTime(ms).slice(0, 16) : clock(ms);
}

function tickIn(ms: number, [from, to]: readonly [number, number]): string {
  if (to - from > DAY_MS) return dateTime(ms).slice(5, 16);
  return to - from > 600_000 || ms % 60_000 === 0 ? clock(ms).slice(0, 5) : clock(ms);
}

/** From one label of the axis of time to the next, at least. */
function tickSpace([from, to]: readonly [number, number], lengthPx: number): number {
  return to - from <= DAY_MS && lengthPx < NARROW_PX ? 44 : 80;
}

function summaryOf(
  title: string,
  points: Points,
  series: readonly ChartSeries[],
  format: ChartProps["format"],
): string {
  const last = lastKnown(points);
  const each = series.map(({ label }, i) => `${label} ${format(points.values[i]?.[last] ?? null)}`);
  return `Chart: ${title}. Newest: ${each.join(", ")}.`;
}
