/** Words of the rings of history that hold several numbers each: how workers put them together, and the recorder takes them apart. */
import { type DetailReason, DetailWord, RequestWord } from "./layout/history.ts";

const BYTE = 0xff;
const ATTEMPTS_SHIFT = 8;
const FAILED_SHIFT = 16;
const REASON_SHIFT = 17;
const STATUS_SHIFT = 16;
const ROUTE_MASK = 0xffff;
const FAILURE_SHIFT = 8;

/** `RequestWord.ROUTE`. */
export function packRoute(route: number, status: number): number {
  return route + (status << STATUS_SHIFT);
}

/** Number of the route. */
export function routeOf(words: Int32Array): number {
  return words[RequestWord.ROUTE] & ROUTE_MASK;
}

/** Of the response; whatever a word may hold. */
export function statusOf(words: Int32Array): number {
  return words[RequestWord.ROUTE] >>> STATUS_SHIFT;
}

/** `RequestWord.POOL`. More attempts than a byte can say are as many as it can. */
export function packPool(poolRow: number, attempts: number, failed: boolean, reason: DetailReason): number {
  return (
    poolRow +
    (Math.min(attempts, BYTE) << ATTEMPTS_SHIFT) +
    (failed ? 1 << FAILED_SHIFT : 0) +
    reason * (1 << REASON_SHIFT)
  );
}

/** Row of the pool, or `NO_POOL`. */
export function poolRowOf(words: Int32Array): number {
  return words[RequestWord.POOL] & BYTE;
}

/** How many there were. */
export function attemptsOf(words: Int32Array): number {
  return (words[RequestWord.POOL] >>> ATTEMPTS_SHIFT) & BYTE;
}

/** 1 when there was a failure of ours or of the server's. */
export function failuresOf(words: Int32Array): number {
  return (words[RequestWord.POOL] >>> FAILED_SHIFT) & 1;
}

/** A `DetailReason`, unless the word is nonsense. */
export function reasonOf(words: Int32Array): number {
  return words[RequestWord.POOL] >>> REASON_SHIFT;
}

/** `DetailWord.METHOD`. */
export function packMethod(method: number, failure: number): number {
  return method + (failure << FAILURE_SHIFT);
}

/** Index into `METHODS`. */
export function methodOf(words: Int32Array): number {
  return words[DetailWord.METHOD] & BYTE;
}

/** Index into `FAILURE_CODES`. */
export function failureOf(words: Int32Array): number {
  return words[DetailWord.METHOD] >>> FAILURE_SHIFT;
}
