/** What the traffic is like: what two readings differ by. */
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { growthQuantiles, NativeGrowth, NO_QUANTILES, type Quantiles, rounded } from "./quantiles.ts";
import { type Histograms, NO_POOL, OTHER_PAIR, type PairCounts, type Reading, type StatusCounts } from "./reading.ts";

/** Requests of the instance, or of a pool; a second. */
export interface TrafficFigures extends Quantiles {
  readonly rps: number;
  readonly s4xx: number;
  readonly s5xx: number;
  /** Attempts that servers failed. */
  readonly failures: number;
  readonly inFlight: number;
}

/** Of one server. */
export interface ServerFigures extends Quantiles {
  readonly rps: number;
  /** Share of failed attempts, 0 … 1. */
  readonly errors: number;
  readonly inFlight: number;
  readonly slot: number;
}

/** Of a route to a pool. */
export interface FlowFigures extends Quantiles {
  readonly route: number;
  readonly pool: string;
  readonly rps: number;
}

/** All of it. */
export interface Traffic {
  readonly totals: TrafficFigures;
  /** By name. */
  readonly pools: ReadonlyMap<string, TrafficFigures>;
  readonly flows: readonly FlowFigures[];
  /** By number. */
  readonly routes: ReadonlyMap<number, { readonly rps: number; readonly s5xx: number }>;
  /** By id. */
  readonly servers: ReadonlyMap<number, ServerFigures>;
  /** A second, by `WorkerCounter`. */
  rate(counter: number): number;
}

/** Counts and durations as of one moment. */
export interface Look {
  readonly reading: Reading;
  readonly histograms: Histograms;
}

/**
 * Between two readings, and two looks at durations, which need not be of the same moments.
 * @param poolNames the pools that there are.
 */
export function trafficBetween(
  before: Look,
  now: Look,
  poolNames: readonly string[],
  poolOf: (serverId: number) => string | undefined,
): Traffic {
  const seconds = Math.max(0.001, (now.reading.atMs - before.reading.atMs) / 1_000);
  const perSecond = (grown: number): number => rounded(Math.max(0, grown) / seconds);
  const servers = serversOf(before, now, perSecond);
  const failures = new Map<string, number>();
  const inFlight = new Map<string, number>();
  let allFailures = 0;
  for (const [id, server] of now.reading.servers) {
    const pool = poolOf(id) ?? NO_POOL;
    inFlight.set(pool, (inFlight.get(pool) ?? 0) + server.inFlight);
    const known = before.reading.servers.get(id);
    const grown = known === undefined ? 0 : Math.max(0, server.failures - known.failures);
    failures.set(pool, (failures.get(pool) ?? 0) + grown);
    allFailures += grown;
  }
  const all = new NativeGrowth();
  const byPool = new Map<string, { readonly growth: NativeGrowth; count: number }>();
  const routes = new Map<number, { rps: number; s5xx: number }>();
  const flows: FlowFigures[] = [];
  let count = 0;
  for (const [key, pair] of now.reading.pairs) {
    const grown = grownBy(pair, before.reading.pairs.get(key));
    const native = now.histograms.pairs.get(key);
    const nativeBefore = before.histograms.pairs.get(key);
    count += grown;
    if (native !== undefined) all.add(native, nativeBefore);
    if (key === OTHER_PAIR) continue;
    const pool = byPool.get(pair.pool) ?? { growth: new NativeGrowth(), count: 0 };
    byPool.set(pair.pool, pool);
    pool.count += grown;
    const own = new NativeGrowth();
    if (native !== undefined) {
      pool.growth.add(native, nativeBefore);
      own.add(native, nativeBefore);
    }
    flows.push({ route: pair.route, pool: pair.pool, rps: perSecond(grown), ...own.quantiles });
    const route = routes.get(pair.route) ?? { rps: 0, s5xx: 0 };
    routes.set(pair.route, { ...route, rps: rounded(route.rps + grown / seconds) });
  }
  const { statuses } = now.reading;
  const was = before.reading.statuses;
  for (const [number, route] of routes) {
    route.s5xx = statusRate(statuses.routes.get(number), was.routes.get(number), "s5xx", perSecond);
  }
  const pools = new Map<string, TrafficFigures>();
  for (const name of poolNames) {
    const known = byPool.get(name);
    pools.set(name, {
      rps: perSecond(known?.count ?? 0),
      s4xx: statusRate(statuses.pools.get(name), was.pools.get(name), "s4xx", perSecond),
      s5xx: statusRate(statuses.pools.get(name), was.pools.get(name), "s5xx", perSecond),
      failures: perSecond(failures.get(name) ?? 0),
      inFlight: inFlight.get(name) ?? 0,
      ...(known?.growth.quantiles ?? NO_QUANTILES),
    });
  }
  const totals = {
    rps: perSecond(count),
    s4xx: statusRate(statuses.all, was.all, "s4xx", perSecond),
    s5xx: statusRate(statuses.all, was.all, "s5xx", perSecond),
    failures: perSecond(allFailures),
    inFlight: now.reading.inFlight,
    ...all.quantiles,
  };
  const rate = (counter: number): number => perSecond(now.reading.counters[counter] - before.reading.counters[counter]);
  return { totals, pools, flows, routes, servers, rate };
}

function serversOf(before: Look, now: Look, perSecond: (grown: number) => number): Map<number, ServerFigures> {
  const figures = new Map<number, ServerFigures>();
  for (const [id, server] of now.reading.servers) {
    const known = before.reading.servers.get(id) ?? server;
    const attempts = Math.max(0, server.attempts - known.attempts);
    const failed = Math.max(0, server.failures - known.failures);
    const histogram = now.histograms.servers.get(id);
    figures.set(id, {
      rps: perSecond(attempts),
      errors: attempts + failed === 0 ? 0 : rounded(Math.min(1, failed / Math.max(attempts, failed))),
      inFlight: server.inFlight,
      slot: server.slot,
      ...(histogram === undefined ? NO_QUANTILES : growthQuantiles(histogram, before.histograms.servers.get(id))),
    });
  }
  return figures;
}

function grownBy(now: PairCounts, before: PairCounts | undefined): number {
  return before === undefined ? 0 : Math.max(0, now.count - before.count);
}

function statusRate(
  now: StatusCounts | undefined,
  before: StatusCounts | undefined,
  which: keyof StatusCounts,
  perSecond: (grown: number) => number,
): number {
  // One that was not there has begun since: series are made with their first request.
  return perSecond((now?.[which] ?? 0) - (before?.[which] ?? 0));
}

/** Requests that wait for a server with room. */
export function queuedNow({ counters }: Reading): number {
  return counters[WorkerCounter.QUEUE_LENGTH];
}
