/** What a server is asked for instead of what the client asked for (`RouteRewrite`). */
import type { PathMatch, PathRewrite, RouteSpec } from "../../protocol/route.ts";
import { BACKSLASH, DOT, PERCENT, QUESTION, SEMICOLON, SLASH } from "../http1/char-class.ts";
import { equalBytes } from "../http1/copy.ts";
import { normalPath, normalPathOf, offsetBehind } from "../path/normal-path.ts";
import { mayClimb } from "./climbing.ts";

/** What a target may be made of (RFC 9112 section 3.2), without a query; or nothing. */
const PATH = /^(?:\/[\x21-\x22\x24-\x3e\x40-\x7e]*)?$/;
const NO_BYTES = Buffer.alloc(0);

/** A path of the route, in normal form. */
interface Matched {
  /** Without a slash at its end. */
  readonly bytes: Buffer;
  /** Is it all of the path, or may more segments follow? */
  readonly exact: boolean;
}

/**
 * Rewrites paths as one route says. `prefix`: what the route's path matched is replaced, as the Gateway API's
 * ReplacePrefixMatch does it: a slash at the end of either does not count, and of nothing a slash remains. What follows stays
 * byte for byte, unless there are dot segments anywhere: these would be read behind another prefix than they were meant for,
 * so then it is the rest of the normal form. `full`: the whole path is replaced. The query always stays.
 */
export class PathRewriter {
  readonly #full: boolean;
  readonly #value: Buffer;
  /** The longest first. */
  readonly #paths: readonly Matched[];
  /** What `rewrite` has found: written in front of the bytes from `restStart` on. */
  prefix: Buffer = NO_BYTES;
  restStart = 0;
  /** What follows the prefix could lead out of it again (`mayClimb`). */
  climbs = false;

  /** @param paths of the route. Throws when the value can't stand in a request: the configuration has refused that before. */
  constructor({ kind, value }: PathRewrite, paths: readonly PathMatch[]) {
    if (!PATH.test(value)) throw new Error(`${JSON.stringify(value)} is no path to rewrite to`);
    this.#full = kind === "full";
    this.#value = Buffer.from(this.#full ? value : withoutEnd(value), "latin1");
    this.#paths = paths
      .map((path) => {
        const exact = path.kind === "exact";
        const normal = normalPath(path.value);
        return { bytes: Buffer.from(exact ? normal : withoutEnd(normal), "latin1"), exact };
      })
      .sort((a, b) => b.bytes.length - a.bytes.length);
  }

  /** Rewrites the path, with its query, at `buf[start … end)`. It is none of `OPTIONS *`. */
  rewrite(buf: Buffer, start: number, end: number): void {
    const pathEnd = endOfPath(buf, start, end);
    this.climbs = false;
    this.prefix = this.#value;
    this.restStart = pathEnd;
    if (!this.#full && pathEnd > start && !this.#rewritePlain(buf, start, pathEnd)) {
      this.#rewriteOther(buf, start, pathEnd);
    }
  }

  /** @returns false for a path that is spelled in another way than the route's, or may be read in several. */
  #rewritePlain(buf: Buffer, start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      const byte = buf[at];
      if (byte === PERCENT || byte === BACKSLASH || byte === SEMICOLON) return false;
      // At the beginning of a segment it may be a dot segment.
      if (byte === DOT && at > start && buf[at - 1] === SLASH) return false;
    }
    const length = this.#matched(buf, start, end);
    if (length >= 0) this.restStart = start + length;
    return length >= 0;
  }

  #rewriteOther(buf: Buffer, start: number, end: number): void {
    const { bytes: normal, hadDotSegments } = normalPathOf(buf, start, end);
    const length = this.#matched(normal, 0, normal.length);
    if (length < 0) return; // nothing of it is passed on: the route was found by another path than these
    if (hadDotSegments) {
      const rest = normal.subarray(length);
      this.prefix = Buffer.concat([this.#value, rest]);
      this.climbs = mayClimb(rest.toString("latin1"));
    } else {
      this.restStart = offsetBehind(buf, start, end, length);
      this.climbs = mayClimb(buf.toString("latin1", this.restStart, end));
    }
  }

  /** Bytes of the longest path of the route that `buf[start … end)` begins with, or is; -1 = none. */
  #matched(buf: Buffer, start: number, end: number): number {
    for (const { bytes, exact } of this.#paths) {
      const next = start + bytes.length;
      const fits = next <= end && (next === end || (!exact && buf[next] === SLASH));
      if (fits && equalBytes(buf, start, next, bytes)) return bytes.length;
    }
    return -1;
  }
}

/** Where the query of `buf[start … end)` begins. */
function endOfPath(buf: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && buf[at] !== QUESTION) at++;
  return at;
}

/** Without slashes at its end. */
function withoutEnd(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  return path.slice(0, end);
}

/** Bytes that rewriting by one of `routes` may add to a head. */
export function longestRewrite(routes: readonly RouteSpec[]): number {
  let longest = 0;
  for (const { rewrite } of routes) {
    const bytes = Buffer.byteLength(rewrite?.path?.value ?? "") + Buffer.byteLength(rewrite?.host ?? "");
    longest = Math.max(longest, bytes);
  }
  return longest;
}
