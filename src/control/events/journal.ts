/**
 * What happened, until the recorder has it in the store. Parts of the supervisor note it here; here it gets its time and its
 * number, and here it waits while there is no recorder, within a bound. What was told to a recorder that died before it had it
 * in the store is told to its successor.
 */
import { shortened } from "../../shared/shortened.ts";
import { visible } from "../../shared/visible-text.ts";
import type { EventRow } from "../../storage/history-store.ts";
import { BALANCER, type Events, type NotedEvent } from "./events.ts";

/** What waits, as JSON: some thousands of events. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Of one event: what is longer loses its detail. */
const MAX_EVENT_BYTES = 64 * 1024;
const MAX_MESSAGE_LENGTH = 1_000;
/** A message over the channel has about so many at most. */
const MAX_TOLD_BYTES = 256 * 1024;

/** Tells a recorder of events, the last of which has `number`. @returns false when there is nobody to tell. */
export type TellEvents = (number: number, events: readonly EventRow[]) => boolean;

interface Waiting {
  readonly number: number;
  readonly event: EventRow;
  readonly bytes: number;
}

/** Hears of each event as it is noted, whether or not history is kept; never throws. @param bytes about what it takes. */
export type EventListener = (event: EventRow, bytes: number) => void;

/** One instance's. */
export class Journal implements Events {
  readonly #wallMs: () => number;
  readonly #maxWaitingBytes: number;
  /** The oldest first; the recorder has been told of those up to `#told`. */
  #waiting: Waiting[] = [];
  #bytes = 0;
  #noted = 0;
  #told = 0;
  #dropped = 0;
  #tell: TellEvents | null = null;
  #telling = false;
  #open = true;
  readonly #listeners: EventListener[] = [];

  /** @param wallMs milliseconds since the epoch. */
  constructor(wallMs: () => number, maxWaitingBytes = MAX_WAITING_BYTES) {
    this.#wallMs = wallMs;
    this.#maxWaitingBytes = maxWaitingBytes;
  }

  /** Events that were lost because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Events that no recorder has said to have kept. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** `listener` hears of all that is noted from now on. */
  listen(listener: EventListener): void {
    this.#listeners.push(listener);
  }

  note(event: NotedEvent): void {
    if (!this.#open && this.#listeners.length === 0) return;
    const row = rowOf(event, this.#wallMs());
    const json = JSON.stringify(row);
    const whole = json.length <= MAX_EVENT_BYTES;
    const noted = whole ? row : { ...row, detail: null };
    const bytes = sizeOf(json, whole);
    for (const listener of this.#listeners) listener(noted, bytes);
    if (!this.#open) return;
    const waits = { number: ++this.#noted, event: noted, bytes };
    this.#waiting.push(waits);
    this.#bytes += waits.bytes;
    this.#makeRoom();
    this.#tellSoon();
  }

  /** History is kept from now on, or not: then nothing waits for a recorder, and what does is forgotten. */
  setOpen(open: boolean): void {
    this.#open = open;
    if (open) return;
    this.#waiting = [];
    this.#bytes = 0;
    this.#told = this.#noted;
  }

  /** A recorder is there, which knows of nothing yet; `null` = it is gone. */
  setRecorder(tell: TellEvents | null): void {
    this.#tell = tell;
    this.#told = (this.#waiting[0]?.number ?? this.#noted + 1) - 1;
    this.flush();
  }

  /** The recorder has put events up to this number into the store. */
  kept(number: number): void {
    if (!(number <= this.#noted)) return; // nonsense
    const count = this.#waiting.findIndex((waits) => waits.number > number);
    const gone = this.#waiting.splice(0, count < 0 ? this.#waiting.length : count);
    for (const { bytes } of gone) this.#bytes -= bytes;
  }

  /** Tells the recorder now what it has not been told: otherwise that waits for the end of the turn. */
  flush(): void {
    this.#telling = false;
    const tell = this.#tell;
    if (tell === null) return;
    const from = this.#waiting.findIndex(({ number }) => number > this.#told);
    if (from < 0) return;
    let batch: Waiting[] = [];
    let bytes = 0;
    const send = (): boolean => {
      const last = batch.at(-1);
      if (last === undefined) return true;
      const told = tell(
        last.number,
        batch.map(({ event }) => event),
      );
      if (told) this.#told = last.number;
      batch = [];
      bytes = 0;
      return told;
    };
    for (const waits of this.#waiting.slice(from)) {
      if (bytes + waits.bytes > MAX_TOLD_BYTES && !send()) return;
      batch.push(waits);
      bytes += waits.bytes;
    }
    send();
  }

  /** Hundreds of servers may change their state at once: one message. */
  #tellSoon(): void {
    if (this.#telling || this.#tell === null) return;
    this.#telling = true;
    queueMicrotask(() => this.flush());
  }

  #makeRoom(): void {
    let count = 0;
    while (this.#bytes > this.#maxWaitingBytes && count < this.#waiting.length - 1) {
      this.#bytes -= this.#waiting[count++].bytes;
    }
    if (count === 0) return;
    this.#waiting.splice(0, count);
    this.#dropped += count;
  }
}

function rowOf(event: NotedEvent, nowMs: number): EventRow {
  const { atMs = nowMs, kind, message, pool = "", server = "", address = "", actor = BALANCER, detail = null } = event;
  const told = shortened(visible(message), MAX_MESSAGE_LENGTH);
  return { atMs, kind, pool, server, address, actor: visible(actor), message: told, detail };
}

/** About: texts take up to three bytes a letter, and an object some more than its JSON. */
function sizeOf(json: string, whole: boolean): number {
  return whole ? 2 * json.length + 100 : 2 * MAX_MESSAGE_LENGTH + 500;
}
