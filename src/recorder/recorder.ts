/** What the recorder does, step by step, on clocks and with a store that it is given. */
import type { RecordedNames } from "../protocol/recorded-names.ts";
import type { RecorderSettings } from "../protocol/recorder.ts";
import { RecorderCounter, RequestWord } from "../shared/memory/layout/history.ts";
import type { SharedMemory } from "../shared/memory/layout/shared-memory.ts";
import type { Row } from "../shared/memory/ring.ts";
import type { EventRow, HistoryStore } from "../storage/history-store.ts";
import { StoreError } from "../storage/store-error.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import { RecordFeed, type RecordTaker } from "./feed.ts";
import { Gaps } from "./gaps.ts";
import { readGauges } from "./gauges.ts";
import { HandOver } from "./hand-over.ts";
import { KnownServers, type TellServers } from "./known-servers.ts";
import { Names } from "./names.ts";
import { Predecessor } from "./predecessor.ts";
import { beginning, type Position, Progress } from "./progress.ts";
import { Chooser } from "./sampling/choose.ts";
import { Distinct } from "./sampling/distinct.ts";
import { SlowThreshold } from "./sampling/slow-threshold.ts";
import { wish } from "./sampling/wishes.ts";
import { isNamed, metricRows, requestRow } from "./seconds/rows.ts";
import { MAX_CELLS, Second } from "./seconds/second.ts";
import { StoreCounters } from "./store-counters.ts";
import { Timeline } from "./timeline.ts";

/** A second is closed when it ended so long ago, milliseconds: what comes later counts to a later one. */
const CLOSE_AFTER_MS = 1_500;
/** One with names that nobody has told waits so much longer for them. */
const NAMES_AFTER_MS = 5_000;
const GAUGES_MS = 10_000;
const SERVERS_MS = 30_000;
/** The store's newest second may be so much later than the present one before the clock is taken to have been set back. */
const AHEAD_MS = 2_000;
/** Chosen by chance, turns are at most so many: the clock may still be set back after that. */
const MOST_CHANCE_TURNS = 500;

/** What it works with. */
export interface RecorderOptions {
  readonly memory: SharedMemory;
  readonly names: RecordedNames;
  /** Whose rows these are. */
  readonly instance: string;
  readonly settings: Pick<RecorderSettings, "maxRequestRowsPerSecond" | "slowRequestMs">;
  readonly log: Logger;
  /** The boot clock (boot-clock.ts). */
  readonly bootMs: () => number;
  /** What, added to it, gives milliseconds since the epoch at present. */
  readonly wallOffsetMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly tell: TellServers;
  /** Tells the supervisor up to which one the store has its events. */
  readonly kept: (number: number) => void;
}

export class Recorder implements RecordTaker {
  readonly #options: RecorderOptions;
  readonly #names: Names;
  readonly #progress: Progress;
  readonly #predecessor: Predecessor;
  readonly #feed: RecordFeed;
  readonly #timeline: Timeline;
  readonly #handOver: HandOver;
  readonly #storeCounters: StoreCounters;
  readonly #gaps = new Gaps();
  readonly #chooser: Chooser;
  readonly #distinct = new Distinct();
  readonly #slow = new SlowThreshold();
  readonly #open = new Map<number, Second>();
  /** How far the rings were read for the closed seconds. */
  readonly #position: Position;
  /** The first second of this run; `null` = its beginning is written, or may be. */
  readonly #beganMs: number | null;
  #store: HistoryStore | null = null;
  #servers: KnownServers | null = null;
  #gaugesDueMs = 0;
  #serversDueMs = 0;
  #hasOverflowed = false;

  constructor(options: RecorderOptions) {
    const { memory, names, settings, bootMs, wallOffsetMs } = options;
    const { recorder } = memory;
    this.#options = options;
    this.#names = new Names(names);
    this.#progress = new Progress(recorder);
    this.#predecessor = new Predecessor(this.#progress, recorder);
    const isNewRun = this.#progress.certain === null;
    if (isNewRun) {
      // What ended within this second, and before the process began, counts to the next one: the run before may have written this.
      this.#progress.intend(beginning(Math.floor((bootMs() + wallOffsetMs()) / 1000)));
      this.#progress.confirm();
    }
    const from = this.#progress.certain as Position;
    this.#position = from;
    this.#beganMs = isNewRun ? (from.second + 1) * 1000 : null;
    this.#feed = new RecordFeed(memory, { ...from, requests: from.requests.slice(), details: from.details.slice() });
    this.#timeline = new Timeline(from.second, from.clockTurns);
    this.#handOver = new HandOver(this.#progress, options.kept);
    this.#storeCounters = new StoreCounters(recorder.counters);
    this.#chooser = new Chooser(settings.maxRequestRowsPerSecond);
    this.#wish([0, 0, 0]);
  }

