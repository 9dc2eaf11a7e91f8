/** Why a request takes the route that it takes, for people: the table's own search, with everything that it passes over. */
import type { PathMatch, RouteSpec } from "../../protocol/route.ts";
import { QUESTION, SLASH } from "../http1/char-class.ts";
import type { RequestHead } from "../http1/head.ts";
import { scanPath } from "../path/path-class.ts";
import { type CompiledRoutes, compileRoutes } from "./compile.ts";
import { ANY_HOST, ENCODED_HOST } from "./hosts.ts";
import { Choice, MAX_PATH_BYTES, MAX_WORK, Readings } from "./readings.ts";
import { AMBIGUOUS, NO_ROUTE, RouteTable } from "./route-table.ts";

/** What became of a route in the search. */
export type Verdict = "taken" | "fits" | "method" | "field" | "path" | "host";

/** A route that was looked at, or was not because its host or its paths do not fit. */
export interface ConsideredRoute {
  /** Index into the list of routes. */
  readonly route: number;
  /** `taken`; it `fits`, but another comes first; or the first thing that does not fit. */
  readonly verdict: Verdict;
  /** Which of its hosts fits; `null` = it has none, or none fits. */
  readonly host: string | null;
  /** Which of its paths fits. */
  readonly path: PathMatch | null;
  /** The name of the field that is not there, or not as it should be. */
  readonly field: string | null;
}

/** One way to read the path. */
export interface ExplainedReading {
  /** In normal form. */
  readonly path: string;
  /** What is read otherwise than the normal form has it. */
  readonly because: readonly string[];
  /** Index of the route, or `NO_ROUTE`. */
  readonly route: number;
}

/** Why. */
export interface RouteExplanation {
  /** Index of the route, `NO_ROUTE` or `AMBIGUOUS`. */
  readonly route: number;
  /** The path in normal form, by which routes are found. Empty: the path has no part in it. */
  readonly path: string;
  /** In the order in which they are asked; then those that are not asked at all. Each route once. */
  readonly considered: readonly ConsideredRoute[];
  /** The normal form's reading, and one for each other route that a reading leads to; empty = servers can't differ. */
  readonly readings: readonly ExplainedReading[];
  /** Why it is refused as ambiguous, if no reading shows it. */
  readonly refusal: string | null;
}

const WORDS: Readonly<Record<keyof typeof Choice, readonly string[]>> = {
  DELIMITERS: ["encoded delimiters are read as delimiters"],
  SLASH: ["%2F separates segments"],
  BACKSLASH: [
    "a backslash separates segments, also when encoded",
    "a backslash separates segments",
    "a backslash separates segments, before and after decoding",
  ],
  MERGE: ["empty segments are left out", "empty segments are left out, after dot segments"],
  PARAMETERS: ["what follows a ; is left out", "what follows a ; is left out, after decoding"],
  AGAIN: ["decoded twice", "decoded three times", "decoded four times"],
  DOTS: [
    "dot segments are kept",
    "dot segments are removed before the rest is read",
    "dot segments are removed before and after the rest is read",
    "dot segments are removed where they are not encoded, before the rest is read",
    "dot segments are removed where they are not encoded, and again at the end",
  ],
  AUTHORITY: [
    "what follows the first two slashes is a host",
    "what follows the first two slashes, after decoding, is a host",
  ],
  CUT: ["the path ends at an encoded control character, ? or #"],
};

/** As `RouteTable.match`, but says why. `buf[pathStart … pathEnd)` is the path, with its query. */
export function explainRoute(
  routes: readonly RouteSpec[],
  buf: Buffer,
  head: RequestHead,
  pathStart: number,
  pathEnd: number,
): RouteExplanation {
  const compiled = compileRoutes(routes);
  const route = new RouteTable(routes).match(buf, head, pathStart, pathEnd);
  const level = compiled.hosts.find(buf, head.hostStart, head.hostEnd);
  if (level === ENCODED_HOST) {
    return { route, path: "", considered: [], readings: [], refusal: "the host has a percent-encoded octet" };
  }
  const search = new Search(compiled, level, buf, head);
  const end = pathStart === pathEnd ? pathEnd : scanPath(buf, pathStart, pathEnd);
  const isPath = pathStart === pathEnd || buf[pathStart] === SLASH || buf[pathStart] === QUESTION;
  if (!isPath || compiled.pathMatters[level] === 0) {
    return { route, path: "", considered: search.considered(null), readings: [], refusal: null };
  }
  if (end >= 0) {
    const path = buf.toString("latin1", pathStart, end) || "/";
    return { route, path, considered: search.considered(path), readings: [], refusal: null };
  }
  const length = -1 - end - pathStart;
  if (length > MAX_PATH_BYTES) {
    const refusal = `a path that is not in normal form has at most ${MAX_PATH_BYTES} bytes, and this one has ${length}`;
    return { route, path: "", considered: [], readings: [], refusal };
  }
  const readings = new Readings(compiled.delimiters);
  readings.take(buf, pathStart, -1 - end);
  const path = readings.path.toString("latin1", 0, readings.read(0));
  const tooMany = readings.count * length > MAX_WORK;
  const refusal = readings.open
    ? "it has an encoding of no standard, or too many within each other, and what servers make of these is not known"
    : tooMany
      ? "there are too many ways to read a path of this length"
      : null;
  return {
    route,
    path,
    considered: search.considered(path),
    readings: readings.count > 1 && refusal === null ? differentReadings(readings, search) : [],
    refusal: route === AMBIGUOUS ? refusal : null,
  };
}

