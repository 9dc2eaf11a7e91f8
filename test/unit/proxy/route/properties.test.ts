/**
 * What holds for every table and every path: the compiled table does what the plain rules say, and no spelling of a path
 * gets past a route. Seeded: a failure names its seed.
 */
import { expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { AMBIGUOUS, NO_ROUTE, RouteTable } from "../../../../src/proxy/route/route-table.ts";
import { MODEL_SERVERS } from "./model-servers.ts";
import { normalForm, percent, referenceMatch } from "./reference.ts";
import { parsed, type RouteWords, routeOf } from "./support.ts";

const TABLES = 60;
const PATHS = 60;

const HOSTS = ["a.test", "b.a.test", "c.b.a.test", "test", "other.test"];
const PATTERNS = [...HOSTS, "*.test", "*.a.test", "*.b.a.test"];
const SEGMENTS = ["a", "b", "c", "a.b", "~a", "a;b", "@c", "%2F", "a%20b", ""];
const PLAIN_SEGMENTS = ["a", "b", "c", "a.b", "~a", "a%20b", "ab", ":c"];
const METHODS = ["GET", "POST", "QUERY"];

type Random = () => number;

function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)];
}

function some<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: Math.floor(random() * (most + 1)) }, make);
}

/** A path in normal form. */
function plainPath(random: Random): string {
  const segments = some(random, 3, () => pick(random, random() < 0.7 ? SEGMENTS.slice(0, 3) : SEGMENTS));
  return `/${segments.join("/")}`;
}

function randomRoutes(random: Random, plain: boolean): RouteWords[] {
  return Array.from({ length: 1 + Math.floor(random() * 8) }, (_, index) => ({
    name: `route ${index}`,
    hosts: random() < 0.5 ? [] : some(random, 2, () => pick(random, PATTERNS)),
    paths: some(random, 2, () => plainPath(random)),
    exact: random() < 0.3 ? [plainPath(random)] : [],
    methods: plain || random() < 0.7 ? [] : some(random, 2, () => pick(random, METHODS)),
    headers: plain || random() < 0.7 ? {} : { [pick(random, ["x", "y"])]: pick(random, ["1", "2", "*"]) },
    allow: false,
  }));
}

const SEPARATORS = [
  "/",
  "/",
  "/",
  "//",
  "/./",
  "/c/../",
  "%2F",
  "%2f",
  "\\",
  "%5c",
  "%252F",
  "/;x/",
  "/%2e/",
  "/a/%2E./",
];
const TAILS = [
  "",
  "",
  "",
  "",
  "/..",
  "/.",
  "/",
  ";p",
  "%00",
  "%3fx",
  "/..;x/a",
  "%zz",
  "%",
  "/%2e%2e/b",
  "\\..\\b",
  "//",
];
const STRAYS = [
  "..",
  "%2e%2e",
  "%252e%252e",
  "..;",
  "..%00",
  ".",
  "%2525",
  "%u002e",
  "%c0%af",
  "..%5c",
  "a%3Bb",
  "%40c",
];

/** A path that means nothing in particular, in a spelling that is as odd as they come. */
function oddPath(random: Random): string {
  let path = "";
  for (const segment of plainPath(random).slice(1).split("/")) {
    path += path === "" ? pick(random, ["/", "/", "/", "//", "/../"]) : pick(random, SEPARATORS);
    path += random() < 0.15 ? pick(random, STRAYS) : respelled(random, segment);
  }
  return path + pick(random, TAILS);
}

/** Some of its characters encoded, once or twice. */
function respelled(random: Random, segment: string): string {
  return segment.replace(/%[0-9A-F]{2}|./g, (character) => {
    const dice = random();
    if (character.startsWith("%")) return dice < 0.5 ? character : character.toLowerCase();
    if (dice < 0.8) return character;
    if (dice < 0.9) return percent(character);
    if (dice < 0.97) return percent(character).toLowerCase();
    return percent(character).replace("%", "%25");
  });
}

function matchOf(table: RouteTable, method: string, host: string, target: string, fields: readonly string[]): number {
  const { buf, head } = parsed({ method, host, target, fields });
  return table.match(buf, head, head.pathStart, head.targetEnd);
}

test("a request goes where the plain rules say", () => {
  for (let seed = 1; seed <= TABLES; seed++) {
    const random = seededRandom(seed).next;
    const routes = randomRoutes(random, false).map(routeOf);
    const table = new RouteTable(routes);
    for (let i = 0; i < PATHS; i++) {
      // What is ambiguous has a test of its own.
      const path = `/${some(random, 4, () => pick(random, PLAIN_SEGMENTS)).join("/")}`;
      const method = pick(random, METHODS);
      const host = pick(random, HOSTS);
      const fields = some(random, 2, () => [pick(random, ["x", "y"]), pick(random, ["1", "2"])] as const);
      const expected = referenceMatch(routes, { method, host, path, fields });
      const got = matchOf(
        table,
        method,
        host,
        `${path}?a//../b`,
        fields.map(([name, value]) => `${name.toUpperCase()}: ${value}`),
      );
      expect([seed, host, path, got]).toEqual([seed, host, path, expected]);
    }
  }
});

test("no spelling of a path reaches another route than its normal form", () => {
  const seen = { matched: 0, none: 0, refused: 0 };
  for (let seed = 1; seed <= TABLES; seed++) {
    const random = seededRandom(seed).next;
    const routes = randomRoutes(random, true).map(routeOf);
    const table = new RouteTable(routes);
    const allowing = new RouteTable(routes.map((route) => ({ ...route, ambiguousPaths: "allow" as const })));
    for (let i = 0; i < PATHS; i++) {
      const target = oddPath(random);
      const host = pick(random, HOSTS);
      const expected = referenceMatch(routes, { method: "GET", host, path: normalForm(target), fields: [] });
      const got = matchOf(table, "GET", host, target, []);
      if (got === AMBIGUOUS) seen.refused++;
      else expect([seed, host, target, got]).toEqual([seed, host, target, expected]);
      if (got === NO_ROUTE) seen.none++;
      if (got >= 0) seen.matched++;
      const allowed = matchOf(allowing, "GET", host, target, []);
      expect([seed, host, target, allowed]).toEqual([seed, host, target, expected]);
    }
  }
  // None of the three is a rarity: else the property would say little.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan((TABLES * PATHS) / 20);
});

test.each(Object.entries(MODEL_SERVERS))("what a server reads is never another route's: one that %s", (_, reads) => {
  let passed = 0;
  let other = 0;
  for (let seed = 1; seed <= TABLES; seed++) {
    const random = seededRandom(seed).next;
    const routes = randomRoutes(random, true).map(routeOf);
    const table = new RouteTable(routes);
    for (let i = 0; i < PATHS; i++) {
      const target = oddPath(random);
      const host = pick(random, HOSTS);
      const got = matchOf(table, "GET", host, target, []);
      const path = reads(target);
      const meant = referenceMatch(routes, { method: "GET", host, path, fields: [] });
      if (got >= 0) {
        passed++;
        expect([seed, host, target, path, got]).toEqual([seed, host, target, path, meant]);
      } else if (got === AMBIGUOUS) {
        const normal = referenceMatch(routes, { method: "GET", host, path: normalForm(target), fields: [] });
        if (meant !== normal) other++;
      }
    }
  }
  expect(passed).toBeGreaterThan(1000);
  // It would have got past a route otherwise, now and then.
  expect(other).toBeGreaterThan(0);
});
