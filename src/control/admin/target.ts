/** What a request asks for. */

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
