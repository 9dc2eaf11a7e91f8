/** Makes a recording of what the store remembers of a pool: counts by the second, single requests, gauges, events. */
import type { GaugeRow, HistoryReader, MetricRow, RequestRow } from "../../../storage/history-store.ts";
import { Absences } from "../absences.ts";
import { MAX_CLASSES, OTHER_CLASS } from "../classes.ts";
import { countInFlight } from "../in-flight.ts";
import {
  checkSpan,
  describeSpan,
  MAX_REQUESTS,
  MAX_SERVERS,
  NothingToReplayError,
  type Reading,
  type ReadingWindow,
} from "../reading.ts";
import { RequestsBuilder } from "../requests-builder.ts";
import { SecondArrivals } from "./second-arrivals.ts";
import { STRATEGY_EVENTS, strategyThen } from "./strategy.ts";

/** How it is read. */
export interface StoreReadingOptions extends ReadingWindow {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Only of this instance; `null` = of all that share the store. */
  readonly instance: string | null;
  /** What balanced, if somebody knows better than the store. */
  readonly strategy: string | null;
  readonly random: () => number;
  readonly maxRequests?: number;
  readonly onProgress?: (phase: string, rows: number) => void;
}

/** Requests may end so long after the window and still belong to it. */
const LONGEST_MS = 60_000;
/** Gauges are noted every ten seconds: so far back one says how a server was at the beginning. */
const GAUGE_LOOK_BACK_MS = 60_000;
const MAX_EVENTS = 10_000;
/** A silence of this many seconds is told. */
const SILENCE_SECONDS = 60;
/** Fewer single requests than this for every thousand say little about the slowest hundredth. */
const THIN_SHARE = 0.02;

/** Throws a `NothingToReplayError` where there is nothing to replay; rejects with a `StoreError` as the reader does. */
export async function readStore(reader: HistoryReader, options: StoreReadingOptions): Promise<Reading> {
  return new StoreRecording(reader, options).read();
}

interface Server {
  readonly server: string;
  readonly address: string;
  weight: number | null;
}

class StoreRecording {
  readonly #reader: HistoryReader;
  readonly #options: StoreReadingOptions;
  readonly #servers: Server[] = [];
  readonly #serverIndex = new Map<string, number>();
  readonly #notes: string[] = [];
  #rows = 0;

  constructor(reader: HistoryReader, options: StoreReadingOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  async read(): Promise<Reading> {
    const { sinceMs, untilMs, random, maxRequests = MAX_REQUESTS } = this.#options;
    const pool = await this.#choosePool();
    const window = { ...this.#window(), pool };
    const { routes, fromMs, toMs } = await this.#routes(window);
    checkSpan(fromMs, toMs, routes.length);
    const seconds = (toMs - fromMs) / 1000;
    const { arrivals, total, silences } = await this.#arrivals(window, routes, fromMs, seconds);
    const builder = new RequestsBuilder(maxRequests, random);
    const { weights } = await this.#requests(window, routes, builder, fromMs, toMs);
    const kept = builder.count;
    const complete = builder.thinning === 1 && weights === kept && kept >= total;
    const requests = builder.finish(fromMs);
    if (complete && requests.inFlight.every((count) => count < 0)) countInFlight(requests, this.#servers.length);
    const absences = await this.#absences(pool, fromMs, toMs);
    const strategy = await this.#strategy(pool, fromMs, toMs);
    const capacities = await this.#capacities(pool);
    this.#tell(total, kept, complete, silences, fromMs, toMs);
    if (sinceMs < fromMs - 60_000 || untilMs > toMs + 60_000) {
      this.#notes.push(`Requests are known ${describeSpan(fromMs, toMs)} only.`);
    }
    return {
      recording: {
        source: `store, pool ${pool}`,
        startMs: fromMs,
        durationMs: toMs - fromMs,
        strategy,
        servers: this.#servers.map((one) => ({
          name: nameOf(one),
          weight: one.weight ?? 1,
          capacity: capacities.get(one.server) ?? null,
        })),
        classes: routes,
        requests,
        arrivals: complete ? null : arrivals,
        absences,
      },
      notes: this.#notes,
    };
  }

