/** What charts draw without a store: each second of the last five minutes, and every fifth of the last hour. */
import type { LiveFrame, LiveTraffic } from "../../../shared/live/frame.ts";
import type { LiveRecent, LiveSeries } from "../../../shared/live/recent.ts";
import { type Points, SeriesTable } from "./series-table.ts";

/** Names of series begin with what they are of. */
export const TOTAL = "total";
const COARSE_MS = 5_000;
const FINE_MS = 1_000;
/** How far back each knows. */
export const FINE_SPAN_MS = 5 * 60_000;
/** Of the coarse ones. */
export const COARSE_SPAN_MS = 60 * 60_000;

/** `pool:shop`, `server:7`: what `seriesName` takes. */
export function ofPool(name: string): string {
  return `pool:${name}`;
}

/** Of a server, by its id. */
export function ofServer(id: number): string {
  return `server:${id}`;
}

/** `server:7.p99`. */
export function seriesName(of: string, what: string): string {
  return `${of}.${what}`;
}

const TRAFFIC = ["rps", "s5xx", "p50", "p99"] as const;
const OF_SERVER = ["rps", "p50", "p99", "in_flight", "errors", "cpu"] as const;

export class Recent {
  readonly #fine = new SeriesTable(FINE_SPAN_MS / FINE_MS + 10);
  readonly #coarse = new SeriesTable(COARSE_SPAN_MS / COARSE_MS + 10);

  /** The last hour as the instance remembers it; replaces what is there. */
  fill({ at, totals, pools, servers }: LiveRecent): void {
    const last = at.at(-1) ?? 0;
    const of: [string, Readonly<Record<string, LiveSeries>>][] = [
      [TOTAL, totals as unknown as Readonly<Record<string, LiveSeries>>],
      ...Object.entries(pools).map(([name, series]): [string, never] => [ofPool(name), series as never]),
      ...Object.entries(servers).map(([id, series]): [string, never] => [ofServer(Number(id)), series as never]),
    ];
    for (const [table, sinceMs] of [
      [this.#coarse, last - COARSE_SPAN_MS],
      [this.#fine, last - FINE_SPAN_MS],
    ] as const) {
      table.clear();
      for (let i = 0; i < at.length; i++) {
        if (at[i] <= sinceMs || !table.begin(at[i])) continue;
        for (const [name, series] of of) {
          for (const what of Object.keys(series)) table.set(seriesName(name, what), series[what][i] ?? null);
        }
      }
    }
  }

  /** One more second. */
  add(frame: LiveFrame): void {
    if (this.#fine.begin(frame.at)) addTo(this.#fine, frame);
    if (frame.at - this.#coarse.lastAt >= COARSE_MS && this.#coarse.begin(frame.at)) addTo(this.#coarse, frame);
  }

  /** Forgets servers and pools that have gone. */
  keepOnly(of: ReadonlySet<string>): void {
    const isWanted = (name: string) => name.startsWith(`${TOTAL}.`) || of.has(name.slice(0, name.lastIndexOf(".")));
    this.#fine.keepOnly(isWanted);
    this.#coarse.keepOnly(isWanted);
  }

  /** The last `spanMs` before `endMs`. */
  read(names: readonly string[], endMs: number, spanMs: number): Points {
    return (spanMs <= FINE_SPAN_MS ? this.#fine : this.#coarse).read(names, endMs - spanMs);
  }
}

function addTo(table: SeriesTable, { totals, pools, servers }: LiveFrame): void {
  addTraffic(table, TOTAL, totals);
  table.set(seriesName(TOTAL, "failures"), totals.failures);
  table.set(seriesName(TOTAL, "in_flight"), totals.in_flight);
  table.set(seriesName(TOTAL, "queued"), totals.queued);
  for (const pool of pools) {
    addTraffic(table, ofPool(pool.name), pool);
    table.set(seriesName(ofPool(pool.name), "failures"), pool.failures);
    table.set(seriesName(ofPool(pool.name), "in_flight"), pool.in_flight);
  }
  for (const server of servers) {
    for (const what of OF_SERVER) table.set(seriesName(ofServer(server.id), what), server[what]);
  }
}

function addTraffic(table: SeriesTable, of: string, traffic: LiveTraffic): void {
  for (const what of TRAFFIC) table.set(seriesName(of, what), traffic[what]);
}
