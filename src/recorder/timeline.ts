/**
 * Which second a record counts to. Seconds are of the wall clock, which may be set; records have times of the boot clock. A
 * second that was closed is never opened again: a record that comes late counts to the next one that is open, and when the
 * clock is set back behind what was closed, the seconds that come a second time are told apart by the milliseconds of their
 * beginning: one for each time that this happened.
 */
import { MAX_WORKERS } from "../shared/memory/layout/shared-memory.ts";

/** The clock may go back by so many seconds without a turn: what comes meanwhile counts to the next open second. */
const SLACK_SECONDS = 2;
/** More turns than this are not told apart. */
const MOST_TURNS = 999;

export class Timeline {
  #offsetMs = 0;
  #present: number;
  #closed: number;
  #turns: number;
  /** By worker, for requests and for details: the second of its last record. They never fall. */
  readonly #ofRequests = new Float64Array(MAX_WORKERS);
  readonly #ofDetails = new Float64Array(MAX_WORKERS);

  /** @param closed the last second that is closed. */
  constructor(closed: number, turns: number) {
    this.#closed = closed;
    this.#present = closed;
    this.#turns = turns;
  }

  /** What, added to the boot clock, gives milliseconds since the epoch. */
  get offsetMs(): number {
    return this.#offsetMs;
  }
  /** The last closed second. */
  get closed(): number {
    return this.#closed;
  }
  /** How often the clock was set back. */
  get turns(): number {
    return this.#turns;
  }

  /**
   * The time is now `bootMs`. @returns whether the clock was set back too far: then all open seconds are to be closed, and
   * `turn` to be called, before anything is read.
   */
  update(bootMs: number, offsetMs: number): boolean {
    this.#offsetMs = offsetMs;
    this.#present = secondOf(bootMs + offsetMs);
    return this.#present < this.#closed - SLACK_SECONDS;
  }

  /** Begins anew with the present second. */
  turn(): void {
    this.tellApart(this.#turns + 1);
    this.#closed = this.#present - 1;
    this.#ofRequests.fill(0);
    this.#ofDetails.fill(0);
  }

  /** Seconds that are not closed are told apart from those of fewer turns. */
  tellApart(turns: number): void {
    this.#turns = Math.min(Math.max(this.#turns, turns), MOST_TURNS);
  }

  /** The seconds up to this one are closed. */
  close(second: number): void {
    if (second > this.#closed) this.#closed = second;
  }

  /** The last second that ended `ageMs` ago. */
  endedBefore(bootMs: number, ageMs: number): number {
    return secondOf(bootMs + this.#offsetMs - ageMs) - 1;
  }

  /** The second of a request that ended at `wallMs`. @param least it is not of an earlier one. @param most nor of a later one. */
  ofRequest(wallMs: number, worker: number, least: number, most: number): number {
    return this.#of(this.#ofRequests, wallMs, worker, least, most);
  }

  /** As `ofRequest`, for its details. */
  ofDetail(wallMs: number, worker: number, least: number, most: number): number {
    return this.#of(this.#ofDetails, wallMs, worker, least, most);
  }

  /** When a second began, as rows say it: see above. */
  atMs(second: number): number {
    return second * 1000 + this.#turns;
  }

  #of(last: Float64Array, wallMs: number, worker: number, least: number, most: number): number {
    const itsOwn = Math.min(secondOf(wallMs), this.#present, most);
    const second = Math.max(itsOwn, this.#closed + 1, last[worker], least);
    last[worker] = second;
    return second;
  }
}

function secondOf(wallMs: number): number {
  return Math.floor(wallMs / 1000);
}
