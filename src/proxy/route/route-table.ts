/**
 * Which route takes a request. Compiled once from the configuration; a look-up costs the bytes of host and path, however
 * many routes there are, and allocates nothing.
 *
 * The precedence is that of the Gateway API (HTTPRoute): the most specific host, an exact path, the longest prefix, a
 * method, the most header fields, the order of the configuration; over all routes that fit, so that what a more specific
 * host has no route for falls to the less specific.
 *
 * Routes are found by the normal form of the path, and by every other reading of it that servers may have (readings.ts).
 * If these lead to different routes, the request is refused: what it gets past one route must not be another's.
 */
import type { RouteSpec } from "../../protocol/route.ts";
import { QUESTION, SLASH } from "../http1/char-class.ts";
import type { RequestHead } from "../http1/head.ts";
import { scanPath } from "../path/path-class.ts";
import { compileRoutes } from "./compile.ts";
import type { Conditions } from "./conditions.ts";
import { ENCODED_HOST, type Hosts } from "./hosts.ts";
import type { PathTree } from "./paths.ts";
import { MAX_PATH_BYTES, MAX_WORK, Readings } from "./readings.ts";

/** No route takes the request. */
export const NO_ROUTE = -1;
/** Servers may read its path, or its host, in ways that lead to different routes. */
export const AMBIGUOUS = -2;

/** An empty path means this (RFC 9110 section 4.2.3). */
const ROOT = Buffer.from("/");

/** The routes of a configuration. */
export class RouteTable {
  /** There is one route, and it has no conditions: nothing needs to be looked at. */
  readonly takesEverything: boolean;
  readonly #routes: readonly RouteSpec[];
  readonly #conditions: readonly Conditions[];
  readonly #hosts: Hosts;
  readonly #tree: PathTree;
  readonly #roots: Int32Array;
  readonly #pathMatters: Uint8Array;
  readonly #delimiters: boolean;
  /** Made when a path needs it first. */
  #readings: Readings | null = null;
  /** Whether what the present request says of its client is believed. */
  #trusted = true;
  /**
   * By tree node, twice: the route that it was found to lead to, for a path that goes on behind it and for one that ends
   * there. That is the same for all readings of one request, of which there may be thousands; conditions are looked at once.
   */
  readonly #found: Int32Array;
  /** The request that this was found for: numbers of requests, of which each has one. */
  readonly #foundFor: Float64Array;
  #request = 0;

  /** Throws a `RangeError` for a path that is too long. */
  constructor(routes: readonly RouteSpec[]) {
    const compiled = compileRoutes(routes);
    this.takesEverything = routes.length === 1 && hasNoConditions(routes[0]);
    this.#routes = routes;
    this.#conditions = compiled.conditions;
    this.#hosts = compiled.hosts;
    this.#tree = compiled.tree;
    this.#roots = compiled.roots;
    this.#pathMatters = compiled.pathMatters;
    this.#delimiters = compiled.delimiters;
    this.#found = new Int32Array(compiled.tree.children.length * 2);
    this.#foundFor = new Float64Array(compiled.tree.children.length * 2);
  }

