/**
 * Request series: how often each (route, method, status, server) occurred, in one worker's open-addressing hash table.
 * Writer: that worker, alone. Readers: whoever renders metrics; a key becomes visible after its count was set. Where a series
 * was given up, a mark is left that lookups pass over and the next new series takes: a reader that finds the same key before
 * and after the count has read that key's.
 */

import { ReservedPath } from "../reserved-paths.ts";
import { SERIES_CAPACITY, type WorkerBlock } from "./layout/shared-memory.ts";
import { WorkerCounter } from "./layout/worker-counters.ts";

/** Route labels; the index is what a series key holds. The raw path is never a label: its cardinality has no bound. */
export const ROUTES = [
  "/*",
  ReservedPath.API_REQUEST,
  ReservedPath.HEALTH_LIVE,
  ReservedPath.HEALTH_READY,
  ReservedPath.METRICS,
  ReservedPath.SERVERS,
  "invalid",
  "no_route",
  `${ReservedPath.SERVERS}/*`,
  "/.well-known/acme-challenge",
] as const;
/** Index into `ROUTES`; reserved paths by their names. */
export const Route = {
  PROXY: 0,
  API_REQUEST: 1,
  HEALTH_LIVE: 2,
  HEALTH_READY: 3,
  METRICS: 4,
  SERVERS: 5,
  INVALID: 6,
  /** No route of the configuration takes it, or not for certain. */
  NO_ROUTE: 7,
  /** Below the list of servers: it is the admin port's. */
  SERVER: 8,
  /** What a CA asks about a name: answered here while it may ask. */
  ACME_CHALLENGE: 9,
} as const;

const OTHERS_OF_OURS: readonly number[] = [Route.SERVER, Route.ACME_CHALLENGE];

/** A path that the balancer answers itself: no traffic. @param route index into `ROUTES`, or the number of a route. */
export function isReserved(route: number): boolean {
  return (route >= Route.HEALTH_LIVE && route <= Route.SERVERS) || OTHERS_OF_OURS.includes(route);
}

/** Method labels; the index is what the parser calls a method and what a series key holds. */
export const METHODS = [
  "other",
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "PATCH",
  "TRACE",
  "CONNECT",
] as const;
/** Index into `METHODS`. */
export const Method = {
  OTHER: 0,
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  DELETE: 5,
  OPTIONS: 6,
  PATCH: 7,
  TRACE: 8,
  CONNECT: 9,
} as const;

/** One series as a reader sees it. `serverId` 0 = no server was chosen. */
export interface RequestSeries {
  /** Index into `ROUTES`, or the number of a route of the configuration. */
  readonly route: number;
  readonly method: (typeof METHODS)[number];
  readonly status: number;
  readonly serverId: number;
  readonly count: number;
}

/** Routes of the configuration have numbers from here on; the one that takes everything has that of `PROXY`. */
export const FIRST_ROUTE_NUMBER = 16;
/** Numbers of routes end here. */
export const ROUTE_NUMBERS = 8192;

// A key is serverId × 2^27 + route × 2^14 + method × 2^10 + status, plus 1 so that it is never 0.
const STATUS_SPAN = 1024;
const METHOD_SPAN = 16;
const ROUTE_SPAN = ROUTE_NUMBERS;
const MASK = SERIES_CAPACITY - 1;
const HASH_SHIFT = 32 - Math.log2(SERIES_CAPACITY);
/** Places that a series may be in, from the one of its hash on. */
const PROBES = 64;
/** There is no series in the place. */
const FREE = 0;
/** There was one: those behind it may have passed it. */
const GIVEN_UP = -1;

/** The columns of a worker's block that this is about. */
export type SeriesColumns = Pick<WorkerBlock, "seriesKeys" | "seriesCounts">;

