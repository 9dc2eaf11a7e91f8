/** How hosts, targets, methods and fields are written, and what of it counts. */
import { describe, expect, spyOn, test } from "bun:test";
import { Conditions } from "../../../../src/proxy/route/conditions.ts";
import { RouteTable } from "../../../../src/proxy/route/route-table.ts";
import { NamedTable, parsed, type RouteWords, routeOf } from "./support.ts";

describe("the host", () => {
  const table = new NamedTable([
    { name: "shop", hosts: ["shop.example"] },
    { name: "below", hosts: ["*.shop.example"] },
    { name: "v6", hosts: ["[2001:db8::1]"] },
    { name: "v4", hosts: ["192.0.2.1"] },
    { name: "other" },
  ]);
  const cases: Readonly<Record<string, string>> = {
    "shop.example": "shop",
    "SHOP.Example": "shop",
    "shop.example:8080": "shop",
    "shop.example:": "shop",
    "shop.example.": "shop",
    "shop.example.:443": "shop",
    "shop.example..": "shop",
    "a.shop.example": "below",
    "A.B.SHOP.EXAMPLE.:1": "below",
    ".shop.example": "other",
    "ashop.example": "other",
    "shop.example.test": "other",
    "[2001:db8::1]": "v6",
    "[2001:DB8::1]:80": "v6",
    "[2001:db8::2]": "other",
    "192.0.2.1:80": "v4",
    "x.192.0.2.1": "other",
    "sh%6Fp.example": "ambiguous",
    "x%2Eshop.example": "ambiguous",
    "-": "other",
    ".": "other",
    [`${"a.".repeat(2000)}shop.example`]: "below",
  };
  for (const [host, name] of Object.entries(cases)) {
    test(`${host.slice(-30)}: ${name}`, () => expect(table.nameFor({ host })).toBe(name));
  }

  test("of an absolute target counts, not Host", () => {
    expect(table.nameFor({ host: "other.test", target: "http://shop.example:1/x" })).toBe("shop");
    expect(table.nameFor({ host: "shop.example", target: "http://other.test" })).toBe("other");
  });

  test("is read as it is where no route has one", () => {
    expect(new NamedTable([{ name: "all" }]).nameFor({ host: "sh%6Fp.example" })).toBe("all");
  });
});

describe("the target", () => {
  const table = new NamedTable([
    { name: "root", exact: ["/"] },
    { name: "slash", exact: ["/a/"] },
    { name: "a", paths: ["/a"] },
    { name: "post", paths: ["/post/"], methods: ["POST"] },
    { name: "options", methods: ["OPTIONS"] },
    { name: "unicode", paths: ["/ü b"] },
    { name: "double", paths: ["/d//e"] },
    { name: "spelled", paths: ["/%7Euser/./x"] },
  ]);
  const cases: Readonly<Record<string, string>> = {
    "/": "root",
    "/?a=/b": "root",
    "http://example.test": "root",
    "http://example.test?q": "root",
    "/a": "a",
    "/a?": "a",
    "/a/": "slash",
    "/a/?/../b": "slash",
    "/a/x": "a",
    "/ab": "none",
    "/A": "none",
    "https://example.test/a/b": "a",
    "/%C3%BC%20b/c": "unicode",
    "/%c3%bc%20b/c": "unicode",
    "/~user/x": "spelled",
    "/post": "none",
  };
  for (const [target, name] of Object.entries(cases)) {
    test(`${target}: ${name}`, () => expect(table.nameOf(target)).toBe(name));
  }

  test("with a method", () => {
    expect(table.nameFor({ method: "POST", target: "/post" })).toBe("post");
    expect(table.nameFor({ method: "OPTIONS", target: "/post/x" })).toBe("options");
  });

  test("* is none of the paths, but every prefix / takes it", () => {
    expect(table.nameFor({ method: "OPTIONS", target: "*" })).toBe("options");
    expect(new NamedTable([{ name: "root", exact: ["/"] }]).nameFor({ method: "OPTIONS", target: "*" })).toBe("none");
  });

  test("is matched from where it is said to begin", () => {
    const { buf, head } = parsed({ target: "/api/v1/request/a?x" });
    const start = head.pathStart + "/api/v1/request".length;
    expect(table.table.match(buf, head, start, head.targetEnd)).toBe(2);
    expect(table.table.match(buf, head, start + 2, head.targetEnd)).toBe(0);
    expect(table.table.match(buf, head, head.targetEnd, head.targetEnd)).toBe(0);
  });

  test("with an empty segment is refused where leaving it out leads elsewhere", () => {
    expect(table.nameOf("/d//e")).toBe("ambiguous");
  });
});

