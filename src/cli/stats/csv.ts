/** Answers as tables for other programs. */
import type { Answer } from "../../history/answer.ts";
import { FIGURE_NAMES } from "../../history/traffic/tally.ts";
import type { TrafficAnswer } from "../../history/traffic/traffic.ts";

/** A cell; objects are written as JSON, `null` as nothing. */
type Cell = unknown;

const EVENT_NAMES = ["at", "kind", "pool", "server", "address", "actor", "message", "detail", "instance"];
const REQUEST_NAMES = [
  "at",
  "pool",
  "route",
  "server",
  "address",
  "method",
  "path",
  "status",
  "error",
  "duration_ms",
  "wait_ms",
  "head_ms",
  "attempts",
  "in_flight",
  "response_bytes",
  "request_id",
  "client",
  "reason",
  "weight",
];
const SERVER_NAMES = [
  "pool",
  "server",
  "address",
  "state",
  "state_at",
  "shares",
  "known_seconds",
  "changes",
  "ejections",
  "weight",
  "in_flight",
  "cpu_percent",
  "memory_percent",
  "weight_override",
  "capacity_override",
  "first_seen",
  "removed_at",
];
const FINDING_NAMES = ["about", "pool", "name", "figure", "before", "during"];

/** Rows of cells; the first has the columns' names, which are those of the JSON answer. */
export function csvOf(answer: Answer): string[][] {
  switch (answer.subject) {
    case "traffic":
      return trafficTable(answer);
    case "events":
      return table(EVENT_NAMES, answer.events);
    case "requests":
      return table(REQUEST_NAMES, answer.requests);
    case "servers":
      return table(SERVER_NAMES, answer.servers);
    case "incident":
      return table(FINDING_NAMES, answer.findings);
  }
}

function trafficTable({ by, group, rows, total }: TrafficAnswer): string[][] {
  const groups = group.flatMap((name) => (name === "server" && !group.includes("pool") ? ["pool", name] : [name]));
  const names = [...(by === null ? [] : ["at"]), ...groups];
  return table([...names, ...FIGURE_NAMES], names.length === 0 ? [total] : rows);
}

function table(names: readonly string[], rows: readonly object[]): string[][] {
  return [[...names], ...rows.map((row) => names.map((name) => cellText((row as Record<string, Cell>)[name])))];
}

/** What a spreadsheet takes for a formula. Request ids and paths may be strangers' texts. */
const FORMULA = /^[=+\-@]/;

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "string") return FORMULA.test(cell) ? `'${cell}` : cell;
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}
