/** Which paths are the balancer's own (reserved-paths.ts); every other path is proxied unchanged. */
import type { ProxySettings } from "../../protocol/worker.ts";
import { Route } from "../../shared/memory/series-table.ts";
import { ReservedPath } from "../../shared/reserved-paths.ts";
import { equalBytes } from "../http1/copy.ts";
import type { RequestHead } from "../http1/head.ts";
import { staysBelow } from "../path/below.ts";

const QUESTION_MARK = 63;
const SLASH = 47;

const RESERVED = (Object.keys(ReservedPath) as (keyof typeof ReservedPath)[]).map((name) => ({
  route: Route[name],
  path: Buffer.from(ReservedPath[name]),
}));
const API_REQUEST = Buffer.from(ReservedPath.API_REQUEST);
const SERVERS = Buffer.from(ReservedPath.SERVERS);
/** 1 for each byte that follows the slash in one of them: nearly all paths that are none are known by it. */
const BEGINNINGS = new Uint8Array(256);
for (const { path } of RESERVED) BEGINNINGS[path[1]] = 1;

/** The route (index into `ROUTES`) of the request in `head`, which was parsed from `buf`. */
export function routeOf(buf: Buffer, head: RequestHead, settings: ProxySettings): number {
  const start = head.pathStart;
  if (BEGINNINGS[buf[start + 1]] !== 1 || !settings.reservedPaths) return Route.PROXY;
  let end = start;
  while (end < head.targetEnd && buf[end] !== QUESTION_MARK) end++;
  for (const { route, path } of RESERVED) {
    if (equalBytes(buf, start, end, path)) {
      return route === Route.METRICS && !settings.prometheusEnabled ? Route.PROXY : route;
    }
  }
  if (isBelow(buf, start, end, API_REQUEST)) return Route.API_REQUEST;
  const isServer = isBelow(buf, start, end, SERVERS) && staysBelow(buf, start + SERVERS.length + 1, end);
  return isServer ? Route.SERVER : Route.PROXY;
}

function isBelow(buf: Buffer, start: number, end: number, path: Buffer): boolean {
  const below = start + path.length;
  return below < end && buf[below] === SLASH && equalBytes(buf, start, below, path);
}

/** Does the balancer respond itself? */
export function isLocal(route: number): boolean {
  return route !== Route.PROXY && route !== Route.API_REQUEST;
}
