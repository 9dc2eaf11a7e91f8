/** Paths that servers read in several ways: refused where that leads to another route, and nowhere else. */
import { describe, expect, test } from "bun:test";
import { MAX_PATH_BYTES } from "../../../../src/proxy/route/readings.ts";
import { NamedTable, type RouteWords } from "./support.ts";

const SITE: readonly RouteWords[] = [
  { name: "public", paths: ["/public"] },
  { name: "admin", paths: ["/admin"] },
  { name: "@me", paths: ["/@me"] },
  { name: "rest", paths: ["/"] },
];

function holds(title: string, routes: readonly RouteWords[], cases: Readonly<Record<string, string>>): void {
  describe(title, () => {
    const table = new NamedTable(routes);
    for (const [target, name] of Object.entries(cases)) {
      test(`${target}: ${name}`, () => expect(table.nameOf(target)).toBe(name));
    }
  });
}

holds("one spelling in all readings", SITE, {
  "/%61dmin": "admin",
  "/%61dm%69n/x": "admin",
  "/admin/%2e": "admin",
  "/admin/../admin/x": "admin",
  "/x/../y": "rest",
  "/admin%2Fx": "ambiguous",
  "/public/a%2Fb": "public",
  "/public/a%2F..%2Fb": "public",
  "/public/a;b=c/d": "public",
  "/public//x": "public",
  "/public/C:\\x": "public",
  "/public/%2541": "public",
  "/public/what%3F": "public",
  "/public/https%3A%2F%2Fother.test%2Fa%3Fb%3Dc": "public",
  "/public/%zz": "public",
  "/administrator;x": "rest",
});

holds("readings that lead elsewhere", SITE, {
  "/public/../admin": "ambiguous",
  "/admin/../public/x": "ambiguous",
  "/public/%2e%2e/admin": "ambiguous",
  "/public/..%2Fadmin": "ambiguous",
  "/public%2f..%2fadmin": "ambiguous",
  "/public/..\\admin": "ambiguous",
  "/public/..%5cadmin": "ambiguous",
  "/public/..;/admin": "ambiguous",
  "/public/..;x=y/admin": "ambiguous",
  "/public/%252e%252e/admin": "ambiguous",
  "/public/%25252e%25252e/admin": "ambiguous",
  "/public/..%252fadmin": "ambiguous",
  "/public/%%32%65%%32%65/admin": "ambiguous",
  "/public/%u002e%u002e/admin": "ambiguous",
  "/public/%c0%ae%c0%ae/admin": "ambiguous",
  "//admin": "ambiguous",
  "/./admin": "ambiguous",
  "/x//../admin": "ambiguous",
  "/admin;x": "ambiguous",
  "/;x/admin": "ambiguous",
  "/admin%00.png": "ambiguous",
  "/admin%3F.png": "ambiguous",
  "/admin%23": "ambiguous",
  "/admin%0A": "ambiguous",
  "//x/admin": "ambiguous",
  "///x/admin": "ambiguous",
  "/\\x/admin": "ambiguous",
  "//public/x": "ambiguous",
  "//public": "ambiguous",
  "/\\admin": "ambiguous",
  "/%2Fadmin": "ambiguous",
  "/%40me": "ambiguous",
  "/%2561dmin": "ambiguous",
  "/public/../%40me": "ambiguous",
});

holds("a path that one reading has no route for", [{ name: "public", paths: ["/public"] }], {
  "/public/..;/internal": "ambiguous",
  "/public/%2e%2e%2finternal": "ambiguous",
  "/public//x": "public",
  "/internal/..;/public": "none",
  "/internal%2f..%2fpublic": "none",
});

holds("where the route allows it, the normal form alone counts", [{ ...SITE[0], allow: true }, ...SITE.slice(1)], {
  "/public/..%2Fadmin": "public",
  "/public/..;/admin": "public",
  "/public/%u002e": "public",
  "/admin/../public": "public",
  "/public/../admin": "ambiguous",
  "/admin%2F..%2Fpublic": "ambiguous",
});

holds("where no path decides, nothing is looked at", [{ name: "all" }, { name: "posts", methods: ["POST"] }], {
  "/a/..;/%2e%2e%2F//%00%zz%u002e\\": "all",
});

describe("what a path may cost", () => {
  const table = new NamedTable([
    { name: "a", paths: ["/a/b"] },
    { name: "rest" },
    { name: "open", paths: ["/open/b"], allow: true },
  ]);

  test("a long one with a few octets that may be read otherwise is looked at", () => {
    expect(table.nameOf(`/a/b/${"%2F".repeat(1000)}`)).toBe("a");
    expect(table.nameOf(`/${"%61".repeat(2000)}`)).toBe("rest");
  });

  test("one with too many readings for its length is refused", () => {
    const all = "/a/b/..;%2F%5c%2541%00%40/..";
    expect(table.nameOf(`${all}${"/x".repeat(50)}`)).toBe("ambiguous");
    expect(table.nameOf(`/open/b/;%2F%5c%2541%00%40/../${"x".repeat(4000)}`)).toBe("open");
  });

  test("one that is too long to be put into normal form is refused", () => {
    expect(table.nameOf(`/a/b/%61${"x".repeat(MAX_PATH_BYTES)}`)).toBe("ambiguous");
    expect(table.nameOf(`/a/b/${"x".repeat(MAX_PATH_BYTES)}`)).toBe("a");
    expect(table.nameOf(`/a/b/%61?${"%61".repeat(MAX_PATH_BYTES)}`)).toBe("a");
  });
});
