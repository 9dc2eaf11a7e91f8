/** What a worker is told, for tests: the product's defaults, changed where that suits tests. */
import { usualListeners } from "../../src/config/listeners/usual.ts";
import { toProxySettings } from "../../src/config/proxy-settings.ts";
import { DEFAULT_POOL, type PoolSettings, type RequestSettings } from "../../src/protocol/pool.ts";
import type { RouteSpec } from "../../src/protocol/route.ts";
import type { ProxySettings } from "../../src/protocol/worker.ts";
import { configOf, KEEPS_NOTHING } from "./configuration.ts";

/** All that a worker is told, flat: what is a pool's or a request's holds for each that has no value of its own. */
export type TestSettings = ProxySettings & Omit<PoolSettings, "row" | "name"> & RequestSettings;

/** A pool, with values of its own. */
export type TestPool = Pick<PoolSettings, "row" | "name"> & {
  readonly settings?: Partial<Omit<PoolSettings, "row" | "name" | "request"> & RequestSettings>;
};

/** The one that there is without any. */
export const DEFAULT_POOLS: readonly TestPool[] = [{ row: 0, name: DEFAULT_POOL }];

const DEFAULTS = toProxySettings(configOf(KEEPS_NOTHING), { nowMs: 0 });
const [DEFAULT_ROUTE] = DEFAULTS.routes;
const REQUEST_KEYS = Object.keys(DEFAULTS.request) as (keyof RequestSettings)[];
const POOL_KEYS = Object.keys(DEFAULTS.pools[0]) as (keyof PoolSettings)[];

/** Settings that suit tests: the product's defaults, but no log, no ejection, and deadlines that are generous. */
export const TEST_SETTINGS: TestSettings = Object.freeze({
  ...DEFAULTS.request,
  ...DEFAULTS.pools[0],
  ...DEFAULTS,
  host: "127.0.0.1",
  port: 0,
  strategy: "round_robin",
  nativeSockets: process.env.TEST_RUNTIME_SOCKETS !== "1",
  requestBodyTimeoutMs: 10_000,
  responseHeadTimeoutMs: 10_000,
  responseBodyTimeoutMs: 10_000,
  idleTimeoutMs: 20_000,
  tunnelTimeoutMs: 20_000,
  upstreamIdleTimeoutMs: 20_000,
  upstreamMaxIdle: 64,
  shutdownTimeoutMs: 5000,
  learnsLimits: false,
  requestClasses: false,
  outlierConsecutiveFailures: 0,
  queueSize: 128,
  queueTimeoutMs: 5000,
  maxHeaderCount: 100,
  accessLog: false,
  history: false,
  logLevel: "fatal",
});

/** What the worker of a test is told. @param routes with the values of the one that takes everything where they have none. */
export function workerSettings(
  settings: TestSettings,
  pools: readonly TestPool[] = DEFAULT_POOLS,
  routes: readonly Partial<RouteSpec>[] = [],
): ProxySettings {
  const specs = routes.length > 0 ? routes : [toPool(pools[0].name)];
  return {
    ...settings,
    request: pick(settings, REQUEST_KEYS),
    pools: pools.map(({ row, name, settings: own = {} }) => {
      const all = { ...settings, ...own, row, name };
      return { ...pick(all, POOL_KEYS), request: pick(all, REQUEST_KEYS) };
    }),
    routes: specs.map((spec) => ({ ...DEFAULT_ROUTE, ...spec })),
  };
}

/** A route to one pool. */
export function toPool(pool: string): Pick<RouteSpec, "action"> {
  return { action: { kind: "forward", targets: [{ pool, weight: 1 }], splitBy: null } };
}

function pick<T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}

/** Listeners as `host`, `port` and `tls` make them. */
export function withListeners<S extends ProxySettings>(settings: S): S {
  const { host, port, tls } = settings;
  return { ...settings, listeners: usualListeners({ app: { host, port }, tls: { port: tls?.port ?? null } }) };
}
