/**
 * The part of a worker's block that says who waits in it for a server, by pool: workers look at each other's, so that a place
 * goes to whoever has waited longest, and the supervisor shows it. shared-memory.ts places it; its rules hold here too.
 */

/**
 * One pool's queue in one worker (Float64), `[MAX_POOLS × QueueWord.LENGTH]`. Those that are gauges come first; the others only
 * grow. Writer: that worker; supervisor clears the gauges after its death.
 */
export const QueueWord = {
  /** Requests that wait now. */
  WAITING: 0,
  /** Those of them that are held: a server has room by its hard limit, but none by what was learned of it. */
  HELD_NOW: 1,
  /** Since when the one waits that has waited longest, milliseconds of the boot clock (boot-clock.ts); 0 = nobody waits. */
  OLDEST_MS: 2,
  /** Requests that have begun to wait, and those of them that were held. */
  WAITS: 4,
  HELD: 5,
  /** Held requests whose patience was over: they were sent although every server was at its learned limit. */
  SENT_ANYWAY: 6,
  /** Requests that were refused although they might have waited longer: all wait for long. */
  SHED: 10,
  /** Requests whose client went away while they waited. */
  LEFT: 11,
  /** Other workers that were told of a place, and how often this one was. */
  WAKES_SENT: 12,
  WAKES: 13,
  LENGTH: 16,
} as const;

/** Those of `QueueWord` that say how it is now. */
export const QUEUE_GAUGES: readonly number[] = [QueueWord.WAITING, QueueWord.HELD_NOW, QueueWord.OLDEST_MS];

/** Words of `PoolTable.waiters` by pool: one bit for each worker. */
export const WAITER_WORDS = 2;

/** Says in `waiters` whether requests to the pool in `row` wait in `worker`. */
export function setWaiter(waiters: Int32Array, row: number, worker: number, waits: boolean): void {
  const word = row * WAITER_WORDS + (worker >>> 5);
  const bit = 1 << (worker & 31);
  if (waits) Atomics.or(waiters, word, bit);
  else Atomics.and(waiters, word, ~bit);
}

/** Do requests to the pool in `row` wait in `worker`? */
export function isWaiter(waiters: Int32Array, row: number, worker: number): boolean {
  return (waiters[row * WAITER_WORDS + (worker >>> 5)] & (1 << (worker & 31))) !== 0;
}
