/** Makes a recording of what the store remembers of a pool: counts by the second, single requests, gauges, events. */
import type { HistoryReader, RequestRow } from "../../../storage/history-store.ts";
import { MAX_CLASSES, OTHER_CLASS } from "../classes.ts";
import { countInFlight } from "../in-flight.ts";
import {
  checkSpan,
  describeSpan,
  MAX_REQUESTS,
  NothingToReplayError,
  type Reading,
  type ReadingWindow,
} from "../reading.ts";
import { RequestsBuilder } from "../requests-builder.ts";
import { nothingKnown, onlyPool } from "./choose-pool.ts";
import { SecondArrivals } from "./second-arrivals.ts";
import { StoreServers } from "./servers.ts";
import { silencesOf } from "./silences.ts";
import { readStates } from "./states.ts";
import { MAX_EVENTS, STRATEGY_EVENTS, strategyThen } from "./strategy.ts";

/** How it is read. */
export interface StoreReadingOptions extends ReadingWindow {
  /** Only of this instance; `null` = of all that share the store. */
  readonly instance: string | null;
  /** What balanced, if somebody knows better than the store. */
  readonly strategy: string | null;
  readonly random: () => number;
  readonly maxRequests?: number;
  readonly onProgress?: (phase: string, rows: number) => void;
}

/** Requests may end so long after the window and still belong to it, or be counted so long after they came. */
const LONGEST_MS = 60_000;
const MINUTE_MS = 60_000;
/** Silences and gaps that are told one by one. */
const TOLD = 3;
/** At the edges counts, which are of ends, and single requests, which are of arrivals, differ by a few. */
const ALL_SHARE = 0.99;
/** A smaller share of single requests says little about the slowest hundredth. */
const THIN_SHARE = 0.02;

/** Throws a `NothingToReplayError` where there is nothing to replay; rejects with a `StoreError` as the reader does. */
export async function readStore(reader: HistoryReader, options: StoreReadingOptions): Promise<Reading> {
  const { sinceMs, untilMs, instance } = options;
  const window = { sinceMs, untilMs, ...(instance !== null && { instance }) };
  const pool = options.pool ?? (await onlyPool(reader, window));
  return new StoreRecording(reader, options, { ...window, pool }).read();
}

interface Window {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly instance?: string;
  readonly pool: string;
}

class StoreRecording {
  readonly #reader: HistoryReader;
  readonly #options: StoreReadingOptions;
  readonly #asked: Window;
  /** What there is of it, in full seconds. */
  #window: Window;
  readonly #servers = new StoreServers();
  readonly #notes: string[] = [];
  #classes: readonly string[] = [];
  #classIndex: ReadonlyMap<string, number> = new Map();
  #rows = 0;

  constructor(reader: HistoryReader, options: StoreReadingOptions, window: Window) {
    this.#reader = reader;
    this.#options = options;
    this.#asked = window;
    this.#window = window;
  }

