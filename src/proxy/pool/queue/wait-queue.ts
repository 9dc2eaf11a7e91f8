/**
 * Requests to one pool that wait in one worker, because every server is at its hard limit, or because they are held: every one
 * works on as many as was learned that it can. First come, first served, over all workers of the instance within reason
 * (neighbours.ts). A freed place is given away at once, here or in another worker; a look from time to time (`tick`) is for
 * what nobody tells: limits that changed, a table that was published, a worker that died with a place or a wake-up.
 *
 * A held request is sent anyway when its patience is over; one that waits for a hard limit has `QUEUE_TIMEOUT_MS`
 * (client-deadline.ts), or is shed earlier while the queue stands (shedding.ts).
 */
import { isOverdue } from "../../../balancing/holding/room.ts";
import { QueueWord } from "../../../shared/memory/layout/queues.ts";
import type { WorkerBlock } from "../../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import { ALL_AT_LIMIT, ALL_FULL, isAtLimit, NO_SERVER } from "../../pick/picker.ts";
import { Heed } from "../../pick/room.ts";
import type { Neighbours } from "./neighbours.ts";
import { Shedding } from "./shedding.ts";
import { type WaitingPlace, WaitLine } from "./wait-line.ts";

/** Of those that wait for particular servers, so many are asked in a row: all of them may wait for the same. */
const MOST_PARTICULAR = 64;

/** What a queue asks of its pool's picker. */
export interface QueuedPool {
  /** Has a server room that may take requests? */
  hasRoom(nowMs: number): boolean;
  readonly room: {
    /** May requests be held? */
    holds(nowMs: number): boolean;
    /** How long, milliseconds. */
    readonly patienceMs: number;
  };
}

/** What a queue is made from. */
export interface WaitQueueParts {
  readonly block: WorkerBlock;
  /** The pool's. */
  readonly row: number;
  readonly pool: QueuedPool;
  readonly neighbours: Neighbours;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Runs something so many milliseconds later; gives what stops that. Default: the runtime's timers. */
  readonly after?: (run: () => void, ms: number) => () => void;
  /** When the worker stood still itself: that is nobody's wait. Default: never. */
  readonly standstills?: { lostSince(sinceMs: number): number };
  /** Told what a request threw when its turn came: the others go on waiting. */
  readonly onError: (error: unknown) => void;
}

/** One pool's in one worker. */
export class WaitQueue {
  readonly #parts: WaitQueueParts;
  /** This pool's row of the worker's block. */
  readonly #words: Float64Array;
  /** Those that any server will do for, and those that wait for particular ones: retries, clients that stick to theirs. */
  readonly #common = new WaitLine();
  readonly #particular = new WaitLine();
  readonly #shedding = new Shedding();
  #size = 0;
  #timeoutMs = 0;
  #held = 0;
  /** As it was counted last. */
  #counted = 0;
  #isPolling = false;
  #isAsked = false;
  #stopTimer: (() => void) | null = null;
  #timerMs = 0;
  /** A place is left to another worker at present. */
  #isYielding = false;

  constructor(parts: WaitQueueParts) {
    this.#parts = parts;
    this.#words = parts.block.queues.subarray(parts.row * QueueWord.LENGTH, (parts.row + 1) * QueueWord.LENGTH);
  }