/** Counts one request. `status` is 0 … 1023, `serverId` 0 … 2^26-1. */
export function countRequest(
  block: WorkerBlock,
  route: number,
  method: number,
  status: number,
  serverId: number,
): void {
  const low = route * (METHOD_SPAN * STATUS_SPAN) + method * STATUS_SPAN + status;
  const key = serverId * (ROUTE_SPAN * METHOD_SPAN * STATUS_SPAN) + low + 1;
  const { seriesKeys, seriesCounts } = block;
  let at = (Math.imul(low ^ Math.imul(serverId, 0x85ebca6b), 0x9e3779b1) >>> HASH_SHIFT) & MASK;
  let room = -1;
  for (let probes = 0; probes < PROBES; probes++) {
    const found = seriesKeys[at];
    if (found === key) {
      seriesCounts[at]++;
      return;
    }
    if (found === FREE) {
      if (room < 0) room = at;
      break;
    }
    if (found === GIVEN_UP && room < 0) room = at;
    at = (at + 1) & MASK;
  }
  if (room < 0) {
    block.counters[WorkerCounter.SERIES_OVERFLOW]++;
    return;
  }
  seriesCounts[room] = 1;
  seriesKeys[room] = key;
}

/**
 * Gives up the series that `isGone` names, with room for others in their places.
 * @returns how many there were.
 */
export function freeSeries(
  { seriesKeys }: SeriesColumns,
  isGone: (route: number, serverId: number) => boolean,
): number {
  let freed = 0;
  for (let i = 0; i < SERIES_CAPACITY; i++) {
    const key = seriesKeys[i];
    if (key <= FREE || !isGone(routeOf(key), serverOf(key))) continue;
    seriesKeys[i] = GIVEN_UP;
    freed++;
  }
  if (freed === 0) return 0;
  // No lookup goes past a free place: in front of one, no mark is needed. The table is a ring, so twice around.
  let free = false;
  for (let i = 2 * SERIES_CAPACITY - 1; i >= 0; i--) {
    const at = i & MASK;
    if (free && seriesKeys[at] === GIVEN_UP) seriesKeys[at] = FREE;
    free = seriesKeys[at] === FREE;
  }
  return freed;
}

/** Calls `visit` for the route and the server of each series; 0 = no server. */
export function visitSeries({ seriesKeys }: SeriesColumns, visit: (route: number, serverId: number) => void): void {
  for (let i = 0; i < SERIES_CAPACITY; i++)
    if (seriesKeys[i] > FREE) visit(routeOf(seriesKeys[i]), serverOf(seriesKeys[i]));
}

/** How many series there are. */
export function seriesInUse({ seriesKeys }: SeriesColumns): number {
  let count = 0;
  for (let i = 0; i < SERIES_CAPACITY; i++) if (seriesKeys[i] > FREE) count++;
  return count;
}

function serverOf(key: number): number {
  return Math.floor((key - 1) / (ROUTE_SPAN * METHOD_SPAN * STATUS_SPAN));
}

function routeOf(key: number): number {
  return Math.floor((key - 1) / (METHOD_SPAN * STATUS_SPAN)) % ROUTE_SPAN;
}

/** Calls `visit` for each series of one worker, or for those in the places `from` … `to`-1 of its table. */
export function readSeries(
  block: SeriesColumns,
  visit: (series: RequestSeries) => void,
  from = 0,
  to: number = SERIES_CAPACITY,
): void {
  const { seriesKeys, seriesCounts } = block;
  for (let i = from; i < to; i++) {
    let key: number;
    let count: number;
    do {
      key = seriesKeys[i];
      count = seriesCounts[i];
    } while (key !== seriesKeys[i]); // the place was given to another series meanwhile
    if (key <= FREE) continue;
    let rest = key - 1;
    const status = rest % STATUS_SPAN;
    rest = (rest - status) / STATUS_SPAN;
    const method = rest % METHOD_SPAN;
    rest = (rest - method) / METHOD_SPAN;
    const route = rest % ROUTE_SPAN;
    const serverId = (rest - route) / ROUTE_SPAN;
    visit({ route, method: METHODS[method], status, serverId, count });
  }
}
