/** Panels: each with what it asks, how it looks, and what whoever sees it can do. */
import type { DataSource, Link, Mapping, Override, PanelBody, Target, Threshold } from "./model.ts";
import { LOKI, PROMETHEUS, TEMPO } from "./sources.ts";

/** A panel and the room that it takes. */
export interface Sized {
  readonly width: number;
  readonly height: number;
  readonly body: PanelBody;
}

/** One query of PromQL with the name of its series. */
export interface Query {
  readonly expr: string;
  /** As Grafana has it: `{{label}}`. */
  readonly legend?: string;
  /** Show exemplars on it: only for histograms. */
  readonly exemplars?: boolean;
}

interface Common {
  /** What it means, and what to do. */
  readonly doc: string;
  /** Of 24. */
  readonly width?: number;
  readonly height?: number;
  /** Grafana's name for it. */
  readonly unit?: string;
  readonly decimals?: number;
  readonly thresholds?: readonly Threshold[];
  readonly mappings?: readonly Mapping[];
  readonly overrides?: readonly Override[];
  readonly links?: readonly Link[];
}

interface SeriesOptions extends Common {
  readonly stack?: boolean;
  readonly max?: number;
  /** One colour for all series in shades, instead of one for each name. */
  readonly shades?: string;
  /** Colours of series by their names. */
  readonly colors?: Readonly<Record<string, string>>;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** Nothing to see below the first bound. */
const PLAIN: readonly Threshold[] = [{ color: "text", value: null }];

/** Good below `warn`, bad from `bad` on. */
export function risingIsBad(warn: number, bad: number): Threshold[] {
  return [
    { color: "green", value: null },
    { color: "orange", value: warn },
    { color: "red", value: bad },
  ];
}

/** Bad below `bad`, not well below `well`. */
export function fallingIsBad(bad: number, well: number): Threshold[] {
  return [
    { color: "red", value: null },
    { color: "orange", value: bad },
    { color: "green", value: well },
  ];
}

/** Good while it is none. */
export const NONE_IS_GOOD: readonly Threshold[] = [
  { color: "green", value: null },
  { color: "red", value: 1 },
];

/** Lines over time. */
export function timeseries(title: string, queries: readonly Query[], options: SeriesOptions): Sized {
  const { stack = false, max, shades, colors = {} } = options;
  const mode = shades === undefined ? { mode: "palette-classic-by-name" } : { mode: "shades", fixedColor: shades };
  return panel("timeseries", title, PROMETHEUS, rangeTargets(queries), options, {
    defaults: {
      color: mode,
      min: 0,
      ...(max !== undefined && { max }),
      custom: {
        drawStyle: "line",
        lineWidth: 1,
        fillOpacity: stack ? 40 : 6,
        showPoints: "never",
        spanNulls: false,
        axisSoftMin: 0,
        stacking: { mode: stack ? "normal" : "none", group: "A" },
        thresholdsStyle: { mode: "off" },
      },
    },
    overrides: Object.entries(colors).map(([name, color]) => colored(name, color)),
    options: {
      legend: { displayMode: "list", placement: "bottom", showLegend: true, calcs: [] },
      tooltip: { mode: "multi", sort: "desc" },
    },
  });
}

/** One figure for each series, as it is now. */
export function stat(
  title: string,
  queries: readonly Query[],
  options: Common & { readonly text?: "value" | "name"; readonly graph?: boolean; readonly color?: "value" | "none" },
): Sized {
  const { text = "value", graph = false, color = "value" } = options;
  const targets = graph ? rangeTargets(queries) : instantTargets(queries);
  return panel(
    "stat",
    title,
    PROMETHEUS,
    targets,
    { width: 4, height: 4, ...options },
    {
      defaults: { color: { mode: "thresholds" }, noValue: "—" },
      overrides: [],
      options: {
        reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
        colorMode: color,
        graphMode: graph ? "area" : "none",
        textMode: text === "name" ? "name" : queries.length > 1 ? "value_and_name" : "auto",
        justifyMode: "auto",
        orientation: "auto",
      },
    },
  );
}

/** A column of a table: the query that fills it, or the label that it shows; with both, a label that this query alone has. */
export interface Column {
  readonly name: string;
  /** PromQL, grouped by the table's labels. */
  readonly expr?: string;
  readonly label?: string;
  readonly unit?: string;
  readonly decimals?: number;
  readonly thresholds?: readonly Threshold[];
  readonly mappings?: readonly Mapping[];
  readonly width?: number;
  readonly url?: { readonly title: string; readonly url: string };
}

/** Rows of what several queries have the same labels for. */
export function table(
  title: string,
  columns: readonly Column[],
  options: Common & { readonly sortBy: string; readonly descending?: boolean },
): Sized {
  const queries = columns.filter(({ expr }) => expr !== undefined);
  const targets = queries.map(({ expr }, at) => ({
    ...prometheus(LETTERS[at], expr as string),
    format: "table" as const,
    instant: true,
    range: false,
  }));
  const values = queries.map(({ name, label }, at) => ({ name, label, field: valueField(queries.length, at) }));
  const renamed = Object.fromEntries(values.flatMap(({ name, label, field }) => (label ? [] : [[field, name]])));
  const unseen = values.flatMap(({ label, field }) => (label ? [[field, true]] : []));
  const labels = Object.fromEntries(columns.flatMap(({ name, label }) => (label === undefined ? [] : [[label, name]])));
  const order = columns.map(({ name, label }) => label ?? Object.entries(renamed).find(([, to]) => to === name)?.[0]);
  return panel(
    "table",
    title,
    PROMETHEUS,
    targets,
    { width: 24, height: 9, ...options },
    {
      defaults: { custom: { align: "auto", cellOptions: { type: "auto" }, filterable: true }, noValue: "—" },
      overrides: columns.map(columnOverride),
      options: {
        showHeader: true,
        cellHeight: "sm",
        sortBy: [{ displayName: options.sortBy, desc: options.descending ?? true }],
      },
      transformations: [
        { id: "merge", options: {} },
        {
          id: "organize",
          options: {
            excludeByName: { Time: true, ...Object.fromEntries(unseen) },
            indexByName: Object.fromEntries(order.map((field, index) => [field, index])),
            renameByName: { ...renamed, ...labels },
          },
        },
      ],
    },
  );
}

/** Where requests were, of a histogram's classic buckets; `expr` is by `le`. */
export function heatmap(title: string, expr: string, options: Common): Sized {
  const target = { ...rangeTargets([{ expr, legend: "{{le}}", exemplars: true }])[0], format: "heatmap" as const };
  return panel("heatmap", title, PROMETHEUS, [target], options, {
    defaults: { custom: { hideFrom: { legend: false, tooltip: false, viz: false } } },
    overrides: [],
    options: {
      calculate: false,
      cellGap: 1,
      color: {
        mode: "scheme",
        scheme: "Blues",
        fill: "blue",
        steps: 32,
        exponent: 0.5,
        scale: "exponential",
        reverse: false,
      },
      exemplars: { color: "orange" },
      filterValues: { le: 1e-9 },
      legend: { show: false },
      rowsFrame: { layout: "auto" },
      showValue: "never",
      tooltip: { mode: "single", yHistogram: false, showColorScale: false },
      yAxis: { axisPlacement: "left", unit: options.unit ?? "s", reverse: false },
    },
  });
}

/** Lines of the log. */
export function logs(title: string, expr: string, options: Common): Sized {
  const target: Target = { refId: "A", datasource: LOKI, editorMode: "code", queryType: "range", expr, maxLines: 200 };
  return panel(
    "logs",
    title,
    LOKI,
    [target],
    { width: 12, height: 9, ...options },
    {
      defaults: {},
      overrides: [],
      options: {
        dedupStrategy: "none",
        enableLogDetails: true,
        prettifyLogMessage: false,
        showLabels: false,
        showTime: true,
        sortOrder: "Descending",
        wrapLogMessage: false,
      },
    },
  );
}

/** Traces that a query of TraceQL finds. */
export function traces(title: string, query: string, options: Common): Sized {
  const target: Target = {
    refId: "A",
    datasource: TEMPO,
    queryType: "traceql",
    query,
    filters: [],
    tableType: "traces",
    limit: 20,
  };
  return panel(
    "table",
    title,
    TEMPO,
    [target],
    { width: 12, height: 9, ...options },
    {
      defaults: { custom: { align: "auto", cellOptions: { type: "auto" } } },
      overrides: [],
      options: { showHeader: true, cellHeight: "sm" },
    },
  );
}

interface Look {
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly overrides: readonly Override[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly transformations?: PanelBody["transformations"];
}

function panel(
  type: PanelBody["type"],
  title: string,
  datasource: DataSource,
  targets: readonly Target[],
  {
    doc,
    width = 12,
    height = 8,
    unit,
    decimals,
    thresholds = PLAIN,
    mappings = [],
    overrides = [],
    links = [],
  }: Common,
  look: Look,
): Sized {
  const body: PanelBody = {
    type,
    title,
    description: doc,
    datasource,
    targets,
    fieldConfig: {
      defaults: {
        ...look.defaults,
        ...(unit !== undefined && { unit }),
        ...(decimals !== undefined && { decimals }),
        mappings,
        thresholds: { mode: "absolute", steps: thresholds },
      },
      overrides: [...look.overrides, ...overrides],
    },
    options: look.options,
    ...(look.transformations && { transformations: look.transformations }),
    ...(links.length > 0 && { links }),
  };
  return { width, height, body };
}

function prometheus(refId: string, expr: string): Target {
  return { refId, datasource: PROMETHEUS, editorMode: "code", expr };
}

function rangeTargets(queries: readonly Query[]): Target[] {
  return queries.map(({ expr, legend = "", exemplars = false }, at) => ({
    ...prometheus(LETTERS[at], expr),
    legendFormat: legend,
    range: true,
    instant: false,
    ...(exemplars && { exemplar: true }),
  }));
}

function instantTargets(queries: readonly Query[]): Target[] {
  return rangeTargets(queries).map((target) => ({ ...target, range: false, instant: true }));
}

/** What Grafana calls the values of a table's query: there is no letter when there is one query. */
function valueField(queries: number, at: number): string {
  return queries === 1 ? "Value" : `Value #${LETTERS[at]}`;
}

function colored(name: string, color: string): Override {
  return {
    matcher: { id: "byName", options: name },
    properties: [{ id: "color", value: { mode: "fixed", fixedColor: color } }],
  };
}

function columnOverride({ name, unit, decimals, thresholds, mappings, width, url }: Column): Override {
  const properties = [
    ...(unit === undefined ? [] : [{ id: "unit", value: unit }]),
    ...(decimals === undefined ? [] : [{ id: "decimals", value: decimals }]),
    ...(width === undefined ? [] : [{ id: "custom.width", value: width }]),
    ...(mappings === undefined ? [] : [{ id: "mappings", value: mappings }]),
    ...(url === undefined ? [] : [{ id: "links", value: [url] }]),
    ...(thresholds === undefined
      ? []
      : [
          { id: "thresholds", value: { mode: "absolute", steps: thresholds } },
          { id: "custom.cellOptions", value: { type: "color-text" } },
        ]),
  ];
  return { matcher: { id: "byName", options: name }, properties };
}
