/** The demo's live view: a pure function from what is known to lines of text. */

import { formatCount, formatElapsed, formatMs, formatShare } from "../load/format.ts";
import { ReservedPath } from "../shared/reserved-paths.ts";
import { bar, cut, type Paint, padEnd, padStart, type Style, sparkline, visibleWidth } from "./paint.ts";

/** One server as the view shows it. */
export interface ServerView {
  readonly name: string;
  readonly url: string;
  /** `null` while it is not running. */
  readonly pid: number | null;
  /** `up`, `down`, `ejected`, `draining`; `killed` while the demo is about to restart it. */
  readonly state: string;
  /** Of the recent traffic, 0 … 1; NaN without any. */
  readonly share: number;
  readonly perSecond: number;
  readonly inFlight: number;
  readonly p95Ms: number | null;
  readonly cpuPercent: number | null;
}

/** What the view shows. */
export interface DemoView {
  readonly url: string;
  /** Of the page, at the admin port. */
  readonly pageUrl: string;
  readonly strategy: string;
  readonly workers: number;
  readonly balancerPid: number;
  readonly elapsedMs: number;
  /** When it ends by itself; `null` = runs until stopped. */
  readonly endsAtMs: number | null;
  readonly perSecond: number;
  /** The p99 of each of the last seconds, oldest first, milliseconds. */
  readonly p99History: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly servers: readonly ServerView[];
  /** What happened, oldest first. */
  readonly events: readonly { readonly atMs: number; readonly text: string }[];
}

const SERVER_STYLES: readonly Style[] = ["cyan", "yellow", "magenta"];
/** The columns after the bar: title, width, and the narrowest screen that shows it. */
const COLUMNS = [
  { title: "req/s", width: 7, from: 40, value: (s: ServerView) => s.perSecond.toFixed(0) },
  { title: "in flight", width: 11, from: 78, value: (s: ServerView) => String(s.inFlight) },
  { title: "p95/1min", width: 10, from: 58, value: (s: ServerView) => formatMs(s.p95Ms) },
  { title: "cpu", width: 7, from: 88, value: (s: ServerView) => formatPercent(s.cpuPercent) },
  { title: "pid", width: 9, from: 50, value: (s: ServerView) => (s.pid === null ? "–" : String(s.pid)) },
] as const;
const MAX_BAR = 60;
const MIN_EVENTS = 3;
const MAX_EVENTS = 8;

/** The whole screen: at most `height` lines of at most `width` columns. What matters least is left out first. */
export function renderView(view: DemoView, width: number, height: number, paint: Paint): readonly string[] {
  const margin = width >= 40 ? " " : "";
  const inner = width - 2 * margin.length;
  const lines = [...header(view, inner, paint), "", ...totals(view, inner, paint), "", ...table(view, inner, paint)];
  const hints = hintLines(view, inner, paint);
  // The hints stand above what happened, so that they stay where they are while events come in.
  if (lines.length + hints.length + MIN_EVENTS + 2 <= height) lines.push("", ...hints);
  const room = Math.min(MAX_EVENTS, height - lines.length - 1);
  if (room > 0 && view.events.length > 0) lines.push("", ...eventLines(view.events.slice(-room), paint));
  if (lines.length + 2 <= height) lines.unshift("");
  return lines.slice(0, Math.max(0, height)).map((line) => (line === "" ? "" : margin + cut(line, inner)));
}

/** One line for where there is no screen: a pipe, a file, a log of CI. */
export function renderLine(view: DemoView): string {
  const servers = view.servers.map((server) => {
    const state = server.state === "up" ? "" : ` (${server.state})`;
    return `${server.name} ${formatShare(server.share)}${state}`;
  });
  return [
    formatElapsed(view.elapsedMs),
    `${view.perSecond.toFixed(0)} req/s`,
    `p50 ${formatMs(view.p50Ms)}`,
    `p99 ${formatMs(view.p99Ms)}`,
    `failed ${view.failed}`,
    `| ${servers.join(" · ")}`,
  ].join("  ");
}

function header(view: DemoView, width: number, paint: Paint): string[] {
  const left = `${paint("bold", "NeuraBalancer")} ${paint("dim", "demo")}`;
  const remaining = view.endsAtMs === null ? "" : ` of ${formatElapsed(view.endsAtMs)}`;
  const right = `${formatElapsed(view.elapsedMs)}${remaining} · Ctrl-C stops`;
  const about = [
    paint("cyan", view.url),
    `strategy ${paint("bold", view.strategy)}`,
    `${view.workers} worker${view.workers === 1 ? "" : "s"}`,
    paint("dim", `pid ${view.balancerPid}`),
  ];
  return [spread(left, paint("dim", right), width), about.join(paint("dim", " · "))];
}