  /**
   * The route (index into the list that the table was made of) for the request in `head`, which was parsed from `buf`;
   * `NO_ROUTE` or `AMBIGUOUS`.
   * @param pathStart where the path begins: a slash, or the `*` of OPTIONS; nothing or a query alone is `/`.
   * @param pathEnd where path and query end.
   * @param trusted whether its peer is: of others no route is found by fields that only proxies may set.
   */
  match(buf: Buffer, head: RequestHead, pathStart: number, pathEnd: number, trusted = true): number {
    this.#trusted = trusted;
    const level = this.#hosts.find(buf, head.hostStart, head.hostEnd);
    if (level === ENCODED_HOST) return AMBIGUOUS;
    if (this.#pathMatters[level] === 0) return this.#takenWhole(level, buf, head);
    if (pathStart === pathEnd || buf[pathStart] === QUESTION) return this.#find(level, ROOT, ROOT.length, 0, buf, head);
    // `OPTIONS *` is about the server, not about one of its paths (RFC 9110 section 9.3.7): it has no part in them.
    if (buf[pathStart] !== SLASH) return this.#takenWhole(level, buf, head);
    const end = scanPath(buf, pathStart, pathEnd);
    if (end >= 0) return this.#find(level, buf, end, pathStart, buf, head);
    return this.#matchReadings(level, buf, head, pathStart, -1 - end);
  }

  /** What `match` does when the path is not in normal form, or may be read in several ways. */
  #matchReadings(level: number, buf: Buffer, head: RequestHead, start: number, end: number): number {
    if (end - start > MAX_PATH_BYTES) return AMBIGUOUS;
    this.#readings ??= new Readings(this.#delimiters);
    const readings = this.#readings;
    readings.take(buf, start, end);
    if (readings.settled > 0 && !readings.open && this.#isSettled(level, readings)) {
      return this.#find(level, readings.path, readings.read(0), 0, buf, head);
    }
    const route = this.#find(level, readings.path, readings.read(0), 0, buf, head);
    if (route === NO_ROUTE || this.#routes[route].ambiguousPaths === "allow") return route;
    if (readings.open || readings.count * (end - start) > MAX_WORK) return AMBIGUOUS;
    this.#request++;
    for (let index = 1; index < readings.count; index++) {
      if (this.#findAgain(level, readings.path, readings.read(index), buf, head) !== route) return AMBIGUOUS;
    }
    return route;
  }

  /** Whether what all readings begin with decides already, on every level that may be asked. */
  #isSettled(from: number, { path, settled }: Readings): boolean {
    const tree = this.#tree;
    for (let level = from; level >= 0; level = this.#hosts.next[level]) {
      const node = tree.walk(this.#roots[level], path, 0, settled);
      // Came to where there is no way on, whatever follows: unless that is nothing, and an exact path ends here.
      const ended = tree.whole && tree.children[node] === 0 && tree.exact[node] === tree.prefix[node];
      if (tree.whole && !ended) return false;
    }
    return true;
  }

  /** The first route that fits the path `path[start, end)`, on this level and then on those after it. */
  #find(from: number, path: Buffer, end: number, start: number, buf: Buffer, head: RequestHead): number {
    const tree = this.#tree;
    for (let level = from; level >= 0; level = this.#hosts.next[level]) {
      const node = tree.walk(this.#roots[level], path, start, end);
      const route = this.#firstFrom(node, tree.whole, buf, head);
      if (route !== NO_ROUTE) return route;
    }
    return NO_ROUTE;
  }

  /** The same for one more reading, `path[0, end)`, of a request that has several. */
  #findAgain(from: number, path: Buffer, end: number, buf: Buffer, head: RequestHead): number {
    const tree = this.#tree;
    for (let level = from; level >= 0; level = this.#hosts.next[level]) {
      const node = tree.walk(this.#roots[level], path, 0, end);
      const at = tree.whole ? node * 2 + 1 : node * 2;
      if (this.#foundFor[at] !== this.#request) {
        this.#found[at] = this.#firstFrom(node, tree.whole, buf, head);
        this.#foundFor[at] = this.#request;
      }
      if (this.#found[at] !== NO_ROUTE) return this.#found[at];
    }
    return NO_ROUTE;
  }

  /** The first route that fits at this node, or above it. @param whole the path ends there. */
  #firstFrom(from: number, whole: boolean, buf: Buffer, head: RequestHead): number {
    const tree = this.#tree;
    if (whole) {
      const route = this.#first(tree.exact[from], tree.prefix[from], buf, head);
      if (route !== NO_ROUTE) return route;
    }
    for (let node = from; node >= 0; node = tree.up[node]) {
      const route = this.#first(tree.prefix[node], tree.prefixEnd[node], buf, head);
      if (route !== NO_ROUTE) return route;
    }
    return NO_ROUTE;
  }

  /** The first route that fits whatever the path is. */
  #takenWhole(from: number, buf: Buffer, head: RequestHead): number {
    const tree = this.#tree;
    for (let level = from; level >= 0; level = this.#hosts.next[level]) {
      const root = this.#roots[level];
      const route = this.#first(tree.prefix[root], tree.prefixEnd[root], buf, head);
      if (route !== NO_ROUTE) return route;
    }
    return NO_ROUTE;
  }

  #first(from: number, to: number, buf: Buffer, head: RequestHead): number {
    for (let at = from; at < to; at++) {
      const route = this.#tree.routes[at];
      if (this.#conditions[route].fit(buf, head, this.#trusted)) return route;
    }
    return NO_ROUTE;
  }
}

function hasNoConditions({ match }: RouteSpec): boolean {
  return (
    match.hosts.length === 0 &&
    match.methods.length === 0 &&
    match.headers.length === 0 &&
    match.paths.some(({ kind, value }) => kind === "prefix" && value === "/")
  );
}
