/**
 * How many requests a server works on at a time, and how the rest wait. First come, first served shows in who overtakes
 * whom: with w workers only the w oldest can be done next. Where every request can be done next, however many there are,
 * the server shares its power among them, or there never was a queue.
 */
import type { Concurrency } from "../fleet.ts";
import { isQueue } from "./queue-test.ts";
import { completions, type ServerLog } from "./server-log.ts";

/** What lies above is not told apart. */
const MOST = 1024;
/** Completions with a queue without which nothing can be said. */
const ENOUGH = 20;
/** Clocks of a balancer are not those of a server: so many completions may contradict a queue. */
const OUT_OF_TURN = 0.02;

/**
 * The concurrency of every server of a fleet, from requests of which none is missing. Servers that were hardly ever busy
 * enough to show a queue are looked at together, and taken to be like those that were, unless what they did speaks against
 * that; and then as configured.
 * @param capacities as configured; `null` = nobody says.
 */
export function fitConcurrencies(logs: readonly ServerLog[], capacities: readonly (number | null)[]): Concurrency[] {
  const orders = logs.map(orderOf);
  const found = orders.map((order, i) => {
    const workers = leastWorkers(order);
    return isQueue(logs[i], workers) ? workers : Number.POSITIVE_INFINITY;
  });
  const known = found.filter((workers) => workers < Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const idle = orders.filter((_, i) => found[i] === Number.POSITIVE_INFINITY);
  const usual = known.length > 0 ? known[known.length >> 1] : leastWorkers(together(idle));
  return logs.map((log, i): Concurrency => {
    if (found[i] < Number.POSITIVE_INFINITY) return { workers: found[i], discipline: "fifo" };
    for (const workers of [usual, capacities[i] ?? Number.POSITIVE_INFINITY]) {
      if (workers === Number.POSITIVE_INFINITY || !allows(orders[i], workers)) continue;
      if (isQueue(log, workers)) return { workers, discipline: "fifo" };
    }
    return sharing(log);
  });
}

/** Who was done before whom. */
interface Order {
  /** Completions by rank of the request among those that were there, the oldest first; and by how many there were. */
  readonly ranks: Float64Array;
  readonly crowds: Float64Array;
}

function orderOf(log: ServerLog): Order {
  const ranks = new Float64Array(MOST + 1);
  const crowds = new Float64Array(MOST + 1);
  const there: number[] = [];
  let sent = 0;
  for (const done of completions(log)) {
    for (; sent < log.request.length && log.sentMs[sent] <= log.doneMs[done]; sent++) {
      if (log.failed[sent] === 0) there.push(sent);
    }
    const rank = there.indexOf(done);
    if (rank < 0) continue;
    ranks[Math.min(rank, MOST)]++;
    crowds[Math.min(there.length, MOST)]++;
    there.splice(rank, 1);
  }
  return { ranks, crowds };
}

function together(orders: readonly Order[]): Order {
  const sum = (read: (order: Order) => Float64Array): Float64Array =>
    Float64Array.from({ length: MOST + 1 }, (_, at) => orders.reduce((total, order) => total + read(order)[at], 0));
  return { ranks: sum(({ ranks }) => ranks), crowds: sum(({ crowds }) => crowds) };
}

/** The fewest workers that a queue shows; `Infinity` = it shows none. */
function leastWorkers({ ranks, crowds }: Order): number {
  let beyond = 0; // done at rank w or later
  let queued = 0; // done while more than w were there
  let workers = Number.POSITIVE_INFINITY;
  for (let w = MOST; w >= 1; w--) {
    beyond += ranks[w];
    if (w < MOST) queued += crowds[w + 1];
    if (queued < ENOUGH) continue;
    if (beyond > OUT_OF_TURN * queued) break;
    workers = w;
  }
  return workers;
}

function allows({ ranks, crowds }: Order, workers: number): boolean {
  let beyond = 0;
  let queued = 0;
  for (let w = workers; w <= MOST; w++) {
    beyond += ranks[w];
    if (w > workers) queued += crowds[w];
  }
  return beyond <= Math.max(1, OUT_OF_TURN * queued);
}

/** No queue: with how many requests does each begin to take longer? */
function sharing(log: ServerLog): Concurrency {
  const done = completions(log);
  let best = Number.POSITIVE_INFINITY;
  let least = spread(log, done, best);
  // What is no better by much is not believed: an unlimited server is the simpler one.
  const margin = 4 / Math.max(1, done.length);
  for (let w = 1; w <= 256; w = Math.ceil(w * 1.25)) {
    const found = spread(log, done, w);
    if (found >= least - margin) continue;
    least = found;
    best = w;
  }
  return { workers: best, discipline: "ps" };
}

/**
 * Mean negative log-likelihood of the latencies, but for a constant, when `workers` share their power: the works that
 * follow are lognormal.
 */
function spread(log: ServerLog, done: Int32Array, workers: number): number {
  const work = new Float64Array(log.request.length); // the clock when it was sent, then the work
  let clock = 0;
  let there = 0;
  let readMs = 0;
  let sent = 0;
  let sum = 0;
  let squares = 0;
  let rates = 0;
  let count = 0;
  for (const i of done) {
    for (; sent < log.request.length && log.sentMs[sent] <= log.doneMs[i]; sent++) {
      if (log.failed[sent] === 1) continue;
      clock += (log.sentMs[sent] - readMs) * Math.min(1, workers / there);
      readMs = log.sentMs[sent];
      work[sent] = clock;
      there++;
    }
    const rate = Math.min(1, workers / there);
    clock += (log.doneMs[i] - readMs) * rate;
    readMs = log.doneMs[i];
    there--;
    const x = Math.log(Math.max(1e-3, clock - work[i]));
    sum += x;
    squares += x * x;
    rates += x - Math.log(rate);
    count++;
  }
  if (count < ENOUGH) return 0;
  const variance = Math.max(1e-6, squares / count - (sum / count) ** 2);
  return 0.5 * Math.log(variance) + rates / count;
}