  async read(): Promise<Reading> {
    const { random, maxRequests = MAX_REQUESTS } = this.#options;
    await this.#survey();
    const { sinceMs, untilMs, pool } = this.#window;
    checkSpan(sinceMs, untilMs, this.#classes.length);
    const { arrivals, total } = await this.#arrivals();
    const builder = new RequestsBuilder(maxRequests, random);
    const stoodFor = await this.#requests(builder);
    const kept = builder.count;
    const complete = builder.thinning === 1 && stoodFor === kept && kept >= total * ALL_SHARE;
    const requests = builder.finish(sinceMs);
    if (complete && requests.inFlight.every((count) => count < 0)) countInFlight(requests, this.#servers.count);
    if (!complete) this.#noteSample(kept, total);
    const absences = await readStates(this.#reader, this.#window, this.#servers);
    if (this.#servers.weightsChanged) this.#notes.push("Weights were changed on the way: those of the end count.");
    await this.#noteGaps();
    return {
      recording: {
        source: `store, pool ${pool}`,
        startMs: sinceMs,
        durationMs: untilMs - sinceMs,
        strategy: await this.#strategy(),
        servers: this.#servers.finish(pool, await this.#reader.servers()),
        classes: this.#classes,
        requests,
        arrivals: complete ? null : arrivals,
        absences,
      },
      notes: this.#notes,
    };
  }

  /** Kinds of requests, servers, and from when to when there are any. */
  async #survey(): Promise<void> {
    const counts = new Map<string, number>();
    let sinceMs = Number.POSITIVE_INFINITY;
    let untilMs = Number.NEGATIVE_INFINITY;
    for await (const page of this.#reader.metrics({ ...this.#asked, resolution: "second" })) {
      for (const row of page) {
        counts.set(row.route, (counts.get(row.route) ?? 0) + row.requests);
        const secondMs = floorToSecond(row.atMs);
        sinceMs = Math.min(sinceMs, secondMs);
        untilMs = Math.max(untilMs, secondMs + 1000);
        this.#servers.indexOf(row);
      }
      this.#progress("reading counts", page.length);
    }
    if (counts.size === 0) throw await nothingKnown(this.#reader, this.#asked, this.#asked.pool);
    const routes = [...counts]
      .sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1))
      .map(([name]) => name);
    this.#classes = routes.length <= MAX_CLASSES ? routes : [...routes.slice(0, MAX_CLASSES - 1), OTHER_CLASS];
    this.#classIndex = new Map(this.#classes.map((name, index) => [name, index]));
    sinceMs = await this.#beginning(sinceMs);
    this.#window = { ...this.#asked, sinceMs, untilMs };
    if (this.#asked.sinceMs < sinceMs - MINUTE_MS || this.#asked.untilMs > untilMs + MINUTE_MS) {
      this.#notes.push(`Requests are known ${describeSpan(sinceMs, untilMs)} only.`);
    }
  }

  /**
   * Where the recording begins. What ended before a recorder's first second counts to that, so that of the beginning of a run the
   * single requests know more than the counts.
   * @param countedMs the first second with counts.
   */
  async #beginning(countedMs: number): Promise<number> {
    const sinceMs = Math.max(Math.ceil(this.#asked.sinceMs / 1000) * 1000, countedMs - LONGEST_MS);
    if (sinceMs >= countedMs) return countedMs;
    let firstMs = countedMs;
    for await (const page of this.#reader.requests({ ...this.#asked, sinceMs, untilMs: countedMs })) {
      for (const { atMs, durationMs } of page) {
        if (atMs + durationMs < countedMs) firstMs = Math.min(firstMs, atMs);
      }
      this.#progress("reading requests", page.length);
    }
    return floorToSecond(firstMs);
  }

  /** Exact counts by second and kind. */
  async #arrivals(): Promise<{ arrivals: Float64Array; total: number }> {
    const { sinceMs, untilMs } = this.#window;
    const seconds = (untilMs - sinceMs) / 1000;
    const arrivals = new SecondArrivals(sinceMs, seconds, this.#classes.length);
    const busy = new Uint8Array(seconds);
    let total = 0;
    const query = { ...this.#window, untilMs: untilMs + LONGEST_MS, resolution: "second" } as const;
    for await (const page of this.#reader.metrics(query)) {
      for (const row of page) {
        arrivals.add(row, this.#classOf(row.route));
        if (row.atMs >= untilMs) continue;
        busy[Math.floor((row.atMs - sinceMs) / 1000)] = 1;
        total += row.requests;
      }
      this.#progress("reading arrivals", page.length);
    }
    const silences = silencesOf(busy, sinceMs);
    for (const [from, to] of silences.slice(0, TOLD)) this.#notes.push(`Nothing is known ${describeSpan(from, to)}.`);
    if (silences.length > TOLD) {
      this.#notes.push(`There are ${silences.length - TOLD} more silences of a minute or longer.`);
    }
    return { arrivals: arrivals.finish(), total };
  }

  /** Single ones. @returns how many they stand for. */
  async #requests(builder: RequestsBuilder): Promise<number> {
    let stoodFor = 0;
    for await (const page of this.#reader.requests(this.#window)) {
      for (const row of page) {
        stoodFor += row.weight;
        builder.add({
          atMs: row.atMs,
          server: this.#servers.indexOf(row),
          class: this.#classOf(row.route),
          latencyMs: latencyOf(row),
          waitMs: waitOf(row),
          failed: isFailed(row),
          inFlight: row.inFlight,
          weight: row.weight,
        });
      }
      this.#progress("reading requests", page.length);
    }
    if (builder.count > 0) return stoodFor;
    throw new NothingToReplayError(
      "requests were counted, but no single ones were kept: REQUEST_LOG_MAX_ROWS_PER_SECOND says how many are",
    );
  }

  async #strategy(): Promise<string | null> {
    if (this.#options.strategy !== null) return this.#options.strategy;
    const { sinceMs, untilMs, pool, instance } = this.#window;
    const events = await this.#reader.events({
      sinceMs: 0,
      untilMs,
      ...(instance !== undefined && { instance }),
      kinds: STRATEGY_EVENTS,
      limit: MAX_EVENTS,
    });
    const { name, note } = strategyThen(events, pool, sinceMs, untilMs);
    if (note !== null) this.#notes.push(note);
    return name;
  }

  #noteSample(kept: number, total: number): void {
    if (kept >= total * THIN_SHARE) return;
    this.#notes.push(
      `Only ${kept} of ${total} requests were kept as single ones, which is little to know the slowest hundredth by: ` +
        "a higher REQUEST_LOG_MAX_ROWS_PER_SECOND keeps more.",
    );
  }

  /** Requests that the recorder knows to be missing: of the whole instance. */
  async #noteGaps(): Promise<void> {
    const { pool: _, ...window } = this.#window;
    const gaps = await this.#reader.events({ ...window, kinds: ["gap"], limit: TOLD });
    for (const { message } of gaps.toReversed()) this.#notes.push(/[.!?]$/.test(message) ? message : `${message}.`);
  }

  #classOf(route: string): number {
    return this.#classIndex.get(route) ?? this.#classes.length - 1;
  }

  #progress(phase: string, rows: number): void {
    this.#rows += rows;
    this.#options.onProgress?.(phase, this.#rows);
  }
}

/** Rows of a second need not stand at its beginning. */
function floorToSecond(ms: number): number {
  return ms - (ms % 1000);
}

/** To the response head; where none came, all the time that was not spent in the queue. */
function latencyOf({ server, headMs, durationMs, waitMs }: RequestRow): number {
  if (server === "") return 0;
  return Number.isNaN(headMs) ? Math.max(0, durationMs - waitMs) : headMs;
}

/** Everything before the last attempt was sent: of a request that was sent elsewhere first, that too. */
function waitOf({ headMs, durationMs, waitMs, attempts }: RequestRow): number {
  return attempts > 1 && !Number.isNaN(headMs) ? Math.max(waitMs, durationMs - headMs) : waitMs;
}

/** Errors of 5xx, and responses that broke off; what clients do wrong has a status of 4xx. */
function isFailed({ status, error }: RequestRow): boolean {
  return status >= 500 || (error !== "" && status < 400);
}
