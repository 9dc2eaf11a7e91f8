/** What a server is asked for instead of what the client asked for (`RouteRewrite`). */
import type { PathMatch, PathRewrite, RouteSpec } from "../../protocol/route.ts";
import { BACKSLASH, DOT, PERCENT, QUESTION, SEMICOLON, SLASH } from "../http1/char-class.ts";
import { equalBytes } from "../http1/copy.ts";
import { decodeUnreserved, hasDotSegments, mayClimb, normalPath } from "./normal-path.ts";

/** What a target may be made of (RFC 9112 section 3.2), without a query; or nothing. */
const PATH = /^(?:\/[\x21-\x22\x24-\x3e\x40-\x7e]*)?$/;
const NO_BYTES = Buffer.alloc(0);

/** A path of the route, as bytes. */
interface Matched {
  /** Without a slash at its end. */
  readonly bytes: Buffer;
  readonly text: string;
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
        const text = exact ? path.value : withoutEnd(path.value);
        return { text, bytes: Buffer.from(text, "latin1"), exact };
      })
      .sort((a, b) => b.text.length - a.text.length);
  }

  /** Rewrites the path, with its query, at `buf[start … end)`. It is none of `OPTIONS *`. */
  rewrite(buf: Buffer, start: number, end: number): void {
    let pathEnd = start;
    let plain = true;
    for (; pathEnd < end && buf[pathEnd] !== QUESTION; pathEnd++) {
      const byte = buf[pathEnd];
      // A dot at the beginning of a segment may be a dot segment; the others may be read as something else.
      if (byte === PERCENT || byte === BACKSLASH || byte === SEMICOLON) plain = false;
      else if (byte === DOT && pathEnd > start && buf[pathEnd - 1] === SLASH) plain = false;
    }
    this.climbs = false;
    this.prefix = this.#value;
    if (this.#full) this.restStart = pathEnd;
    else if (plain) this.#rewritePlain(buf, start, pathEnd);
    else this.#rewriteOther(buf, start, pathEnd);
  }

  #rewritePlain(buf: Buffer, start: number, end: number): void {
    for (const { bytes, exact } of this.#paths) {
      const next = start + bytes.length;
      const fits = next <= end && (next === end || (!exact && buf[next] === SLASH));
      if (!fits || !equalBytes(buf, start, next, bytes)) continue;
      this.restStart = next;
      return;
    }
    this.#rewriteUnmatched(end);
  }

  /** A path that servers may read in several ways, or that is spelled in another way than the route's. */
  #rewriteOther(buf: Buffer, start: number, end: number): void {
    const raw = buf.toString("latin1", start, end);
    const normal = normalPath(raw);
    const matched = this.#paths.find(
      ({ text, exact }) => normal === text || (!exact && normal.startsWith(text) && normal[text.length] === "/"),
    );
    if (matched === undefined) {
      this.#rewriteUnmatched(end);
      return;
    }
    const { length } = matched.text;
    if (hasDotSegments(decodeUnreserved(raw))) {
      const rest = normal.slice(length);
      this.prefix = Buffer.concat([this.#value, Buffer.from(rest, "latin1")]);
      this.restStart = end;
      this.climbs = mayClimb(rest);
    } else {
      const rest = rawLength(raw, length);
      this.restStart = start + rest;
      this.climbs = mayClimb(raw.slice(rest));
    }
  }

  /** An empty path, or one that the route does not match: nothing of it is passed on. */
  #rewriteUnmatched(end: number): void {
    this.restStart = end;
  }
}

/** Characters of `raw` whose normal form, without dot segments, has `length` characters. */
function rawLength(raw: string, length: number): number {
  let at = 0;
  for (let normal = 0; normal < length; ) {
    const isEscape = raw[at] === "%" && /^[0-9A-Fa-f]{2}$/.test(raw.slice(at + 1, at + 3));
    const step = isEscape ? 3 : 1;
    normal += decodeUnreserved(raw.slice(at, at + step)).length;
    at += step;
  }
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
