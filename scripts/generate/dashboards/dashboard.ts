/** Puts panels into rows, rows onto a page, and gives every page the same variables, marks and links. */
import { METRIC_PREFIX } from "../../../src/telemetry/metrics/definition.ts";
import type { Annotation, Dashboard, GridPosition, Link, Panel, Row, Variable } from "./model.ts";
import type { Sized } from "./panels.ts";
import { SERVER_INFO, series } from "./promql.ts";
import { PROMETHEUS, PROVISIONED } from "./sources.ts";

/** Grafana's of 2025; it carries older ones on by itself. */
const SCHEMA_VERSION = 42;
const COLUMNS = 24;
const TAG = "neurabalancer";
/** How exactly a mark that has a beginning and an end is placed. */
const MARK_STEP = "15s";

/** Panels below a heading. */
export interface Section {
  readonly title: string;
  /** The user opens it: what is rarely looked at, or belongs to what not everybody uses. */
  readonly collapsed?: boolean;
  readonly panels: readonly Sized[];
}

/** What the dashboards have each for themselves. */
export interface Page {
  readonly uid: string;
  /** Behind "NeuraBalancer — ". */
  readonly name: string;
  readonly doc: string;
  /** Which variables it has besides the instance. */
  readonly variables: readonly ("pool" | "server" | "loki" | "tempo")[];
  /** How far back it looks. */
  readonly from?: string;
  readonly sections: readonly Section[];
}

/** The whole of a dashboard. */
export function dashboard({ uid, name, doc, variables, from = "now-1h", sections }: Page): Dashboard {
  return {
    uid,
    title: `NeuraBalancer — ${name}`,
    description: doc,
    tags: [TAG],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    graphTooltip: 1,
    timezone: "browser",
    refresh: "30s",
    time: { from, to: "now" },
    templating: { list: variablesOf(variables) },
    annotations: { list: ANNOTATIONS },
    links: LINKS,
    panels: placed(sections),
  };
}

function placed(sections: readonly Section[]): (Panel | Row)[] {
  const all: (Panel | Row)[] = [];
  let id = 0;
  let y = 0;
  for (const { title, collapsed = false, panels } of sections) {
    const row = { id: ++id, type: "row" as const, title, collapsed, gridPos: { x: 0, y: y++, w: COLUMNS, h: 1 } };
    const { places, bottom } = flow(panels, y);
    const inside = panels.map(({ body }, at) => ({ id: ++id, gridPos: places[at], ...body }));
    all.push({ ...row, panels: collapsed ? inside : [] }, ...(collapsed ? [] : inside));
    y = collapsed ? y : bottom;
  }
  return all;
}

/** From left to right, and below when a line is full. */
function flow(panels: readonly Sized[], top: number): { places: GridPosition[]; bottom: number } {
  const places: GridPosition[] = [];
  let [x, y, tallest] = [0, top, 0];
  for (const { width, height } of panels) {
    if (x + width > COLUMNS) [x, y, tallest] = [0, y + tallest, 0];
    places.push({ x, y, w: width, h: height });
    x += width;
    tallest = Math.max(tallest, height);
  }
  return { places, bottom: y + tallest };
}

// ── variables ────────────────────────────────────────────────────────────────────────────────────────────────────────

function variablesOf(wanted: Page["variables"]): Variable[] {
  const all: Variable[] = [source("prometheus", "Metrics")];
  if (wanted.includes("loki")) all.push(source("loki", "Logs"));
  if (wanted.includes("tempo")) all.push(source("tempo", "Traces"));
  all.push(values("instance", "Instance", `label_values(${METRIC_PREFIX}build_info, instance)`));
  if (wanted.includes("pool")) {
    const pools = `label_values(${METRIC_PREFIX}server_info{instance=~"$instance"}, pool)`;
    all.push(values("pool", "Pool", pools));
  }
  if (wanted.includes("server")) {
    const servers = `label_values(${METRIC_PREFIX}server_info{instance=~"$instance", pool=~"$pool"}, url)`;
    all.push(values("server", "Server", servers));
  }
  return all;
}

function source(type: keyof typeof PROVISIONED, label: string): Variable {
  return {
    name: type,
    label,
    type: "datasource",
    query: type,
    current: { selected: false, text: label, value: PROVISIONED[type] },
    hide: 0,
    includeAll: false,
    multi: false,
    options: [],
    refresh: 1,
    regex: "",
  };
}

/** "All" is `.*`: it also takes what does not have the label, such as `pool` where there is one pool. */
function values(name: string, label: string, query: string): Variable {
  return {
    name,
    label,
    type: "query",
    datasource: PROMETHEUS,
    definition: query,
    query: { query, refId: "variable", qryType: 1 },
    current: { selected: true, text: ["All"], value: ["$__all"] },
    allValue: ".*",
    hide: 0,
    includeAll: true,
    multi: true,
    options: [],
    refresh: 2,
    regex: "",
    sort: 5,
  };
}

// ── marks and links ──────────────────────────────────────────────────────────────────────────────────────────────────

function mark(name: string, iconColor: string, expr: string, texts: { title: string; text: string }): Annotation {
  return {
    name,
    datasource: PROMETHEUS,
    enable: true,
    hide: false,
    iconColor,
    expr,
    step: MARK_STEP,
    // The same once more, as newer versions of Grafana write it.
    target: { refId: "Mark", expr, interval: MARK_STEP },
    titleFormat: texts.title,
    textFormat: texts.text,
    tagKeys: "instance",
  };
}

const ANNOTATIONS: readonly Annotation[] = [
  {
    // The value says when it was: one mark for each, at the very second.
    ...mark("Reloads", "blue", `${everywhere(series("config_last_reload_success_timestamp_seconds"))} * 1000`, {
      title: "A configuration was taken over",
      text: "{{instance}}",
    }),
    useValueForTime: true,
  },
  mark("Rejected reloads", "red", `${everywhere(series("config_last_reload_successful"))} == 0`, {
    title: "The last reload was rejected: the configuration before it is in force",
    text: "{{instance}}",
  }),
  mark(
    "Ejections",
    "orange",
    everywhere(
      `(${series("server_state", 'state="ejected"')} == 1) * on (instance, server_id) group_left (url) ${SERVER_INFO}`,
    ),
    { title: "{{url}} is ejected: its answers fail", text: "{{instance}} {{pool}}" },
  ),
];

/** On every dashboard, whatever variables it has. */
function everywhere(expr: string): string {
  return expr.replaceAll(/pool=~"\$pool\|?"/g, 'pool=~".*"').replaceAll('url=~"$server"', 'url=~".*"');
}

const LINKS: readonly Link[] = [
  {
    title: "NeuraBalancer",
    type: "dashboards",
    tags: [TAG],
    asDropdown: false,
    includeVars: true,
    keepTime: true,
    targetBlank: false,
    icon: "external link",
    tooltip: "",
  },
];
