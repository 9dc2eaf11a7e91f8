/**
 * The queues of an instance's other workers: who has waited longest there, and how they hear of a place. A place that a worker
 * frees is first offered to whoever has waited longest over all of them; one that does not come for it in time has lost it.
 */
import { isWaiter, QueueWord, setWaiter, WAITER_WORDS } from "../../../shared/memory/layout/queues.ts";
import { Header, MAX_WORKERS, type SharedMemory, WorkerInfo } from "../../../shared/memory/layout/shared-memory.ts";

/** Who has waited so little longer elsewhere is not worth being woken for, milliseconds. */
const SLACK_MS = 2;
/** A place is kept for so long: a worker that was told of it may be busy, or hang. Milliseconds. */
const GRACE_MS = 3;
/** Tells other workers that there is a place. */
export interface Wakes {
  /** Called when this worker hears of a place. */
  onWake: () => void;
  /** From now on this worker hears of places. */
  listen(): void;
  /** Sends `worker` a byte. Never blocks; what cannot be sent is lost. */
  send(worker: number): void;
}

/** Those of one worker. */
export class Neighbours {
  readonly #memory: SharedMemory;
  readonly #index: number;
  readonly #wakes: Wakes;
  readonly #bootOffsetMs: () => number;
  /** How long a place is kept for a worker that was told of it, milliseconds. */
  readonly graceMs: number;
  #offsetMs: number | null = null;
  /** By worker: when it was told of a place that it has not come for, and since when its first one waited then (boot clock). */
  readonly #toldMs = new Float64Array(MAX_WORKERS);
  readonly #toldOf = new Float64Array(MAX_WORKERS);

  /**
   * @param index of this worker.
   * @param bootOffsetMs see `PoolParts`; asked for when somebody waits for the first time.
   * @param graceMs see there. Default: a moment.
   */
  constructor(
    memory: SharedMemory,
    index: number,
    wakes: Wakes,
    bootOffsetMs: () => number,
    graceMs: number = GRACE_MS,
  ) {
    this.#memory = memory;
    this.#index = index;
    this.#wakes = wakes;
    this.#bootOffsetMs = bootOffsetMs;
    this.graceMs = graceMs;
  }

