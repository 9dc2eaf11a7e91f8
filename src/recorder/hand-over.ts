/**
 * Hands closed seconds to the store, each once and complete, and notes how far the rings were read only when the store has
 * all of it: a successor reads again what was not written.
 */
import type { EventRow, GaugeRow, HistoryStore, MetricRow, RequestRow } from "../storage/history-store.ts";
import type { Position, Progress } from "./progress.ts";

/** What there is of a second, and how far the rings were read for it. */
export interface ClosedSecond {
  readonly metrics: readonly MetricRow[];
  readonly requests: readonly RequestRow[];
  readonly position: Position;
}

/** A store that did not write all is asked again after this, milliseconds. */
const AGAIN_MS = 1_000;
/** What waits for the store to be opened: some minutes of what many servers and routes make, and all events. */
const MOST_METRICS = 100_000;
const MOST_REQUESTS = 20_000;
const MOST_EVENTS = 10_000;

/** What is written by. */
export type HistoryWriting = Pick<
  HistoryStore,
  "appendMetrics" | "appendRequests" | "appendGauges" | "appendEvents" | "flush"
>;

export class HandOver {
  readonly #progress: Progress;
  #store: HistoryWriting | null = null;
  #written: ReadonlySet<number> = new Set();
  #unsureUpTo = Number.NEGATIVE_INFINITY;
  #closed: ClosedSecond[] = [];
  #events: EventRow[] = [];
  #metrics = 0;
  #requests = 0;
  /** Rows that found no room here. */
  #dropped = 0;
  /** Number of the last event that came, of the last one that the store was given, and of the last one that it has. */
  #lastEvent = 0;
  #givenEvent = 0;
  #keptEvent = 0;
  readonly #kept: (number: number) => void;
  #flushing: Promise<boolean> | null = null;
  #againMs = 0;
  /** What was handed over last, if that is not known to be written. */
  #unconfirmed = false;

  /** @param kept told which event is the last one that the store has. */
  constructor(progress: Progress, kept: (number: number) => void) {
    this.#progress = progress;
    this.#kept = kept;
  }

  /** Rows that were lost before there was a store. */
  get dropped(): number {
    return this.#dropped;
  }
  /** Rows that wait here. */
  get waiting(): number {
    return this.#metrics + this.#requests + this.#events.length;
  }

  /**
   * There is a store now.
   * @param shiftMs added to the beginnings of the seconds that waited for it.
   * @param written seconds of which it has single requests: others of them would stand for the same ones again.
   * @param unsureUpTo the last second that it may have, whether that could be asked or not.
   */
  open(store: HistoryWriting, shiftMs: number, written: ReadonlySet<number>, unsureUpTo: number): void {
    this.#store = store;
    this.#written = written;
    this.#unsureUpTo = unsureUpTo;
    if (this.#events.length > 0) store.appendEvents(this.#events);
    this.#events = [];
    this.#givenEvent = this.#lastEvent;
    if (shiftMs === 0) return;
    this.#closed = this.#closed.map(({ metrics, ...rest }) => ({
      ...rest,
      metrics: metrics.map((row) => ({ ...row, atMs: row.atMs + shiftMs })),
    }));
  }

  /** A second is complete. */
  take(second: ClosedSecond): void {
    this.#closed.push(second);
    this.#metrics += second.metrics.length;
    this.#requests += second.requests.length;
    // Single requests go first: counts say more.
    while (this.#requests > MOST_REQUESTS && this.#dropRequests());
    while (this.#metrics > MOST_METRICS && this.#closed.length > 1) this.#dropOldest();
  }

  /** Something happened. @param number of the last of them, if they have any. */
  takeEvents(events: readonly EventRow[], number = this.#lastEvent): void {
    this.#lastEvent = number;
    if (this.#store !== null) {
      this.#store.appendEvents(events);
      this.#givenEvent = number;
    } else {
      this.#events.push(...events);
      const tooMany = Math.max(0, this.#events.length - MOST_EVENTS);
      this.#events.splice(0, tooMany);
      this.#dropped += tooMany;
    }
  }

  /** What servers are like now; nobody misses it where there is no store yet. */
  takeGauges(gauges: readonly GaugeRow[]): void {
    this.#store?.appendGauges(gauges);
  }

  /** Hands over what there is, unless the store is still busy with what it was given before. */
  step(nowMs: number): void {
    const isUnsure = this.#unconfirmed || this.#givenEvent !== this.#keptEvent;
    const isDue = this.#closed.length > 0 || (isUnsure && nowMs >= this.#againMs);
    if (this.#store === null || this.#flushing !== null || !isDue) return;
    this.#handOver(this.#store);
    if (nowMs < this.#againMs) return;
    this.#flushing = this.#flush(this.#store).then((isWritten) => {
      this.#flushing = null;
      if (!isWritten) this.#againMs = nowMs + AGAIN_MS;
      return isWritten;
    });
  }

  /** Hands over and writes what there is. @returns whether all of it is written. */
  async finish(): Promise<boolean> {
    await this.#flushing;
    if (this.#store === null) return this.waiting === 0;
    this.#handOver(this.#store);
    return this.#flush(this.#store);
  }

  #handOver(store: HistoryWriting): void {
    const last = this.#closed.at(-1);
    if (last === undefined) return;
    this.#progress.intend(last.position); // before the store knows any of it
    for (const { metrics, requests, position } of this.#closed) {
      const isUnsure = position.second <= this.#unsureUpTo;
      if (metrics.length > 0) store.appendMetrics(isUnsure ? metrics.map((row) => ({ ...row, again: true })) : metrics);
      if (requests.length > 0 && !this.#written.has(position.second)) store.appendRequests(requests);
    }
    this.#closed = [];
    this.#metrics = 0;
    this.#requests = 0;
    this.#unconfirmed = true;
  }

  async #flush(store: HistoryWriting): Promise<boolean> {
    const event = this.#givenEvent;
    const isWritten = await store.flush().catch(() => false);
    if (isWritten) {
      this.#progress.confirm();
      this.#unconfirmed = false;
      if (event !== this.#keptEvent) this.#kept(event);
      this.#keptEvent = event;
    }
    return isWritten;
  }

  #dropRequests(): boolean {
    const index = this.#closed.findIndex(({ requests }) => requests.length > 0);
    if (index < 0) return false;
    const { requests } = this.#closed[index];
    this.#closed[index] = { ...this.#closed[index], requests: [] };
    this.#requests -= requests.length;
    this.#dropped += requests.length;
    return true;
  }

  #dropOldest(): void {
    const [{ metrics, requests }] = this.#closed.splice(0, 1);
    this.#metrics -= metrics.length;
    this.#requests -= requests.length;
    this.#dropped += metrics.length + requests.length;
  }
}
