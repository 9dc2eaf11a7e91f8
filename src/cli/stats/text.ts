/** How `neurabalancer stats` speaks to people. */
import type { Answer } from "../../history/answer.ts";
import type { ServersAnswer } from "../../history/availability.ts";
import type { EventsAnswer } from "../../history/events.ts";
import type { Finding, IncidentAnswer } from "../../history/incident.ts";
import type { RequestsAnswer } from "../../history/requests.ts";
import type { Figures } from "../../history/traffic/tally.ts";
import type { TrafficAnswer } from "../../history/traffic/traffic.ts";
import { columns } from "../columns.ts";

/** The answer as lines; its notes are not among them. */
export function textOf(answer: Answer): string {
  const span = `${timeText(answer.since)} to ${timeText(answer.until)} UTC`;
  switch (answer.subject) {
    case "traffic":
      return `${span}\n\n${trafficText(answer)}`;
    case "events":
      return answer.events.length === 0 ? `${span}: no events.` : `${span}\n\n${eventTable(answer.events)}`;
    case "requests":
      return `${span}: ${requestsText(answer)}`;
    case "servers":
      return answer.servers.length === 0 ? `${span}: no servers.` : `${span}\n\n${serverTable(answer)}`;
    case "incident":
      return `${span}, against the time since ${timeText(answer.before_since)}\n\n${incidentText(answer)}`;
  }
}

const FIGURE_HEADS = ["REQUESTS", "PER S", "SHARE", "ERRORS", "P50", "P95", "P99", "RETRIES", "WAITED", "WAIT"];

function trafficText({ by, group, rows, total }: TrafficAnswer): string {
  const groups = group.filter((name) => name !== "pool" && name !== "server");
  const hasServer = group.includes("server");
  const pools = new Set(rows.map(({ pool }) => pool));
  const showsPool = group.includes("pool") || (hasServer && pools.size > 1);
  const heads = [
    ...(by === null ? [] : ["TIME (UTC)"]),
    ...(showsPool ? ["POOL"] : []),
    ...(hasServer ? ["SERVER"] : []),
    ...groups.map((name) => name.toUpperCase()),
  ];
  const lines = rows.map((row) => [
    ...(row.at === undefined ? [] : [timeText(row.at).slice(0, by === "day" ? 10 : 16)]),
    ...(showsPool ? [row.pool ?? "-"] : []),
    ...(hasServer ? [row.server ?? "(none)"] : []),
    ...groups.map((name) => row[name] ?? "-"),
    ...figureCells(row),
  ]);
  if (heads.length === 0) return columns([FIGURE_HEADS, figureCells(total)]);
  const sum = ["total", ...heads.slice(1).map(() => ""), ...figureCells(total)];
  return columns([[...heads, ...FIGURE_HEADS], ...lines, sum]);
}

function figureCells(figures: Figures): string[] {
  const { requests, requests_per_second, share, error_share, retries, waited, wait_mean_ms } = figures;
  return [
    String(requests),
    requests_per_second === null ? "-" : short(requests_per_second),
    percent(share),
    percent(error_share),
    milliseconds(figures.p50_ms),
    milliseconds(figures.p95_ms),
    milliseconds(figures.p99_ms),
    String(retries),
    String(waited),
    milliseconds(wait_mean_ms),
  ];
}

function eventTable(events: EventsAnswer["events"]): string {
  const showsInstance = new Set(events.map(({ instance }) => instance)).size > 1;
  const rows = events.map(({ at, instance, kind, pool, server, actor, message }) => [
    timeText(at),
    ...(showsInstance ? [instance] : []),
    kind,
    pool ?? "-",
    server ?? "-",
    actor,
    message,
  ]);
  return columns([
    ["TIME (UTC)", ...(showsInstance ? ["INSTANCE"] : []), "KIND", "POOL", "SERVER", "BY", "WHAT"],
    ...rows,
  ]);
}

function requestsText({ found, found_weight, requests, order }: RequestsAnswer): string {
  if (found === 0) return "no requests.";
  const stand = found === found_weight ? "" : `, which stand for ${found_weight}`;
  const shown = requests.length === found ? "" : `; the ${requests.length} ${order}:`;
  const rows = requests.map((request) => [
    timeText(request.at),
    String(request.status),
    request.error ?? "-",
    request.method,
    milliseconds(request.duration_ms),
    milliseconds(request.wait_ms),
    String(request.attempts),
    request.server ?? "(none)",
    request.reason,
    request.request_id,
    request.path,
  ]);
  const heads = ["TIME (UTC)", "STATUS", "ERROR", "METHOD", "TOOK", "WAIT", "TRIES", "SERVER", "KEPT", "ID", "PATH"];
  return `${found} kept${stand}${shown}\n\n${columns([heads, ...rows])}`;
}

const STATES = ["up", "down", "ejected", "draining", "maintenance", "standby"] as const;

function serverTable({ servers }: ServersAnswer): string {
  const showsPool = new Set(servers.map(({ pool }) => pool)).size > 1;
  const rows = servers.map((server) => [
    ...(showsPool ? [server.pool] : []),
    server.address === null ? server.server : `${server.server} (${server.address})`,
    server.removed_at === null ? server.state : "removed",
    ...STATES.map((state) => percent(server.shares[state] ?? 0)),
    String(server.changes),
    String(server.ejections),
    short(server.weight) + (server.weight_override === null ? "" : "*"),
    short(server.in_flight),
    server.cpu_percent === null ? "-" : `${short(server.cpu_percent)} %`,
  ]);
  const heads = [...(showsPool ? ["POOL"] : []), "SERVER", "NOW", ...STATES.map((state) => state.toUpperCase())];
  const table = columns([[...heads, "CHANGES", "EJECTIONS", "WEIGHT", "IN FLIGHT", "CPU"], ...rows]);
  return servers.some(({ weight_override }) => weight_override !== null)
    ? `${table}\n\n* set in the store's table "servers"`
    : table;
}

/** How figures are called and shown. */
const FINDINGS: Readonly<Record<Finding["figure"], readonly [name: string, show: (value: number) => string]>> = {
  error_share: ["errors", percent],
  p50_ms: ["p50", milliseconds],
  p99_ms: ["p99", milliseconds],
  share: ["share of traffic", percent],
  requests_per_second: ["requests per second", short],
  wait_mean_ms: ["time in the queue", milliseconds],
};

function incidentText({ findings, events }: IncidentAnswer): string {
  const rows = findings.map(({ about, pool, name, figure, before, during }) => {
    const [called, show] = FINDINGS[figure];
    return [about === "all" ? "all traffic" : `${about} ${name}`, pool ?? "-", called, show(before), show(during)];
  });
  const differences = columns([["WHERE", "POOL", "WHAT", "BEFORE", "DURING"], ...rows]);
  const happened = events.length === 0 ? "No events from ten minutes before on." : eventTable(events);
  return `${rows.length === 0 ? "No differences to show." : differences}\n\n${happened}`;
}

/** `2026-11-29 02:30:00`. */
function timeText(iso: string): string {
  return iso.slice(0, 19).replace("T", " ");
}

function percent(share: number | null): string {
  if (share === null) return "-";
  const value = share * 100;
  if (value > 0 && value < 0.005) return "< 0.01 %"; // one error of a million is none too few to be seen
  return `${value === 0 || value === 100 ? value : value < 1 ? value.toFixed(2) : value.toFixed(1)} %`;
}

function milliseconds(ms: number | null): string {
  if (ms === null) return "-";
  return ms >= 10_000 ? `${short(ms / 1_000)} s` : `${short(ms)} ms`;
}

/** Three digits, or all before the point. */
function short(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}
