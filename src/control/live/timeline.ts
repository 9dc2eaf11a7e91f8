/**
 * What happened lately, in memory: the time line of the page, whether or not history is kept. The journal tells it of
 * everything; the store has more and for longer, this has it at once.
 */
import type { TimelineEvent } from "../../shared/live/timeline.ts";
import type { EventRow } from "../../storage/history-store.ts";

/** So many events at most, … */
const MAX_EVENTS = 2_000;
/** … and so many bytes of them. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Which events are wanted; what is left out is no matter. */
export interface TimelineFilter {
  readonly sinceMs?: number;
  readonly kinds?: readonly string[];
  readonly pool?: string;
  readonly server?: string;
}

interface Kept {
  readonly number: number;
  readonly row: EventRow;
  readonly bytes: number;
}

/** How many events there may be, and bytes of them. */
export interface TimelineBounds {
  readonly events: number;
  readonly bytes: number;
}

/** One instance's. */
export class TimelineMemory {
  readonly #run: string;
  readonly #bounds: TimelineBounds;
  /** The oldest first. */
  readonly #kept: Kept[] = [];
  readonly #listeners: ((event: TimelineEvent) => void)[] = [];
  #bytes = 0;
  #number = 0;

  /** @param run tells this run of the instance from others. */
  constructor(run: string, bounds: TimelineBounds = { events: MAX_EVENTS, bytes: MAX_BYTES }) {
    this.#run = run;
    this.#bounds = bounds;
  }

  /** Id of the last event. */
  get lastId(): string {
    return this.#idOf(this.#number);
  }

  /** Events that were here and are not any more. */
  get forgotten(): number {
    return this.#number - this.#kept.length;
  }

  /** `listener` is told of each event from now on; it must not throw. */
  listen(listener: (event: TimelineEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Something happened. @param bytes about what it takes. */
  readonly add = (row: EventRow, bytes: number): void => {
    const kept = { number: ++this.#number, row, bytes };
    this.#kept.push(kept);
    this.#bytes += bytes;
    let gone = Math.max(0, this.#kept.length - this.#bounds.events);
    for (let i = 0; i < gone; i++) this.#bytes -= this.#kept[i].bytes;
    while (this.#bytes > this.#bounds.bytes && gone < this.#kept.length - 1) this.#bytes -= this.#kept[gone++].bytes;
    if (gone > 0) this.#kept.splice(0, gone);
    if (this.#listeners.length === 0) return;
    const event = this.#shown(kept);
    for (const listener of this.#listeners) listener(event);
  };

  /** The newest first, `limit` at most. */
  latest(filter: TimelineFilter, limit: number): TimelineEvent[] {
    const found: TimelineEvent[] = [];
    for (let i = this.#kept.length - 1; i >= 0 && found.length < limit; i--) {
      if (fits(this.#kept[i].row, filter)) found.push(this.#shown(this.#kept[i]));
    }
    return found;
  }

  /** Those after the event with this id, the oldest first, `limit` of the newest at most; of an id of another run, all. */
  after(id: string, limit: number): TimelineEvent[] {
    const match = /^([a-z0-9]{1,16})-(\d{1,15})$/.exec(id);
    const number = match !== null && match[1] === this.#run ? Number(match[2]) : 0;
    const missed = this.#kept.filter((kept) => kept.number > number);
    return missed.slice(-limit).map((kept) => this.#shown(kept));
  }

  #idOf(number: number): string {
    return `${this.#run}-${number}`;
  }

  #shown({ number, row }: Kept): TimelineEvent {
    const { atMs, kind, pool, server, address, actor, message, detail } = row;
    const at = new Date(atMs).toISOString();
    return { id: this.#idOf(number), at, kind, pool, server, address, actor, message, detail };
  }
}

function fits(row: EventRow, { sinceMs, kinds, pool, server }: TimelineFilter): boolean {
  if (sinceMs !== undefined && row.atMs < sinceMs) return false;
  if (kinds !== undefined && !kinds.includes(row.kind)) return false;
  if (pool !== undefined && row.pool !== pool) return false;
  return server === undefined || row.server === server || row.address === server;
}