function totals(view: DemoView, width: number, paint: Paint): string[] {
  const failed = view.failed === 0 ? "0 failed" : paint("red", `${formatCount(view.failed)} failed`);
  const parts = [
    `${paint("bold", view.perSecond.toFixed(0))} req/s`,
    `p50 ${paint("bold", formatMs(view.p50Ms))}`,
    `p99 ${paint("bold", formatMs(view.p99Ms))}`,
    `${formatCount(view.succeeded)} ok`,
    failed,
  ];
  const text = parts.join("   ");
  const label = "p99 by the second ";
  const room = Math.min(40, width - visibleWidth(text) - label.length - 3);
  const graph = room >= 8 ? paint("dim", label) + paint("green", sparkline(view.p99History.slice(-room))) : "";
  return [spread(text, graph, width)];
}

function table(view: DemoView, width: number, paint: Paint): string[] {
  const columns = COLUMNS.filter((column) => width >= column.from);
  const named = Math.max(6, ...view.servers.map((server) => server.name.length)) + 2;
  const stateWidth = 9;
  const port = width >= 66 ? 8 : 0;
  const fixed = named + port + stateWidth + columns.reduce((sum, column) => sum + column.width, 0) + 6;
  const barWidth = Math.min(MAX_BAR, width - fixed - 2);
  const showBar = barWidth >= 5;
  const share = showBar ? barWidth + 6 : 5;
  const title =
    padEnd("server", named + port) +
    padEnd("state", stateWidth) +
    padEnd(showBar && barWidth >= 20 ? "share of the last seconds" : "share", share) +
    columns.map((column) => padStart(column.title, column.width)).join("");
  const rows = view.servers.map((server, index) => {
    const style = SERVER_STYLES[index % SERVER_STYLES.length];
    const [filled, empty] = bar(Number.isNaN(server.share) ? 0 : server.share, showBar ? barWidth : 0);
    return (
      padEnd(paint(style, server.name), named) +
      (port > 0 ? padEnd(paint("dim", `:${new URL(server.url).port}`), port) : "") +
      padEnd(paint(stateStyle(server.state), server.state), stateWidth) +
      paint(style, filled) +
      paint("dim", empty) +
      padStart(formatShare(server.share), showBar ? 6 : 5) +
      columns.map((column) => padStart(column.value(server), column.width)).join("")
    );
  });
  return [paint("dim", title), ...rows];
}

function eventLines(events: DemoView["events"], paint: Paint): string[] {
  return events.map(({ atMs, text }) => `${paint("dim", padStart(formatElapsed(atMs), 6))}  ${text}`);
}

function hintLines(view: DemoView, width: number, paint: Paint): string[] {
  const running = view.servers.filter((server) => server.pid !== null);
  const [first, second] = running;
  const last = running.at(-1);
  const hints: [what: string, command: string][] = [
    ["send a request yourself", `curl ${view.url}/`],
    ["ask what the balancer sees", `curl ${view.url}${ReservedPath.SERVERS}`],
  ];
  if (first) hints.push([`kill ${first.name}; it returns`, `kill -9 ${first.pid}`]);
  if (second) hints.push([`freeze ${second.name}, thaw it`, `kill -STOP ${second.pid}   kill -CONT ${second.pid}`]);
  if (last && last !== first) {
    hints.push([`make ${last.name} fast`, `curl ${last.url}/_admin/knobs -d '{"latency_ms":2}'`]);
  }
  const column = Math.max(...hints.map(([what]) => what.length)) + 3;
  // A command that is cut is of no use: without room for both, its meaning has to speak for itself.
  const wide = column + Math.max(...hints.map(([, command]) => command.length)) + 2 <= width;
  return [
    `${paint("bold", "Open in a browser")}  ${paint("cyan", view.pageUrl)}`,
    paint("bold", "Try in another terminal"),
    ...hints.map(([what, command]) => `  ${wide ? padEnd(what, column) : ""}${paint("cyan", command)}`),
  ];
}

function stateStyle(state: string): Style {
  if (state === "up") return "green";
  return state === "down" || state === "killed" ? "red" : "yellow";
}

function formatPercent(percent: number | null): string {
  return percent === null ? "–" : `${percent.toFixed(0)} %`;
}

/** `left` and `right` at the two ends of a line; `right` is dropped where there is no room. */
function spread(left: string, right: string, width: number): string {
  const gap = width - visibleWidth(left) - visibleWidth(right);
  return gap < 2 ? left : left + " ".repeat(gap) + right;
}