  #window() {
    const { sinceMs, untilMs, instance } = this.#options;
    return { sinceMs, untilMs, ...(instance !== null && { instance }) };
  }

  /** The one that was asked for, or the only one with requests. */
  async #choosePool(): Promise<string> {
    const { pool } = this.#options;
    if (pool !== null) return pool;
    const counts = new Map<string, number>();
    for await (const page of this.#reader.metrics({ ...this.#window(), resolution: "minute" })) {
      for (const row of page) {
        if (row.server !== "") counts.set(row.pool, (counts.get(row.pool) ?? 0) + row.requests);
      }
    }
    if (counts.size === 1) return [...counts.keys()][0];
    if (counts.size === 0) throw await this.#nothing("");
    const counted = [...counts].sort().map(([name, count]) => `${name} (${count})`);
    throw new NothingToReplayError(
      `there are requests of ${counts.size} pools: ${counted.join(", ")}; --pool says which one to replay`,
    );
  }

  /** Why there is nothing, as well as that is known. */
  async #nothing(of: string): Promise<NothingToReplayError> {
    const { sinceMs, untilMs } = this.#options;
    const asked = describeSpan(sinceMs, untilMs);
    const seconds = await this.#reader.span("second");
    const minutes = await this.#reader.span("minute");
    if (seconds.oldestMs === null || seconds.newestMs === null) {
      if (minutes.oldestMs !== null) {
        return new NothingToReplayError(
          "counts by the second are gone already, and replay needs them: HISTORY_DETAIL_HOURS says how long they are kept",
        );
      }
      return new NothingToReplayError("the store remembers no requests at all: is HISTORY=on, and was there traffic?");
    }
    const known = describeSpan(seconds.oldestMs, seconds.newestMs + 1000);
    return new NothingToReplayError(
      `there are no counts by the second${of} ${asked}; the store has them ${known} (HISTORY_DETAIL_HOURS says how long)`,
    );
  }

  /** Kinds of requests, and from when to when there are any, in full seconds. */
  async #routes(window: Window): Promise<{ routes: string[]; fromMs: number; toMs: number }> {
    const counts = new Map<string, number>();
    let fromMs = Number.POSITIVE_INFINITY;
    let toMs = Number.NEGATIVE_INFINITY;
    for await (const page of this.#reader.metrics({ ...window, resolution: "second" })) {
      for (const row of page) {
        counts.set(row.route, (counts.get(row.route) ?? 0) + row.requests);
        fromMs = Math.min(fromMs, row.atMs);
        toMs = Math.max(toMs, row.atMs + 1000);
        if (row.server !== "") this.#indexOf(row);
      }
      this.#progress("reading counts", page.length);
    }
    if (counts.size === 0) throw await this.#nothing(` of the pool ${window.pool}`);
    const all = [...counts].sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1)).map(([name]) => name);
    const routes = all.length <= MAX_CLASSES ? all : [...all.slice(0, MAX_CLASSES - 1), OTHER_CLASS];
    return { routes, fromMs, toMs };
  }

  async #arrivals(window: Window, routes: readonly string[], fromMs: number, seconds: number) {
    const arrivals = new SecondArrivals(fromMs, seconds, routes.length);
    const kinds = new Map(routes.map((name, index) => [name, index]));
    const busy = new Uint8Array(seconds);
    let total = 0;
    const later = { ...window, sinceMs: fromMs, untilMs: fromMs + seconds * 1000 + LONGEST_MS };
    for await (const page of this.#reader.metrics({ ...later, resolution: "second" })) {
      for (const row of page) {
        arrivals.add(row, kinds.get(row.route) ?? routes.length - 1);
        const second = Math.floor((row.atMs - fromMs) / 1000);
        if (second >= seconds) continue;
        busy[second] = 1;
        total += row.requests;
      }
      this.#progress("reading arrivals", page.length);
    }
    return { arrivals: arrivals.finish(), total, silences: silencesOf(busy, fromMs) };
  }

  async #requests(window: Window, routes: readonly string[], builder: RequestsBuilder, fromMs: number, toMs: number) {
    const kinds = new Map(routes.map((name, index) => [name, index]));
    let weights = 0;
    for await (const page of this.#reader.requests({ ...window, sinceMs: fromMs, untilMs: toMs })) {
      for (const row of page) {
        weights += row.weight;
        builder.add({
          atMs: row.atMs,
          server: row.server === "" ? -1 : this.#indexOf(row),
          class: kinds.get(row.route) ?? routes.length - 1,
          latencyMs: row.server === "" ? 0 : latencyOf(row),
          waitMs: row.waitMs,
          failed: isFailed(row),
          inFlight: row.inFlight,
          weight: row.weight,
        });
      }
      this.#progress("reading requests", page.length);
    }
    if (builder.count === 0) {
      throw new NothingToReplayError(
        "requests were counted, but no single ones were kept: REQUEST_LOG_MAX_ROWS_PER_SECOND says how many are",
      );
    }
    return { weights };
  }

  /** By gauges, and by events, which know the moment. */
  async #absences(pool: string, fromMs: number, toMs: number) {
    const absences = new Absences(fromMs, toMs - fromMs);
    const window = { ...this.#window(), pool, untilMs: toMs };
    const events = await this.#reader.events({
      ...window,
      sinceMs: fromMs,
      kinds: ["health", "ejection", "gap"],
      limit: MAX_EVENTS,
    });
    const changes = events.flatMap((event) => {
      const to = stateIn(event.detail);
      const server = this.#serverIndex.get(keyOf(event));
      return to === null || server === undefined ? [] : [{ atMs: event.atMs, server, there: to === "up" }];
    });
    changes.reverse();
    let next = 0;
    const catchUp = (ms: number) => {
      while (next < changes.length && changes[next].atMs <= ms) {
        const { server, there, atMs } = changes[next++];
        absences.observe(server, there, atMs);
      }
    };
    for await (const page of this.#reader.gauges({ ...window, sinceMs: fromMs - GAUGE_LOOK_BACK_MS })) {
      for (const gauge of page) {
        catchUp(gauge.atMs);
        const server = this.#noteWeight(gauge);
        if (server !== undefined) absences.observe(server, gauge.state === "up", gauge.atMs);
      }
    }
    catchUp(Number.POSITIVE_INFINITY);
    for (const { kind, message } of events) if (kind === "gap") this.#notes.push(sentence(message));
    return absences.finish();
  }

  #noteWeight(gauge: GaugeRow): number | undefined {
    const index = this.#serverIndex.get(keyOf(gauge));
    if (index === undefined) return undefined;
    const server = this.#servers[index];
    if (server.weight !== null && server.weight !== gauge.weight) {
      this.#noteOnce(`Weights were changed on the way: those of the end count.`);
    }
    server.weight = gauge.weight;
    return index;
  }

  async #strategy(pool: string, fromMs: number, toMs: number): Promise<string | null> {
    if (this.#options.strategy !== null) return this.#options.strategy;
    const events = await this.#reader.events({
      ...this.#window(),
      sinceMs: 0,
      untilMs: toMs,
      kinds: STRATEGY_EVENTS,
      limit: MAX_EVENTS,
    });
    const { name, note } = strategyThen(events, pool, fromMs, toMs);
    if (note !== null) this.#notes.push(note);
    return name;
  }

  async #capacities(pool: string): Promise<Map<string, number>> {
    const rows = await this.#reader.servers();
    return new Map(
      rows.flatMap((row) => {
        const capacity = row.capacity ?? row.configuredCapacity;
        return row.pool === pool && capacity > 0 ? [[`${row.host}:${row.port}`, capacity] as const] : [];
      }),
    );
  }

  #tell(
    total: number,
    kept: number,
    complete: boolean,
    silences: readonly [number, number][],
    fromMs: number,
    toMs: number,
  ) {
    if (!complete) {
      const share = ((kept / total) * 100).toFixed(kept / total < 0.1 ? 1 : 0);
      this.#notes.push(
        `Of ${total} requests ${kept} were kept as single ones (${share} %): their arrivals are exact by the second, the rest is drawn.`,
      );
      if (kept / total < THIN_SHARE) {
        this.#notes.push("That is few for the slowest hundredth: a higher REQUEST_LOG_MAX_ROWS_PER_SECOND keeps more.");
      }
    }
    for (const [from, to] of silences.slice(0, 3)) this.#notes.push(`Nothing is known ${describeSpan(from, to)}.`);
    if (silences.length > 3) this.#notes.push(`And ${silences.length - 3} more times nothing for a minute or longer.`);
    if (toMs - fromMs < 60_000) this.#notes.push("That is less than a minute of traffic.");
  }

  #noteOnce(note: string): void {
    if (!this.#notes.includes(note)) this.#notes.push(note);
  }

  #indexOf(row: MetricRow | RequestRow): number {
    const key = keyOf(row);
    const known = this.#serverIndex.get(key);
    if (known !== undefined) return known;
    const index = this.#servers.length;
    if (index >= MAX_SERVERS) throw new NothingToReplayError(`the pool has more than ${MAX_SERVERS} servers`);
    this.#servers.push({ server: row.server, address: row.address, weight: null });
    this.#serverIndex.set(key, index);
    return index;
  }

  #progress(phase: string, rows: number): void {
    this.#rows += rows;
    this.#options.onProgress?.(phase, this.#rows);
  }
}

