/** What the benchmark says: the tables. */
import { type Machine, machineLine } from "../common/machine.ts";
import type { Spread } from "../common/statistics.ts";
import { renderTable, type Table } from "../common/table.ts";
import type { Row } from "./rows.ts";
import { OURS, overall, type PeerFigures, type RowFigures } from "./summary.ts";

/** A peer as the tables call it. */
export interface PeerTitle {
  readonly name: string;
  readonly title: string;
  readonly version: string;
}

export interface Report {
  readonly machine: Machine;
  readonly peers: readonly PeerTitle[];
  readonly rows: readonly Row[];
  readonly figures: readonly RowFigures[];
  readonly rounds: number;
}

const NONE = "–";

/** All tables, with where, when and of what they are. */
export function renderReport(report: Report, markdown: boolean): string {
  const { machine, peers, rounds, rows, figures } = report;
  const versions = peers.map(({ title, version }) => `${title} ${version}`).join(", ");
  const tables: Table[] = [];
  for (const accessLog of [true, false]) {
    if (figures.some((found) => found.accessLog === accessLog && hasCpu(found))) tables.push(costs(report, accessLog));
  }
  tables.push(...variantTables(report), ...details(report));
  const idle = figures.filter((found) => rows.some(({ name, kind }) => name === found.row && kind === "idle"));
  if (idle.length > 0) tables.push(idleMemory(report, idle));
  const foot = `${machineLine(machine)}. ${versions}. Medians of ${rounds} interleaved rounds.`;
  return [...tables.map((table) => renderTable(table, markdown)), foot, ""].join("\n");
}

function hasCpu(figures: RowFigures): boolean {
  return figures.peers.some(({ cpuUs }) => !Number.isNaN(cpuUs.median));
}

function costs({ peers, rows, figures }: Report, accessLog: boolean): Table {
  const hasBase = figures.some(({ toBase }) => toBase !== null);
  const body: string[][] = [];
  for (const { name, title } of rows) {
    const found = figures.find((one) => one.row === name && one.accessLog === accessLog);
    if (found === undefined || !hasCpu(found)) continue;
    const cells = peers.map((peer) => decimals(figuresOf(found, peer.name)?.cpuUs.median, 1));
    body.push([title, ...cells, ratioCell(found.toBetter), ...(hasBase ? [ratioCell(found.toBase)] : [])]);
  }
  const mean = (ratio: "toBetter" | "toBase"): string => decimals(overall(figures, rows, accessLog, ratio), 2);
  body.push(["geometric mean", ...peers.map(() => ""), mean("toBetter"), ...(hasBase ? [mean("toBase")] : [])]);
  return {
    title: `CPU µs per request, access log ${accessLog ? "on" : "off"}`,
    columns: ["", ...peers.map(({ title }) => title), "to the better (middle half)", ...(hasBase ? ["to base"] : [])],
    rows: body,
  };
}

/** What our variants cost, where several were measured: one line for each, row by row. */
function variantTables({ rows, figures }: Report): Table[] {
  const body: string[][] = [];
  let first = "";
  for (const row of rows) {
    for (const { row: name, accessLog, variants } of figures) {
      if (name !== row.name || variants.length < 2) continue;
      first = variants[0].variant;
      for (const { variant, cpuUs, asideUs, toFirst, pathToFirst } of variants) {
        const cost = [decimals(cpuUs.median, 2), decimals(asideUs.median, 2)];
        const label = `${row.title}, log ${accessLog ? "on" : "off"}`;
        body.push([label, variant, ...cost, ratioCell(toFirst, 3), ratioCell(pathToFirst, 3)]);
      }
    }
  }
  const columns = [
    "",
    "variant",
    "all",
    "of these learner, recorder, tracer",
    `to ${first} (middle half)`,
    "without these",
  ];
  return body.length === 0 ? [] : [{ title: "Variants: CPU µs per request", columns, rows: body }];
}

/** Throughput, latency and memory: not the figure of merit, but what would show a bought one. */
function details({ peers, rows, figures }: Report): Table[] {
  const table = (title: string, value: (of: PeerFigures) => string): Table => {
    const body: string[][] = [];
    for (const row of rows) {
      for (const found of figures) {
        if (found.row !== row.name || row.kind === "idle") continue;
        const cells = peers.map(({ name }) => {
          const of = figuresOf(found, name);
          return of === undefined ? NONE : value(of);
        });
        body.push([`${row.title}, log ${found.accessLog ? "on" : "off"}`, ...cells]);
      }
    }
    return { title, columns: ["", ...peers.map(({ title: name }) => name)], rows: body };
  };
  const tables = [
    table("Requests per second", ({ perSecond }) => decimals(perSecond, 0)),
    table("Latency, ms: p50 / p99", ({ p50Ms, p99Ms }) => `${decimals(p50Ms, 2)} / ${decimals(p99Ms, 2)}`),
    table("Resident memory after the row, MiB", ({ rssBytes }) => decimals(rssBytes / 2 ** 20, 0)),
  ];
  return tables.filter(({ rows: body }) => body.length > 0);
}

function idleMemory({ peers, rows }: Report, figures: readonly RowFigures[]): Table {
  return {
    title: "Memory per idle connection, bytes",
    columns: ["", ...peers.map(({ title }) => title)],
    rows: figures.map((found) => [
      `${rows.find(({ name }) => name === found.row)?.title}, log ${found.accessLog ? "on" : "off"}`,
      ...peers.map(({ name }) => decimals(figuresOf(found, name)?.bytesPerConnection ?? undefined, 0)),
    ]),
  };
}

function figuresOf(figures: RowFigures, peer: string): PeerFigures | undefined {
  return figures.peers.find((of) => of.peer === peer);
}

function decimals(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? NONE : value.toFixed(digits);
}

function ratioCell(ratio: Spread | null, digits = 2): string {
  if (ratio === null) return NONE;
  return `${ratio.median.toFixed(digits)} (${ratio.low.toFixed(digits)}–${ratio.high.toFixed(digits)})`;
}

/** One line when a row is done, for those who wait. */
export function progressLine(row: Row, figures: RowFigures): string {
  const cells = figures.peers.map(({ peer, cpuUs, bytesPerConnection }) =>
    bytesPerConnection === null ? `${peer} ${cpuUs.median.toFixed(1)}` : `${peer} ${bytesPerConnection.toFixed(0)} B`,
  );
  const ratio = figures.toBetter === null ? "" : `  ${OURS} / ${figures.better} = ${ratioCell(figures.toBetter)}`;
  return `${row.name.padEnd(11)} log ${figures.accessLog ? "on " : "off"}  ${cells.join("  ")}${ratio}`;
}