  // ── what it is told ──────────────────────────────────────────────────────────────────────────────────────────────

  /** There is a store now: what waits is handed to it. */
  async open(store: HistoryStore): Promise<void> {
    const { log, tell } = this.#options;
    const turns = await this.#turnsBefore(store);
    const written = await this.#writtenBefore(store);
    const unsureUpTo = this.#predecessor.unsure?.last ?? Number.NEGATIVE_INFINITY;
    this.#handOver.open(store, this.#tellApart(turns), written, unsureUpTo);
    this.#store = store;
    this.#servers = new KnownServers({ store, log, tell });
    this.#lookAtServers();
  }

  /** Servers, pools or routes came or went. */
  setNames(names: RecordedNames): void {
    this.#names.update(names);
    this.#lookAtServers();
  }

  /** Something happened. @param number of the last of these events. */
  takeEvents(events: readonly EventRow[], number: number): void {
    this.#handOver.takeEvents(events, number);
  }

  // ── what it does ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Reads what is new, and hands over what is complete. */
  step(): void {
    this.#read();
    this.#closeDue();
    const bootMs = this.#options.bootMs();
    if (this.#store !== null && bootMs >= this.#gaugesDueMs) {
      this.#gaugesDueMs = bootMs + GAUGES_MS;
      this.#handOver.takeGauges(readGauges(this.#options.memory, this.#names, Math.floor(this.#wallMs())));
    }
    if (bootMs >= this.#serversDueMs) this.#lookAtServers();
    this.#handOver.step(bootMs);
    this.#storeCounters.show(this.#store?.status() ?? null, this.#handOver.dropped, this.#handOver.waiting);
  }

  /** Hands over all there is, and waits until it is written. */
  async finish(): Promise<void> {
    this.#read();
    this.#closeUpTo(Number.POSITIVE_INFINITY);
    const gap = this.#gaps.end();
    if (gap !== null) this.#handOver.takeEvents([gap]);
    this.#options.memory.recorder.wishes.fill(0); // nobody reads details any more
    await this.#handOver.finish();
    this.#storeCounters.show(this.#store?.status() ?? null, this.#handOver.dropped, this.#handOver.waiting);
  }

  request(row: Row, worker: number, number: number): void {
    const offsetMs = this.#predecessor.offsetMs(worker, number, this.#timeline.offsetMs);
    const wallMs = row.figures[RequestWord.TIME >> 1] + offsetMs;
    const least = this.#predecessor.least("requests", worker, number);
    const most = this.#predecessor.most("requests", worker, number);
    this.#second(this.#timeline.ofRequest(wallMs, worker, least, most)).add(row, worker, number);
  }

  detail(row: Row, worker: number, number: number): void {
    const wallMs = row.figures[RequestWord.TIME >> 1] + this.#timeline.offsetMs;
    const least = this.#predecessor.least("details", worker, number);
    const most = this.#predecessor.most("details", worker, number);
    this.#second(this.#timeline.ofDetail(wallMs, worker, least, most)).addDetail(row, worker, number, wallMs);
  }

  #read(): void {
    const { bootMs, wallOffsetMs, memory } = this.#options;
    if (this.#timeline.update(bootMs(), wallOffsetMs())) this.#turn();
    this.#progress.wallOffsetMs = this.#timeline.offsetMs;
    const lost = this.#feed.drain(this);
    const gap = this.#gaps.note(lost, this.#wallMs());
    if (gap === null) return;
    this.#options.log.warn({ requests: memory.recorder.counters[RecorderCounter.REQUESTS_LOST] }, gap.message);
    this.#handOver.takeEvents([gap]);
  }

  #second(number: number): Second {
    let second = this.#open.get(number);
    if (second === undefined) {
      const { settings, random } = this.#options;
      second = new Second(number, settings.maxRequestRowsPerSecond, random);
      this.#open.set(number, second);
    }
    return second;
  }