  get #own(): Int32Array {
    return this.#memory.workers[this.#index].info;
  }

  #toBoot(nowMs: number): number {
    this.#offsetMs ??= this.#bootOffsetMs();
    return nowMs + this.#offsetMs;
  }

  /** Does somebody wait elsewhere for a server of the pool in `row`? This is all that is asked while nobody does. */
  areWaiting(row: number): boolean {
    const { waiters } = this.#memory.pools;
    const at = row * WAITER_WORDS;
    if (waiters[at] === 0 && waiters[at + 1] === 0) return false;
    return this.#othersIn(at, 0) !== 0 || this.#othersIn(at, 1) !== 0;
  }

  /** Bits of the other workers in one word of `waiters`. */
  #othersIn(at: number, word: number): number {
    const bits = Atomics.load(this.#memory.pools.waiters, at + word);
    return this.#index >>> 5 === word ? bits & ~(1 << (this.#index & 31)) : bits;
  }

  /** Says that somebody waits here, since `oldestMs`, or nobody that any place would do for (0); or nobody at all (-1). */
  announce(row: number, queue: Float64Array, oldestMs: number): void {
    const { waiters } = this.#memory.pools;
    const waits = oldestMs >= 0;
    queue[row * QueueWord.LENGTH + QueueWord.OLDEST_MS] = oldestMs > 0 ? this.#toBoot(oldestMs) : 0;
    if (waits === isWaiter(waiters, row, this.#index)) return;
    if (waits && this.#memory.header[Header.WORKER_BLOCKS] > 1) this.#wakes.listen();
    setWaiter(waiters, row, this.#index, waits);
  }

  /**
   * The other worker in which somebody has waited longest, and for longer than since `sinceMs`; who is late is only named where
   * there is no other. -1 = none.
   * @param isSame there is a place, which has been there since somebody was told of it.
   */
  longest(row: number, sinceMs: number, isSame: boolean, nowMs: number): number {
    if (!this.areWaiting(row)) return -1;
    const sinceBootMs = this.#toBoot(sinceMs) - SLACK_MS;
    let found = -1;
    let foundMs = Number.POSITIVE_INFINITY;
    let isFoundLate = true;
    for (let word = 0; word < WAITER_WORDS; word++) {
      for (let bits = this.#othersIn(row * WAITER_WORDS, word); bits !== 0; bits &= bits - 1) {
        const worker = word * 32 + 31 - Math.clz32(bits & -bits);
        const oldestMs = this.#oldest(row, worker);
        if (!(oldestMs < sinceBootMs)) continue;
        const isLate = this.#isLate(worker, oldestMs, isSame, nowMs);
        if (isLate === isFoundLate ? oldestMs >= foundMs : isLate) continue;
        found = worker;
        foundMs = oldestMs;
        isFoundLate = isLate;
      }
    }
    return found;
  }

  /** Since when the first one waits there, boot clock; infinity = nobody that any place would do for. */
  #oldest(row: number, worker: number): number {
    const oldestMs = this.#memory.workers[worker].queues[row * QueueWord.LENGTH + QueueWord.OLDEST_MS];
    return oldestMs > 0 ? oldestMs : Number.POSITIVE_INFINITY;
  }

  /**
   * It was told of a place and has not come: it has not read of it, because it is busy or hangs; or it has, and the place is
   * still there. That others were faster is held against nobody.
   */
  #isLate(worker: number, oldestMs: number, isSame: boolean, nowMs: number): boolean {
    if (this.#toldOf[worker] !== oldestMs || nowMs - this.#toldMs[worker] < this.graceMs) return false;
    return isSame || this.#hasNotRead(worker);
  }

  #hasNotRead(worker: number): boolean {
    return Atomics.load(this.#memory.workers[worker].info, WorkerInfo.WOKEN) === 1;
  }

  /** Was `worker` told of a place and has not come for it? @param isSame as of `longest`. */
  isLate(row: number, worker: number, isSame: boolean, nowMs: number): boolean {
    return this.#isLate(worker, this.#oldest(row, worker), isSame, nowMs);
  }

  /**
   * Tells `worker` that there is a place at a server of the pool in `row`.
   * @param isSame as of `longest`.
   * @returns whether it had to be sent for.
   */
  wake(row: number, worker: number, isSame: boolean, nowMs: number): boolean {
    const oldestMs = this.#oldest(row, worker);
    const hasRead = Atomics.exchange(this.#memory.workers[worker].info, WorkerInfo.WOKEN, 1) === 0;
    const isKnown = this.#toldOf[worker] === oldestMs && (isSame || !hasRead);
    if (!isKnown) {
      this.#toldOf[worker] = oldestMs;
      this.#toldMs[worker] = nowMs;
    }
    // One that has been sent a byte and has not read it will look for all places there are.
    if (!hasRead) return false;
    this.#wakes.send(worker);
    return true;
  }

  /** Tells all others in which somebody waits for a particular server. @returns how many had to be sent for. */
  wakeParticular(row: number, nowMs: number): number {
    let sent = 0;
    for (let word = 0; word < WAITER_WORDS; word++) {
      for (let bits = this.#othersIn(row * WAITER_WORDS, word); bits !== 0; bits &= bits - 1) {
        const worker = word * 32 + 31 - Math.clz32(bits & -bits);
        if (this.#oldest(row, worker) === Number.POSITIVE_INFINITY && this.wake(row, worker, false, nowMs)) sent++;
      }
    }
    return sent;
  }

  /** This worker has heard, or looks by itself: the next one may tell it again. */
  heard(): void {
    if (this.#own[WorkerInfo.WOKEN] !== 0) Atomics.store(this.#own, WorkerInfo.WOKEN, 0);
  }
}
