/** Why a request takes its route: what was looked at, and what was passed over. */
import { describe, expect, test } from "bun:test";
import { explainRoute, type RouteExplanation } from "../../../../src/proxy/route/explain.ts";
import { MAX_PATH_BYTES } from "../../../../src/proxy/route/readings.ts";
import { AMBIGUOUS, NO_ROUTE, RouteTable } from "../../../../src/proxy/route/route-table.ts";
import { parsed, type RequestWords, type RouteWords, routeOf } from "./support.ts";

const SITE: readonly RouteWords[] = [
  { name: "rest" },
  { name: "api", hosts: ["shop.test"], paths: ["/api"] },
  { name: "writes", hosts: ["shop.test"], paths: ["/api"], methods: ["POST"] },
  { name: "beta", hosts: ["*.test"], paths: ["/api/v2", "/api"], headers: { "X-Beta": "1" } },
  { name: "exact", hosts: ["*.test"], exact: ["/api/v2"] },
  { name: "admin", hosts: ["shop.test"], paths: ["/admin"] },
  { name: "other", hosts: ["other.example"] },
];

function explained(words: RequestWords, site = SITE): RouteExplanation {
  const { buf, head } = parsed(words);
  return explainRoute(site.map(routeOf), buf, head, head.pathStart, head.targetEnd);
}

/** `name: verdict` of each, in order. */
function considered(words: RequestWords): string[] {
  return explained(words).considered.map(({ route, verdict, field }) => {
    return `${SITE[route].name}: ${verdict}${field === null ? "" : ` ${field}`}`;
  });
}

describe("what was considered", () => {
  test("is in the order of precedence, then what was not asked", () => {
    expect(considered({ host: "shop.test", target: "/api/v2?x" })).toEqual([
      "writes: method",
      "api: taken",
      "exact: fits",
      "beta: field x-beta",
      "rest: fits",
      "admin: path",
      "other: host",
    ]);
    expect(considered({ host: "a.test", target: "/api/v2/x", fields: ["X-Beta: 1"] }).slice(0, 3)).toEqual([
      "beta: taken",
      "rest: fits",
      "api: host",
    ]);
  });

  test("says by which host and which path", () => {
    const { considered: all } = explained({ host: "shop.test", target: "/api/v2/x", fields: ["X-Beta: 1"] });
    const beta = all.find(({ route }) => SITE[route].name === "beta");
    expect(beta).toMatchObject({ verdict: "fits", host: "*.test", path: { kind: "prefix", value: "/api/v2" } });
    expect(all.find(({ route }) => SITE[route].name === "rest")).toMatchObject({ host: null, path: { value: "/" } });
  });

  test("is everything, and nothing taken, where no route fits", () => {
    const { route, considered: all } = explained({ target: "/x" }, SITE.slice(1));
    expect(route).toBe(NO_ROUTE);
    expect(all.map(({ verdict }) => verdict)).not.toContain("taken");
    expect(all).toHaveLength(SITE.length - 1);
  });
});

describe("the path", () => {
  test("is in normal form", () => {
    expect(explained({ host: "shop.test", target: "/%61pi/./x?y" })).toMatchObject({ route: 1, path: "/api/x" });
    expect(explained({ host: "shop.test", target: "http://shop.test" }).path).toBe("/");
  });

  test("has no part in OPTIONS *, nor where no route has one", () => {
    expect(explained({ method: "OPTIONS", host: "shop.test", target: "*" })).toMatchObject({ route: 0, path: "" });
    expect(explained({ target: "/a/../b" }, [{ name: "all" }])).toMatchObject({ route: 0, path: "" });
  });
});

describe("an ambiguous request", () => {
  test("shows a reading for each route that one leads to", () => {
    const { route, readings } = explained({ host: "shop.test", target: "/api/..%2Fadmin" });
    expect(route).toBe(AMBIGUOUS);
    expect(readings).toEqual([
      { path: "/api/..%2Fadmin", because: [], route: 1 },
      { path: "/admin", because: ["%2F separates segments"], route: 5 },
    ]);
  });

  test("says what is not known, or too much", () => {
    expect(explained({ host: "shop.test", target: "/api/%u002e" }).refusal).toContain("no standard");
    const long = `/api/%2e%2e/;%2F%40${"/x".repeat(1000)}`;
    expect(explained({ host: "shop.test", target: long }).refusal).toContain("too many ways");
    const longer = `/api/%61${"x".repeat(MAX_PATH_BYTES)}`;
    expect(explained({ host: "shop.test", target: longer }).refusal).toContain("at most");
    expect(explained({ host: "sh%6Fp.test" }).refusal).toContain("host");
  });
});

test("the explanation and the table agree", () => {
  const table = new RouteTable(SITE.map(routeOf));
  for (const host of ["shop.test", "a.test", "other.example", "else"]) {
    for (const target of ["/", "/api", "/api/", "/api/v2", "/api/v2/x", "/admin", "/api/../x", "/api;x", "/a%2Fb"]) {
      for (const fields of [[], ["X-Beta: 1"]]) {
        const { buf, head } = parsed({ host, target, fields });
        const route = table.match(buf, head, head.pathStart, head.targetEnd);
        const explanation = explained({ host, target, fields });
        expect([host, target, explanation.route]).toEqual([host, target, route]);
        const taken = explanation.considered.find(({ verdict }) => verdict === "taken");
        if (route !== AMBIGUOUS) expect(taken?.route ?? NO_ROUTE).toBe(route);
        else expect(explanation.readings.length > 1 || explanation.refusal !== null).toBe(true);
      }
    }
  }
});