  /** The clock was set back: what is open is not mixed with what comes. */
  #turn(): void {
    this.#closeUpTo(Number.POSITIVE_INFINITY);
    this.#timeline.turn();
  }

  /**
   * By what rows that are there, or will be, of seconds that this run is still to write say that they are others: some that
   * are still to come, or those of a run of the same name that goes on beside this one until its place is free.
   */
  async #turnsBefore(store: HistoryStore): Promise<number> {
    const { instance, random } = this.#options;
    const aheadMs = this.#wallMs() + AHEAD_MS;
    const turnsOf = (atMs: number) => (atMs % 1000) + 1;
    try {
      const { newestMs } = await store.span("second");
      if (newestMs !== null && newestMs >= aheadMs) return turnsOf(newestMs);
      if (this.#beganMs === null || newestMs === null || newestMs < this.#beganMs) return 0;
      let turns = 0;
      const query = { resolution: "second", sinceMs: this.#beganMs, untilMs: aheadMs, instance } as const;
      for await (const rows of store.metrics(query)) {
        for (const { atMs } of rows) if (atMs >= this.#beganMs) turns = Math.max(turns, turnsOf(atMs));
      }
      return turns;
    } catch {
      // The store says itself what is wrong with it. Whoever has it may be writing these seconds, and another one that waits.
      return this.#beganMs === null ? 0 : 1 + Math.floor(random() * MOST_CHANCE_TURNS);
    }
  }

  /** Seconds that are not written yet are told apart from others of so many turns. @returns what that adds to their beginnings. */
  #tellApart(turns: number): number {
    const before = this.#timeline.turns;
    this.#timeline.tellApart(turns);
    return this.#timeline.turns - before;
  }

  /** The seconds that the predecessor wrote without coming to know it. */
  async #writtenBefore(store: HistoryStore): Promise<ReadonlySet<number>> {
    const { unsure } = this.#predecessor;
    const written = new Set<number>();
    if (unsure === null) return written;
    const [sinceMs, untilMs] = [unsure.first * 1000, (unsure.last + 1) * 1000];
    const { instance } = this.#options;
    try {
      for await (const rows of store.metrics({ resolution: "second", sinceMs, untilMs, instance })) {
        for (const { atMs } of rows) written.add(Math.floor(atMs / 1000));
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error; // else the store says itself what is wrong with it
    }
    return written;
  }

  // ── seconds that are complete ────────────────────────────────────────────────────────────────────────────────────

  #closeDue(): void {
    const bootMs = this.#options.bootMs();
    const due = this.#timeline.endedBefore(bootMs, CLOSE_AFTER_MS);
    if (due <= this.#timeline.closed) return;
    const overdue = this.#timeline.endedBefore(bootMs, CLOSE_AFTER_MS + NAMES_AFTER_MS);
    const nameless = [...this.#open.values()].filter(
      (second) => second.second <= due && second.second > overdue && !isNamed(second, this.#names),
    );
    const last = Math.min(due, ...nameless.map(({ second }) => second - 1));
    if (last <= this.#timeline.closed) return;
    const counts = this.#open.get(last)?.counts ?? [0, 0, 0];
    this.#closeUpTo(last);
    this.#timeline.close(last);
    this.#wish(counts);
  }

  #closeUpTo(last: number): void {
    const closing = [...this.#open.values()].filter(({ second }) => second <= last).sort((a, b) => a.second - b.second);
    for (const second of closing) {
      this.#open.delete(second.second);
      this.#timeline.close(second.second);
      this.#close(second);
    }
  }

  #close(second: Second): void {
    const { lastRequest, lastDetail, counts, details } = second;
    const { requests, details: ofDetails } = this.#position;
    for (const [worker, number] of lastRequest.entries()) if (number !== 0) requests[worker] = number;
    for (const [worker, number] of lastDetail.entries()) if (number !== 0) ofDetails[worker] = number;
    this.#slow.add(second.durations());
    const strata = counts.map((count, reason) => ({ count, details: details[reason].all }));
    const kept = this.#chooser.choose(strata).map((each) => requestRow(each, this.#names));
    this.#handOver.take({
      metrics: metricRows(second, this.#names, this.#timeline.atMs(second.second)),
      requests: this.#distinct.apply(kept.sort((a, b) => a.atMs - b.atMs)),
      position: {
        second: second.second,
        clockTurns: this.#timeline.turns,
        requests: requests.slice(),
        details: ofDetails.slice(),
      },
    });
    if (second.overflowed && !this.#hasOverflowed) {
      this.#hasOverflowed = true;
      this.#options.log.warn(
        { kinds: MAX_CELLS },
        "there are more routes and servers than history tells apart: the rest is counted as other",
      );
    }
  }

  #wish(counts: readonly number[]): void {
    const { memory, settings } = this.#options;
    const slowMs = settings.slowRequestMs || this.#slow.slowMs;
    wish(memory.recorder.wishes, settings.maxRequestRowsPerSecond, counts, slowMs);
  }

  #lookAtServers(): void {
    this.#serversDueMs = this.#options.bootMs() + SERVERS_MS;
    void this.#servers?.look(this.#names.latest);
  }

  #wallMs(): number {
    return this.#options.bootMs() + this.#options.wallOffsetMs();
  }
}
