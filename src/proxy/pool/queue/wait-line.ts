/** A line of requests that wait: who leaves it, from wherever, does so at once, however long it is. Nothing is allocated for one that waits. */

import type { Heed } from "../../pick/room.ts";

/** Somebody who waits for a server. */
export interface Waiting {
  /**
   * Tries to take a place in flight at a server; it goes on waiting without one.
   * @param heed what is made of learned limits.
   * @returns as the picker's `acquire`.
   */
  acquireFromQueue(nowMs: number, heed: Heed): number;
  /** It waits no more: it goes to the server in `slot`, where it has a place, or there is no server at all. */
  leaveFor(slot: number, nowMs: number): void;
  /** It waits no more, and is refused: all have to wait for too long. */
  shed(nowMs: number): void;
}

/** Where somebody stands in a line. */
export class WaitingPlace {
  readonly who: Waiting;
  /** `null` = it does not wait. */
  line: WaitLine | null = null;
  before: WaitingPlace | null = null;
  behind: WaitingPlace | null = null;
  /** Since when it waits, or has waited; monotonic clock, milliseconds. */
  sinceMs = 0;
  /** It is held, or was: a server had room by its hard limit, and none had by what was learned. */
  held = false;
  /** It was sent on because its patience was over: no server had room. */
  sentAnyway = false;

  constructor(who: Waiting) {
    this.who = who;
  }
}

/** First come, first served. */
export class WaitLine {
  length = 0;
  first: WaitingPlace | null = null;
  #last: WaitingPlace | null = null;

  push(place: WaitingPlace): void {
    if (place.line !== null) throw new Error("a request cannot wait twice");
    place.line = this;
    place.before = this.#last;
    if (this.#last === null) this.first = place;
    else this.#last.behind = place;
    this.#last = place;
    this.length++;
  }

  /** Takes out one that stands in it. */
  remove(place: WaitingPlace): void {
    if (place.line !== this) throw new Error("it does not wait here");
    const { before, behind } = place;
    if (before === null) this.first = behind;
    else before.behind = behind;
    if (behind === null) this.#last = before;
    else behind.before = before;
    place.line = null;
    place.before = null;
    place.behind = null;
    this.length--;
  }
}
