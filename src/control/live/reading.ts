/** What workers have counted, as it stands at a moment: read once a second at most, and compared with what was read before. */
import { bucketCount } from "../../shared/latency-buckets.ts";
import type { DurationPair } from "../../shared/memory/duration-table.ts";
import { durationKey, OTHER_ROW } from "../../shared/memory/duration-table.ts";
import { DurationWord, NATIVE_BUCKETS } from "../../shared/memory/layout/durations.ts";
import { Header, MAX_SERVERS, type SharedMemory, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { ownInFlight } from "../../shared/memory/peers.ts";
import { isReserved, readSeries } from "../../shared/memory/series-table.ts";

/** Attempts at a server, as its slot counts them, and what is there now. */
export interface ServerCounts {
  readonly slot: number;
  readonly attempts: number;
  readonly failures: number;
  readonly inFlight: number;
}

/** Responses by the class of their status. */
export interface StatusCounts {
  s4xx: number;
  s5xx: number;
}

/** Requests of one route to one pool. */
export interface PairCounts {
  readonly route: number;
  readonly pool: string;
  readonly count: number;
}

/** Sums that only grow, as of a moment. */
export interface Reading {
  /** Monotonic, milliseconds. */
  readonly atMs: number;
  /** `WorkerCounter`s over all workers; gauges among them are as of now. */
  readonly counters: Float64Array;
  /** By key of the pair. */
  readonly pairs: ReadonlyMap<number, PairCounts>;
  /** By id of the server. */
  readonly servers: ReadonlyMap<number, ServerCounts>;
  readonly statuses: {
    readonly all: StatusCounts;
    /** By number of the route. */
    readonly routes: ReadonlyMap<number, StatusCounts>;
    /** By name of the pool. */
    readonly pools: ReadonlyMap<string, StatusCounts>;
  };
  /** Requests at all servers. */
  readonly inFlight: number;
}

/** How long it took, as of the same moment. */
export interface Histograms {
  /** By key of the pair: native buckets. */
  readonly pairs: ReadonlyMap<number, Float64Array>;
  /** By id of the server: buckets of `latency-buckets.ts`, each a 32-bit number that may wrap around. */
  readonly servers: ReadonlyMap<number, Uint32Array>;
}

/** Key of what has no row of its own. */
export const OTHER_PAIR = -1;
/** The pool of requests that went to none, and of what is not told apart. */
export const NO_POOL = "";

/** What is read, and how it is called. */
export interface ReadingSource {
  readonly memory: SharedMemory;
  durationPairs(): readonly DurationPair[];
  poolOf(serverId: number): string | undefined;
}

/** Reads everything but durations. */
export function readCounts(source: ReadingSource, atMs: number): Reading {
  const { memory } = source;
  const workers = usedBlocks(memory);
  const counters = new Float64Array(WorkerCounter.LENGTH);
  for (const block of workers) for (let i = 0; i < counters.length; i++) counters[i] += block.counters[i];
  const { servers, inFlight } = readServers(memory, workers);
  return {
    atMs,
    counters,
    pairs: readPairs(source, workers),
    servers,
    statuses: readStatuses(source, workers),
    inFlight,
  };
}

/** Nothing can have been counted since: the same at a later moment. */
export function isQuietSince({ memory }: ReadingSource, before: Reading): boolean {
  if (before.inFlight > 0) return false;
  let requests = 0;
  let refused = 0;
  for (const { counters } of usedBlocks(memory)) {
    requests += counters[WorkerCounter.REQUESTS];
    refused += counters[WorkerCounter.REQUESTS_REFUSED];
  }
  return (
    requests === before.counters[WorkerCounter.REQUESTS] && refused === before.counters[WorkerCounter.REQUESTS_REFUSED]
  );
}

/** Reads durations. */
export function readHistograms({ memory, durationPairs }: ReadingSource): Histograms {
  const workers = usedBlocks(memory);
  const pairs = new Map<number, Float64Array>();
  const addRow = (key: number, { durations }: WorkerBlock, row: number): void => {
    const from = row * DurationWord.LENGTH + DurationWord.NATIVE;
    const sum = pairs.get(key) ?? new Float64Array(NATIVE_BUCKETS);
    for (let i = 0; i < NATIVE_BUCKETS; i++) sum[i] += durations[from + i];
    pairs.set(key, sum);
  };
  const wanted = new Set(durationPairs().map(durationKey));
  for (const block of workers) {
    block.durationKeys.forEach((key, row) => {
      if (key !== 0 && wanted.has(key)) addRow(key, block, row);
    });
    addRow(OTHER_PAIR, block, OTHER_ROW);
  }
  const servers = new Map<number, Uint32Array>();
  for (let slot = 0; slot < MAX_SERVERS; slot++) {
    const id = memory.servers.id[slot];
    if (id === 0) continue;
    const sum = new Uint32Array(bucketCount);
    const from = slot * bucketCount;
    for (const { latencyHistogram, responses } of workers) {
      if (responses[slot] === 0) continue;
      for (let i = 0; i < bucketCount; i++) sum[i] += latencyHistogram[from + i];
    }
    servers.set(id, sum);
  }
  return { pairs, servers };
}

/** Pages of others are not real. */
function usedBlocks({ header, workers }: SharedMemory): readonly WorkerBlock[] {
  return workers.slice(0, header[Header.WORKER_BLOCKS]);
}

function readPairs({ durationPairs }: ReadingSource, workers: readonly WorkerBlock[]): Map<number, PairCounts> {
  const counts = new Map<number, number>();
  for (const block of workers) {
    block.durationKeys.forEach((key, row) => {
      if (key !== 0) counts.set(key, (counts.get(key) ?? 0) + rowCount(block, row));
    });
    counts.set(OTHER_PAIR, (counts.get(OTHER_PAIR) ?? 0) + rowCount(block, OTHER_ROW));
  }
  const found = new Map<number, PairCounts>();
  for (const pair of durationPairs()) {
    const key = durationKey(pair);
    found.set(key, { route: pair.route, pool: pair.pool, count: counts.get(key) ?? 0 });
  }
  found.set(OTHER_PAIR, { route: -1, pool: NO_POOL, count: counts.get(OTHER_PAIR) ?? 0 });
  return found;
}

/** Requests of a row: the classic buckets are fewer to add up. */
function rowCount({ durations }: WorkerBlock, row: number): number {
  const from = row * DurationWord.LENGTH;
  let sum = 0;
  for (let i = DurationWord.BUCKETS; i < DurationWord.NATIVE; i++) sum += durations[from + i];
  return sum;
}

function readServers(memory: SharedMemory, workers: readonly WorkerBlock[]) {
  const { servers } = memory;
  const found = new Map<number, ServerCounts>();
  let inFlight = 0;
  for (let slot = 0; slot < MAX_SERVERS; slot++) {
    const id = servers.id[slot];
    if (id === 0) continue;
    let attempts = 0;
    let failures = 0;
    for (const block of workers) {
      attempts += block.responses[slot] + block.unanswered[slot];
      failures += block.failures[slot];
    }
    const here = ownInFlight(memory, slot);
    inFlight += here;
    found.set(id, { slot, attempts, failures, inFlight: here });
  }
  return { servers: found, inFlight };
}

function readStatuses({ poolOf }: ReadingSource, workers: readonly WorkerBlock[]): Reading["statuses"] {
  const all = { s4xx: 0, s5xx: 0 };
  const routes = new Map<number, StatusCounts>();
  const pools = new Map<string, StatusCounts>();
  for (const block of workers) {
    readSeries(block, ({ route, status, serverId, count }) => {
      if (status < 400 || isReserved(route)) return;
      const name = status < 500 ? "s4xx" : "s5xx";
      all[name] += count;
      entryOf(routes, route)[name] += count;
      entryOf(pools, serverId === 0 ? NO_POOL : (poolOf(serverId) ?? NO_POOL))[name] += count;
    });
  }
  return { all, routes, pools };
}

function entryOf<Key>(map: Map<Key, StatusCounts>, key: Key): StatusCounts {
  const known = map.get(key);
  if (known !== undefined) return known;
  const entry = { s4xx: 0, s5xx: 0 };
  map.set(key, entry);
  return entry;
}