/** The first reading, and of the others the first that leads to each other route. */
function differentReadings(readings: Readings, search: Search): ExplainedReading[] {
  const found = new Map<number, ExplainedReading>();
  for (let index = 0; index < readings.count; index++) {
    const path = readings.path.toString("latin1", 0, readings.read(index));
    const because = Object.entries(Choice).flatMap(([name, choice]) => {
      const value = readings.chosen(choice);
      return value === 0 ? [] : [WORDS[name as keyof typeof Choice][value - 1]];
    });
    const route = search.routeOf(path);
    const known = found.get(route);
    if (known === undefined || because.length < known.because.length) found.set(route, { path, because, route });
  }
  return [...found.values()];
}

/** The search of the table, of one request. */
class Search {
  readonly #compiled: CompiledRoutes;
  readonly #level: number;
  readonly #buf: Buffer;
  readonly #head: RequestHead;

  constructor(compiled: CompiledRoutes, level: number, buf: Buffer, head: RequestHead) {
    this.#compiled = compiled;
    this.#level = level;
    this.#buf = buf;
    this.#head = head;
  }

  /** @param path in normal form; `null` = only routes that take every path are asked. */
  considered(path: string | null): ConsideredRoute[] {
    const found = new Map<number, ConsideredRoute>();
    let taken = false;
    for (const { route, level, exact } of this.#asked(path)) {
      const known = found.get(route);
      if (known !== undefined) continue;
      const misfit = this.#misfit(route);
      const verdict = misfit?.verdict ?? (taken ? "fits" : "taken");
      if (verdict === "taken") taken = true;
      const host = level === ANY_HOST ? null : this.#compiled.hosts.names[level];
      found.set(route, { route, verdict, host, path: this.#pathOf(route, exact, path), field: misfit?.field ?? null });
    }
    const asked = new Set(this.#levels());
    for (const [route, { match }] of this.#compiled.routes.entries()) {
      if (found.has(route)) continue;
      const fits = match.hosts.map((host) => this.#compiled.hosts.levelOf(host)).filter((level) => asked.has(level));
      const verdict = match.hosts.length > 0 && fits.length === 0 ? "host" : "path";
      const host = fits.length === 0 ? null : this.#compiled.hosts.names[fits[0]];
      found.set(route, { route, verdict, host, path: null, field: null });
    }
    return [...found.values()];
  }

  /** Index of the route for a path in normal form, or `NO_ROUTE`. */
  routeOf(path: string): number {
    for (const { route } of this.#asked(path)) if (this.#misfit(route) === null) return route;
    return NO_ROUTE;
  }

  /** The routes whose host and path fit, in the order in which the table asks them. */
  *#asked(path: string | null): Generator<{ readonly route: number; readonly level: number; readonly exact: boolean }> {
    const { tree, roots } = this.#compiled;
    const bytes = Buffer.from(path ?? "/", "latin1");
    for (const level of this.#levels()) {
      let node = path === null ? roots[level] : tree.walk(roots[level], bytes, 0, bytes.length);
      if (path !== null && tree.whole) {
        for (let at = tree.exact[node]; at < tree.prefix[node]; at++)
          yield { route: tree.routes[at], level, exact: true };
      }
      for (; node >= 0; node = tree.up[node]) {
        for (let at = tree.prefix[node]; at < tree.prefixEnd[node]; at++) {
          yield { route: tree.routes[at], level, exact: false };
        }
      }
    }
  }

  *#levels(): Generator<number> {
    for (let level = this.#level; level >= 0; level = this.#compiled.hosts.next[level]) yield level;
  }

  #misfit(route: number): { readonly verdict: "method" | "field"; readonly field: string | null } | null {
    const conditions = this.#compiled.conditions[route];
    if (!conditions.fitsMethod(this.#buf, this.#head)) return { verdict: "method", field: null };
    const field = conditions.misfit(this.#buf, this.#head);
    return field < 0 ? null : { verdict: "field", field: this.#compiled.routes[route].match.headers[field].name };
  }

  /** Which of its paths it was found by: of several that fit, the longest. */
  #pathOf(route: number, exact: boolean, path: string | null): PathMatch | null {
    const { paths } = this.#compiled.routes[route].match;
    const fits = paths.filter(({ kind, value }) => {
      if ((kind === "exact") !== exact) return false;
      const prefix = value.endsWith("/") ? value.slice(0, -1) : value;
      return exact || path === null ? exact || prefix === "" : `${path}/`.startsWith(`${prefix}/`);
    });
    fits.sort((a, b) => b.value.length - a.value.length);
    return fits[0] ?? null;
  }
}