  /**
   * @param size how many may wait.
   * @param timeoutMs the longest wait for a hard limit, and of those that are held, whatever the patience is.
   */
  configure(size: number, timeoutMs: number): void {
    this.#size = size;
    this.#timeoutMs = timeoutMs;
    this.#shedding.configure(timeoutMs);
    this.poll(this.#parts.now());
  }

  /** How many wait here. */
  get length(): number {
    return this.#common.length + this.#particular.length;
  }

  /** Somebody waits here or in another worker: a place that is given back is somebody's. */
  get isWanted(): boolean {
    return this.length > 0 || this.#parts.neighbours.areWaiting(this.#parts.row);
  }

  /** Somebody waits here because every server is at its hard limit. */
  get waitsForHardLimits(): boolean {
    return this.length > this.#held;
  }

  get isFull(): boolean {
    return this.length >= this.#size;
  }

  /** May another request be held? Where too many wait, the one that has been held longest is sent on in its stead. */
  mayHold(nowMs: number): boolean {
    if (this.patienceMs <= 0) return false;
    return !this.isFull || this.#sendFirstAnyway(nowMs);
  }

  /** How long a request is held at most, milliseconds; 0 = it is not. */
  get patienceMs(): number {
    return Math.min(this.#parts.pool.room.patienceMs, this.#timeoutMs);
  }

  /**
   * Must one that comes now wait, whether there is room or not? Others are before it, here or in another worker.
   * @returns why they wait, `ALL_FULL` or `ALL_AT_LIMIT`; 0 = it need not.
   */
  mustWait(nowMs: number): typeof ALL_FULL | typeof ALL_AT_LIMIT | 0 {
    if (!this.isWanted) return 0;
    const { first } = this.#common;
    if (first !== null) return first.held ? ALL_AT_LIMIT : ALL_FULL;
    if (!this.#yields(nowMs, nowMs)) return 0;
    return this.#parts.pool.room.holds(nowMs) ? ALL_AT_LIMIT : ALL_FULL;
  }

  /**
   * Waits from now on, or is served at once where a place has come free meanwhile.
   * @param why what the picker said.
   * @param particular not every server will do: it is a retry, or its client sticks to one. Others must not wait behind it.
   */
  enter(place: WaitingPlace, why: number, particular: boolean, nowMs: number): void {
    place.sinceMs = nowMs;
    place.held = false;
    place.sentAnyway = false;
    if (why !== ALL_FULL) this.#hold(place);
    const line = particular ? this.#particular : this.#common;
    line.push(place);
    this.#words[QueueWord.WAITS]++;
    this.#changed(nowMs);
    // A place that came free just before the others could see that somebody waits was told to nobody.
    if (line.first === place) this.poll(nowMs);
  }

  /** Waits no longer: its client has gone, or it has waited for too long. */
  leave(place: WaitingPlace, isGone: boolean, nowMs: number): void {
    if (place.line === null) return;
    if (isGone) this.#words[QueueWord.LEFT]++;
    this.#remove(place);
    this.#changed(nowMs);
  }

  /** Sends `place` on, whatever was learned of servers. @returns false when all are at their hard limit. */
  sendAnyway(place: WaitingPlace, nowMs: number): boolean {
    const slot = place.who.acquireFromQueue(nowMs, Heed.NONE);
    if (slot < NO_SERVER) return false;
    this.#serve(place, slot, true, nowMs);
    this.#changed(nowMs);
    return true;
  }

  #sendFirstAnyway(nowMs: number): boolean {
    const first = this.#common.first ?? this.#particular.first;
    return first?.held === true && this.sendAnyway(first, nowMs);
  }

  /** A place was given back here: it is for whoever has waited longest. */
  onFreed(nowMs: number): void {
    if (!this.isWanted) return; // nearly always
    this.poll(nowMs);
    const { neighbours, row } = this.#parts;
    if (neighbours.areWaiting(row)) this.#words[QueueWord.WAKES_SENT] += neighbours.wakeParticular(row, nowMs);
  }

  /** Something may have changed: serves from the front while there is room. */
  poll(nowMs: number): void {
    // What a request does whose turn has come may free a place, which polls again.
    this.#isAsked = true;
    if (this.#isPolling) return;
    this.#isPolling = true;
    try {
      while (this.#isAsked) {
        this.#isAsked = false;
        this.#serveAll(nowMs);
      }
    } finally {
      this.#isPolling = false;
      this.#changed(nowMs);
    }
  }

  /** This worker was told of a place. */
  onWake(nowMs: number): void {
    if (this.length === 0) return;
    this.#words[QueueWord.WAKES]++;
    this.poll(nowMs);
  }

  #serveAll(nowMs: number): void {
    this.#shed(nowMs);
    this.#serveParticular(nowMs);
    const { neighbours, row, pool } = this.#parts;
    for (let first = this.#common.first; first !== null; first = this.#common.first) {
      const isDue = first.held && isOverdue(this.#waitedMs(first, nowMs), this.patienceMs);
      if (!isDue && this.#yields(first.sinceMs, nowMs)) return;
      if (!this.#try(first, nowMs)) return;
    }
    if (!neighbours.areWaiting(row)) return;
    const worker = neighbours.longest(row, Number.POSITIVE_INFINITY, false, nowMs);
    if (worker >= 0 && pool.hasRoom(nowMs)) this.#wake(worker, false, nowMs);
  }

  #serveParticular(nowMs: number): void {
    let place = this.#particular.first;
    for (let tries = 0; place !== null && tries < MOST_PARTICULAR; tries++) {
      const { behind } = place;
      const served = this.#try(place, nowMs);
      if (served && behind !== null && behind.line !== this.#particular) {
        this.#isAsked = true; // it has left meanwhile: from the front again
        return;
      }
      place = behind;
    }
  }

  /** @returns false when it goes on waiting. */
  #try(place: WaitingPlace, nowMs: number): boolean {
    let slot = place.who.acquireFromQueue(nowMs, Heed.EACH);
    const isHeld = isAtLimit(slot);
    if (isHeld && !place.held) this.#hold(place);
    const isDue = isHeld && isOverdue(this.#waitedMs(place, nowMs), this.patienceMs);
    if (isDue) slot = place.who.acquireFromQueue(nowMs, Heed.NONE);
    if (slot < NO_SERVER) return false;
    this.#serve(place, slot, isDue, nowMs);
    return true;
  }

  #serve(place: WaitingPlace, slot: number, isAnyway: boolean, nowMs: number): void {
    place.sentAnyway = isAnyway && slot >= 0;
    if (place.sentAnyway) this.#words[QueueWord.SENT_ANYWAY]++;
    this.#remove(place);
    if (!place.held) this.#shedding.observe(this.#waitedMs(place, nowMs), nowMs);
    try {
      place.who.leaveFor(slot, nowMs);
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  /** Refuses those at the front that have waited for a hard limit too long, while the queue stands. */
  #shed(nowMs: number): void {
    for (let first = this.#common.first; first !== null && !first.held; first = this.#common.first) {
      const waitedMs = this.#waitedMs(first, nowMs);
      this.#shedding.observe(waitedMs, nowMs);
      if (waitedMs <= this.#shedding.mostMs) return;
      this.#words[QueueWord.SHED]++;
      this.#remove(first);
      try {
        first.who.shed(nowMs);
      } catch (error) {
        this.#parts.onError(error);
      }
    }
  }

  /** Is there a place that is to be left to another worker, where somebody waits since before `sinceMs`? It is told, then. */
  #yields(sinceMs: number, nowMs: number): boolean {
    const { neighbours, row, pool } = this.#parts;
    const isSame = this.#isYielding;
    this.#isYielding = false;
    const worker = neighbours.longest(row, sinceMs, isSame, nowMs);
    if (worker < 0 || !pool.hasRoom(nowMs) || neighbours.isLate(row, worker, isSame, nowMs)) return false;
    this.#isYielding = true;
    this.#wake(worker, isSame, nowMs);
    return true;
  }

  #wake(worker: number, isSame: boolean, nowMs: number): void {
    const { neighbours, row } = this.#parts;
    if (neighbours.wake(row, worker, isSame, nowMs)) this.#words[QueueWord.WAKES_SENT]++;
  }

  /** For how long it has waited while the worker could have sent it on. */
  #waitedMs({ sinceMs }: WaitingPlace, nowMs: number): number {
    return nowMs - sinceMs - (this.#parts.standstills?.lostSince(sinceMs) ?? 0);
  }

  #hold(place: WaitingPlace): void {
    place.held = true;
    this.#held++;
    this.#words[QueueWord.HELD]++;
  }

  #remove(place: WaitingPlace): void {
    place.line?.remove(place);
    if (place.held) this.#held--;
  }

  /** To be called every now and then: see the head of this file. */
  tick(nowMs: number): void {
    if (this.length > 0) this.poll(nowMs);
  }

  /** Tells the others and the supervisor who waits, and sees to it that whoever is due is served in time. */
  #changed(nowMs: number): void {
    const { length } = this;
    if (length === 0 && this.#counted === 0) return;
    const { block, neighbours, row } = this.#parts;
    // The worker's other pools count there, too.
    block.counters[WorkerCounter.QUEUE_LENGTH] += length - this.#counted;
    this.#counted = length;
    this.#words[QueueWord.WAITING] = length;
    this.#words[QueueWord.HELD_NOW] = this.#held;
    neighbours.announce(row, block.queues, length === 0 ? -1 : (this.#common.first?.sinceMs ?? 0));
    this.#schedule(nowMs);
  }

  #schedule(nowMs: number): void {
    const dueMs = this.length > 0 ? this.#dueMs(nowMs) : Number.POSITIVE_INFINITY;
    if (this.#stopTimer !== null) {
      if (dueMs >= this.#timerMs) return;
      this.#stopTimer();
      this.#stopTimer = null;
    }
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const { after = later } = this.#parts;
    this.#timerMs = dueMs;
    this.#stopTimer = after(() => this.#onTimer(), Math.max(1, Math.ceil(dueMs - nowMs)));
  }

  #onTimer(): void {
    this.#stopTimer = null;
    const nowMs = this.#parts.now();
    if (this.length > 0) this.poll(nowMs);
  }

  /** When something is to be done that nobody tells of. What was due and could not be done is `tick`'s business. */
  #dueMs(nowMs: number): number {
    const lateMs = this.#isYielding ? nowMs + this.#parts.neighbours.graceMs : Number.POSITIVE_INFINITY;
    return Math.min(lateMs, this.#lineDueMs(this.#common, nowMs), this.#lineDueMs(this.#particular, nowMs));
  }

  #lineDueMs({ first }: WaitLine, nowMs: number): number {
    if (first === null) return Number.POSITIVE_INFINITY;
    const dueMs = first.sinceMs + (first.held ? this.patienceMs : this.#shedding.mostMs);
    return dueMs > nowMs ? dueMs : Number.POSITIVE_INFINITY;
  }
}

function later(run: () => void, ms: number): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