interface Window {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly pool: string;
}

function keyOf({ server, address }: { readonly server: string; readonly address: string }): string {
  return `${server} ${address}`;
}

function nameOf({ server, address }: Server): string {
  return address === "" ? server : `${server} (${address})`;
}

/** To the response head; where none came, all the time that was not spent in the queue. */
function latencyOf({ headMs, durationMs, waitMs }: RequestRow): number {
  return Number.isNaN(headMs) ? Math.max(0, durationMs - waitMs) : headMs;
}

/** Errors of 5xx, and responses that broke off; what clients do wrong has a status of 4xx. */
function isFailed({ status, error }: RequestRow): boolean {
  return status >= 500 || (error !== "" && status < 400);
}

/** Which state an event says a server went to. */
function stateIn(detail: unknown): string | null {
  if (typeof detail !== "object" || detail === null) return null;
  const { to } = detail as { to?: unknown };
  return typeof to === "string" ? to : null;
}

/** Runs of seconds without any request, long enough to be told. */
function silencesOf(busy: Uint8Array, fromMs: number): [number, number][] {
  const found: [number, number][] = [];
  let begun = -1;
  for (let second = 0; second <= busy.length; second++) {
    if (second < busy.length && busy[second] === 0) {
      if (begun < 0) begun = second;
      continue;
    }
    if (begun >= 0 && second - begun >= SILENCE_SECONDS) found.push([fromMs + begun * 1000, fromMs + second * 1000]);
    begun = -1;
  }
  return found;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
