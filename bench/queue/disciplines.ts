/** How a queue of requests may be served in lasting overload: what was compared before one was taken (docs/decisions.md). */
import { Shedding } from "../../src/proxy/pool/queue/shedding.ts";

/** One that waits. */
export interface Waiter {
  readonly arrivedMs: number;
}

/** A queue that serves and refuses. */
export interface Discipline {
  readonly name: string;
  readonly length: number;
  push(waiter: Waiter): void;
  /** Who is served now; `undefined` = nobody waits. */
  next(nowMs: number): Waiter | undefined;
  /** Those that are refused now. */
  refused(nowMs: number): Waiter[];
  remove(waiter: Waiter): void;
}

/** First come, first served; refused after the longest wait. */
class Fifo implements Discipline {
  readonly name: string = "fifo";
  protected readonly waiting: Waiter[] = [];
  protected readonly longestMs: number;

  constructor(longestMs: number) {
    this.longestMs = longestMs;
  }

  get length(): number {
    return this.waiting.length;
  }

  push(waiter: Waiter): void {
    this.waiting.push(waiter);
  }

  next(_nowMs: number): Waiter | undefined {
    return this.waiting.shift();
  }

  refused(nowMs: number): Waiter[] {
    return this.olderThan(this.longestMs, nowMs);
  }

  remove(waiter: Waiter): void {
    this.waiting.splice(this.waiting.indexOf(waiter), 1);
  }

  protected olderThan(ms: number, nowMs: number): Waiter[] {
    let count = 0;
    while (count < this.waiting.length && nowMs - this.waiting[count].arrivedMs > ms) count++;
    return this.waiting.splice(0, count);
  }
}

/** As the product does it: the same, with controlled delay. */
class Codel extends Fifo {
  override readonly name = "codel";
  readonly #shedding = new Shedding();

  constructor(longestMs: number) {
    super(longestMs);
    this.#shedding.configure(longestMs);
  }

  override next(nowMs: number): Waiter | undefined {
    const waiter = this.waiting.shift();
    if (waiter !== undefined) this.#shedding.observe(nowMs - waiter.arrivedMs, nowMs);
    return waiter;
  }

  override refused(nowMs: number): Waiter[] {
    if (this.waiting.length > 0) this.#shedding.observe(nowMs - this.waiting[0].arrivedMs, nowMs);
    return this.olderThan(Math.min(this.longestMs, this.#shedding.mostMs), nowMs);
  }
}

/** Adaptive LIFO ("Fail at Scale", Maurer, 2015): while the queue stands, who came last is served first. */
class AdaptiveLifo extends Fifo {
  override readonly name = "adaptive lifo";
  readonly #shedding = new Shedding();

  constructor(longestMs: number) {
    super(longestMs);
    this.#shedding.configure(longestMs);
  }

  override next(nowMs: number): Waiter | undefined {
    if (this.waiting.length === 0) return undefined;
    this.#shedding.observe(nowMs - this.waiting[0].arrivedMs, nowMs);
    return this.#shedding.stands ? this.waiting.pop() : this.waiting.shift();
  }
}

/** All of them, afresh. @param longestMs the longest wait (`QUEUE_TIMEOUT_MS`). */
export function disciplines(longestMs: number): Discipline[] {
  return [new Fifo(longestMs), new Codel(longestMs), new AdaptiveLifo(longestMs)];
}
