/**
 * A response that many may ask for and that takes long to make: the metrics, the list of servers. It is made in the thread
 * that makes health checks, so it takes turns with them, and one that is made serves all who asked before it was begun.
 * Nobody gets what was begun before he asked: a scrape after a change shows the change. Instead there is a rest after each,
 * so that whoever asks all the time gets his responses later and does not get the thread. Where there are several kinds of the
 * response (formats of the metrics), one is made at a time, and the rest is one for all of them.
 */
import type { Work } from "../../telemetry/metrics/exposition.ts";

/** Longest piece of work before others have their turn, milliseconds. */
const TURN_MS = 2;
/** Rest after the work, as a multiple of it: at most a tenth of the time is spent on one kind of response. */
const REST = 9;
/** Most who wait for one kind. Workers ask one at a time; it is the admin port that this is for. */
const MAX_WAITING = 64;

/** Too many wait already. */
export class BusyError extends Error {
  override readonly name = "BusyError";
}

/** Does `work` after so many milliseconds. @returns what takes that back. */
export type After = (ms: number, work: () => void) => () => void;

const afterMs: After = (ms, work) => {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
};

interface Waiter<T> {
  readonly resolve: (answer: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A response that is being made. */
interface Making<T> {
  readonly work: Work<T>;
  readonly waiters: Set<Waiter<T>>;
  workedMs: number;
}

export class SharedResponse<T, Kind = undefined> {
  readonly #make: (kind: Kind) => Work<T>;
  readonly #nowMs: () => number;
  #making: Making<T> | null = null;
  /** Those who came since it was begun, by what they want; who has waited longest is first. */
  readonly #waiting = new Map<Kind, Set<Waiter<T>>>();
  #restUntilMs = Number.NEGATIVE_INFINITY;
  readonly #after: After;
  /** Ends the rest without beginning anything; `null` = nobody waits for its end. */
  #stopResting: (() => void) | null = null;

  /** @param nowMs monotonic clock, milliseconds. @param after waits by the same clock. */
  constructor(make: (kind: Kind) => Work<T>, nowMs: () => number, after: After = afterMs) {
    this.#make = make;
    this.#nowMs = nowMs;
    this.#after = after;
  }

  /**
   * The response as of now, or a little later.
   * @param signal aborted = it is not wanted any more; what nobody wants is not made.
   * Rejects with what `make` throws, with a `BusyError`, or with the signal's reason.
   */
  get(signal: AbortSignal, ...[wanted]: Kind extends undefined ? [] : [Kind]): Promise<T> {
    const kind = wanted as Kind;
    if (signal.aborted) return Promise.reject(signal.reason);
    const waiters = this.#waiting.get(kind) ?? new Set();
    if (waiters.size >= MAX_WAITING) return Promise.reject(new BusyError("too many wait for this already"));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter = { resolve, reject };
    waiters.add(waiter);
    this.#waiting.set(kind, waiters);
    const leave = (): void => {
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiting.get(kind) === waiters) this.#waiting.delete(kind);
      if (this.#waiting.size === 0) this.#forgetRest();
      reject(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#begin();
    return promise.finally(() => signal.removeEventListener("abort", leave));
  }

  readonly #begin = (): void => {
    if (this.#making !== null || this.#stopResting !== null) return;
    const [next] = this.#waiting;
    if (next === undefined) return;
    const restMs = this.#restUntilMs - this.#nowMs();
    if (restMs > 0) {
      this.#stopResting = this.#after(restMs, () => {
        this.#stopResting = null;
        this.#begin();
      });
      return;
    }
    const [kind, waiters] = next;
    this.#waiting.delete(kind);
    this.#making = { work: this.#make(kind), waiters, workedMs: 0 };
    this.#turn(this.#making);
  };

  #forgetRest(): void {
    this.#stopResting?.();
    this.#stopResting = null;
  }

  #turn(making: Making<T>): void {
    if (making.waiters.size === 0) {
      this.#end(making, () => {});
      return;
    }
    const startedMs = this.#nowMs();
    try {
      for (;;) {
        const { done, value } = making.work.next();
        const workedMs = this.#nowMs() - startedMs;
        if (!done && workedMs < TURN_MS) continue;
        making.workedMs += workedMs;
        if (done) this.#end(making, ({ resolve }) => resolve(value));
        else setImmediate(() => this.#turn(making));
        return;
      }
    } catch (error) {
      making.workedMs += this.#nowMs() - startedMs;
      this.#end(making, ({ reject }) => reject(error));
    }
  }

  #end(making: Making<T>, tell: (waiter: Waiter<T>) => void): void {
    this.#making = null;
    this.#restUntilMs = this.#nowMs() + REST * making.workedMs;
    for (const waiter of making.waiters) tell(waiter);
    this.#begin();
  }
}
