/** What a request asks for. */
import { ApiError } from "./responses.ts";

/** The parts of a request target. */
export interface Target {
  /** As it was sent, percent-encoding and all. */
  readonly path: string;
  /** Without its question mark. */
  readonly query: string;
}

/**
 * Reads path and query. Not by `new URL`: what the runtime makes of a request without `Host` (HTTP/1.0), or with one that
 * is no host, is no URL.
 */
export function targetOf(request: Request): Target {
  const target = request.url.replace(/^[a-z]+:\/\/[^/?#]*/i, "").replace(/#.*$/s, "");
  const mark = target.indexOf("?");
  return mark < 0 ? { path: target, query: "" } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** A whole number of the query; throws 400 when it is none. `null` = it is not there. */
export function numberIn(request: Request, name: string): number | null {
  const text = new URLSearchParams(targetOf(request).query).get(name);
  if (text === null) return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new ApiError(400, "invalid_query", `${name} must be a whole number above 0`);
}