describe("a field", () => {
  const table = new NamedTable([
    { name: "value", headers: { "X-Site": "one" } },
    { name: "there", headers: { "x-any": "*" } },
    { name: "host", headers: { host: "field.test" } },
    { name: "rest" },
  ]);
  const cases: readonly (readonly [fields: readonly string[], name: string])[] = [
    [["x-site: one"], "value"],
    [["X-SITE:   one  "], "value"],
    [["X-Site: One"], "rest"],
    [["X-Site: one, one"], "rest"],
    [["X-Site: one", "x-site: one"], "rest"],
    [["X-Site: two", "x-site: one"], "rest"],
    [["X-Site-: one"], "rest"],
    [["X-Any:"], "there"],
    [["X-Any: 1", "X-Any: 2"], "there"],
    [[], "rest"],
  ];
  for (const [fields, name] of cases) {
    test(`${fields.join(" | ")}: ${name}`, () => expect(table.nameFor({ fields })).toBe(name));
  }

  test("may be Host itself", () => expect(table.nameFor({ host: "field.test" })).toBe("host"));
});

describe("a table", () => {
  test("of one route without conditions takes everything, no other does", () => {
    const takes = (...routes: RouteWords[]): boolean => new RouteTable(routes.map(routeOf)).takesEverything;
    expect(takes({ name: "all" })).toBe(true);
    expect(takes({ name: "all", paths: ["/a", "/"] })).toBe(true);
    expect(takes({ name: "host", hosts: ["a.test"] })).toBe(false);
    expect(takes({ name: "path", exact: ["/"] })).toBe(false);
    expect(takes({ name: "method", methods: ["GET"] })).toBe(false);
    expect(takes({ name: "field", headers: { a: "*" } })).toBe(false);
    expect(takes({ name: "one" }, { name: "two" })).toBe(false);
    expect(takes()).toBe(false);
  });

  test("of no routes has none", () => expect(new NamedTable([]).nameOf("/a/../b")).toBe("none"));

  test("of a thousand routes finds each of them", () => {
    const words = Array.from({ length: 1000 }, (_, i) => ({
      name: `route ${i}`,
      hosts: [i % 3 === 0 ? `*.site${i % 100}.test` : `site${i % 100}.test`],
      paths: [`/${i}/a`],
    }));
    const table = new NamedTable(words);
    for (const [i, { name, hosts }] of words.entries()) {
      const host = hosts[0].replace("*", "any.where");
      expect(table.nameFor({ host, target: `/${i}/a/x` })).toBe(name);
      expect(table.nameFor({ host, target: `/${i}/b` })).toBe("none");
      expect(table.nameFor({ host: `x${host}`, target: `/${i}/a` })).toBe(hosts[0].startsWith("*") ? name : "none");
    }
  });
});

describe("a field that only proxies may set", () => {
  const table = new NamedTable([
    { name: "office", headers: { "X-Real-IP": "10.0.0.1" } },
    { name: "secure", headers: { x_forwarded_proto: "*" } },
    { name: "beta", headers: { "X-Site": "beta" } },
    { name: "rest" },
  ]);

  test.each([
    ["X-Real-IP: 10.0.0.1", "office", "rest"],
    ["x_forwarded_proto: https", "secure", "rest"],
    ["X-Site: beta", "beta", "beta"],
  ])("%s", (field, trusted, other) => {
    expect(table.nameFor({ fields: [field] })).toBe(trusted);
    expect(table.nameFor({ fields: [field] }, false)).toBe(other);
  });
});

test("the conditions of a route are looked at once for all readings of a path", () => {
  const routes = [0, 1, 2].map((value) => ({ name: `${value}`, headers: { "x-canary": `${value}` } }));
  const table = new NamedTable([...routes, { name: "deep", paths: ["/q/p"] }, { name: "rest" }]);
  const fit = spyOn(Conditions.prototype, "fit");
  try {
    expect(table.nameFor({ target: "/%2e/q%5C;%252f" })).toBe("rest");
    expect(fit.mock.calls.length).toBeLessThan(100); // there are more than a thousand readings
    expect(table.nameFor({ target: "/%2e/q%5C;%252f", fields: ["x-canary: 2"] })).toBe("2");
  } finally {
    fit.mockRestore();
  }
});
