/**
 * The last hour in points of five seconds: what charts begin with, also where no history is kept. A series is a row of 32-bit
 * floats that is written in a ring: 2.9 KB, so a server takes some 17 KB and the 512 that there may be 9 MB.
 */
import type { LiveRecent, LiveSeries, ServerSeries, TrafficSeries } from "../../shared/live/recent.ts";
import type { Work } from "../../telemetry/metrics/exposition.ts";
import { rounded } from "./quantiles.ts";
import type { Traffic, TrafficFigures } from "./traffic.ts";

/** So long is a step, seconds. */
export const STEP_SECONDS = 5;
/** Steps of an hour. */
const POINTS = 3_600 / STEP_SECONDS;

const TRAFFIC = [
  "rps",
  "s5xx",
  "failures",
  "p50",
  "p99",
  "in_flight",
] as const satisfies readonly (keyof TrafficSeries)[];
const TOTALS = [...TRAFFIC, "queued"] as const;
const SERVER = ["rps", "p50", "p99", "in_flight", "errors", "cpu"] as const satisfies readonly (keyof ServerSeries)[];

type Columns<Name extends string> = Readonly<Record<Name, Float32Array>>;

/** One instance's. */
export class LivePoints {
  /** Of the wall clock, milliseconds. */
  readonly #at = new Float64Array(POINTS);
  readonly #totals = columns(TOTALS);
  readonly #pools = new Map<string, Columns<(typeof TRAFFIC)[number]>>();
  readonly #servers = new Map<number, Columns<(typeof SERVER)[number]>>();
  #written = 0;

  /**
   * One more step has ended. What is no more is forgotten: pools and servers are those of `traffic`.
   * @param cpuOf percent, NaN = not known.
   */
  add(atMs: number, traffic: Traffic, queued: number, cpuOf: (slot: number) => number): void {
    const at = this.#written++ % POINTS;
    this.#at[at] = atMs;
    write(this.#totals, at, { ...shown(traffic.totals), queued });
    for (const [name, figures] of traffic.pools) write(ringOf(this.#pools, name, TRAFFIC), at, shown(figures));
    for (const [id, figures] of traffic.servers) {
      const { rps, p50, p99, errors, inFlight, slot } = figures;
      write(ringOf(this.#servers, id, SERVER), at, { rps, p50, p99, errors, in_flight: inFlight, cpu: cpuOf(slot) });
    }
    forgetOthers(this.#pools, traffic.pools);
    forgetOthers(this.#servers, traffic.servers);
  }

  /** In pieces: with many servers it is long. @param servers ids of those that are wanted; `null` = all. */
  *recent(servers: readonly number[] | null): Work<Omit<LiveRecent, "topology">> {
    const pools: Record<string, TrafficSeries> = {};
    for (const [name, rows] of this.#pools) {
      pools[name] = this.#series(rows);
      yield;
    }
    const byServer: Record<string, ServerSeries> = {};
    for (const [id, rows] of this.#servers) {
      if (servers !== null && !servers.includes(id)) continue;
      byServer[id] = this.#series(rows);
      yield;
    }
    const at = this.#inOrder(this.#at).map((ms) => ms ?? 0);
    return { step_s: STEP_SECONDS, at, totals: this.#series(this.#totals), pools, servers: byServer };
  }

  get servers(): number {
    return this.#servers.size;
  }

  #series<Name extends string>(rows: Columns<Name>): Record<Name, LiveSeries> {
    const series = Object.entries<Float32Array>(rows).map(([name, row]) => [name, this.#inOrder(row)] as const);
    return Object.fromEntries<LiveSeries>(series) as Record<Name, LiveSeries>;
  }

  /** The oldest first. */
  #inOrder(row: Float32Array | Float64Array): (number | null)[] {
    const count = Math.min(this.#written, POINTS);
    const exact = row instanceof Float64Array;
    return Array.from({ length: count }, (_, i) => {
      const value = row[(this.#written - count + i) % POINTS];
      return Number.isNaN(value) ? null : exact ? value : rounded(value);
    });
  }
}

function shown({ rps, s5xx, failures, p50, p99, inFlight }: TrafficFigures) {
  return { rps, s5xx, failures, p50, p99, in_flight: inFlight };
}

function columns<Name extends string>(names: readonly Name[]): Columns<Name> {
  // Nothing is known of the time before.
  const made = names.map((name) => [name, new Float32Array(POINTS).fill(Number.NaN)] as const);
  return Object.fromEntries(made) as Record<Name, Float32Array>;
}

function write<Name extends string>(
  rows: Columns<Name>,
  at: number,
  values: Readonly<Record<Name, number | null>>,
): void {
  for (const name of Object.keys(rows) as Name[]) rows[name][at] = values[name] ?? Number.NaN;
}

function ringOf<Key, Name extends string>(
  rings: Map<Key, Columns<Name>>,
  key: Key,
  names: readonly Name[],
): Columns<Name> {
  const known = rings.get(key);
  if (known !== undefined) return known;
  const ring = columns(names);
  rings.set(key, ring);
  return ring;
}

function forgetOthers<Key>(rings: Map<Key, unknown>, there: ReadonlyMap<Key, unknown>): void {
  if (rings.size === there.size) return;
  for (const key of rings.keys()) if (!there.has(key)) rings.delete(key);
}
