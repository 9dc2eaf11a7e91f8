/** Which paths the balancer answers itself (the reserved paths); every other path is proxied unchanged. */
import type { ProxySettings } from "../../shared/protocol.ts";
import { Route } from "../../shared/series-table.ts";
import { equalBytes } from "../http1/copy.ts";
import type { RequestHead } from "../http1/head.ts";

const LOWER_H = 104;
const LOWER_M = 109;
const LOWER_A = 97;
const QUESTION_MARK = 63;
const SLASH = 47;

const HEALTH_LIVE = Buffer.from("/health/live");
const HEALTH_READY = Buffer.from("/health/ready");
const METRICS = Buffer.from("/metrics");
const SERVERS = Buffer.from("/api/v1/servers");
const API_REQUEST = Buffer.from("/api/v1/request");

/** The route (index into `ROUTES`) of the request in `head`, which was parsed from `buf`. */
export function routeOf(buf: Buffer, head: RequestHead, settings: ProxySettings): number {
  const start = head.pathStart;
  const second = buf[start + 1];
  if (second !== LOWER_H && second !== LOWER_M && second !== LOWER_A) return Route.PROXY;
  if (!settings.reservedPaths) return Route.PROXY;
  let end = start;
  while (end < head.targetEnd && buf[end] !== QUESTION_MARK) end++;
  if (equalBytes(buf, start, end, HEALTH_LIVE)) return Route.HEALTH_LIVE;
  if (equalBytes(buf, start, end, HEALTH_READY)) return Route.HEALTH_READY;
  if (equalBytes(buf, start, end, METRICS)) return settings.prometheusEnabled ? Route.METRICS : Route.PROXY;
  if (equalBytes(buf, start, end, SERVERS)) return Route.SERVERS;
  const prefixEnd = start + API_REQUEST.length;
  if (end >= prefixEnd && equalBytes(buf, start, prefixEnd, API_REQUEST)) {
    if (end === prefixEnd || buf[prefixEnd] === SLASH) return Route.API_REQUEST;
  }
  return Route.PROXY;
}
