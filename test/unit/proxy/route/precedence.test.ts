/**
 * Which of several routes that fit takes the request: the rules of the Kubernetes Gateway API (HTTPRoute), case by case as
 * its conformance tests have them. A rule there with several matches is several routes here that have one name.
 */
import { describe, expect, test } from "bun:test";
import { NamedTable, type RequestWords, type RouteWords } from "./support.ts";

type Case = readonly [request: RequestWords, name: string];

function holds(title: string, routes: readonly RouteWords[], cases: readonly Case[]): void {
  describe(title, () => {
    const table = new NamedTable(routes);
    for (const [request, name] of cases) {
      const { method = "GET", host = "", target = "/", fields = [] } = request;
      test(`${[method, host + target, ...fields].join(" ")}: ${name}`, () => {
        expect(table.nameFor(request)).toBe(name);
      });
    }
  });
}

holds(
  "path or header field",
  [
    { name: "v1", paths: ["/"] },
    { name: "v1", headers: { version: "one" } },
    { name: "v2", paths: ["/v2"] },
    { name: "v2", headers: { version: "two" } },
  ],
  [
    [{ target: "/" }, "v1"],
    [{ target: "/example" }, "v1"],
    [{ fields: ["Version: one"] }, "v1"],
    [{ target: "/v2" }, "v2"],
    [{ target: "/v2/example" }, "v2"],
    [{ fields: ["Version: two"] }, "v2"],
    [{ target: "/v2/" }, "v2"],
    [{ target: "/v2example" }, "v1"],
    [{ target: "/foo/v2/example" }, "v1"],
  ],
);

holds(
  "exact paths",
  [
    { name: "v1", exact: ["/one"] },
    { name: "v2", exact: ["/two"] },
  ],
  [
    [{ target: "/one" }, "v1"],
    [{ target: "/two" }, "v2"],
    [{ target: "/" }, "none"],
    [{ target: "/one/example" }, "none"],
    [{ target: "/two/" }, "none"],
    [{ target: "/Two" }, "none"],
  ],
);

holds(
  "an exact path before a prefix, a longer prefix before a shorter one",
  [
    { name: "v1", exact: ["/match"] },
    { name: "v2", exact: ["/match/exact"] },
    { name: "v3", exact: ["/match/exact/one"] },
    { name: "v3", paths: ["/match/"] },
    { name: "v1", paths: ["/match/prefix/"] },
    { name: "v2", paths: ["/match/prefix/one"] },
  ],
  [
    [{ target: "/match/exact/one" }, "v3"],
    [{ target: "/match/exact" }, "v2"],
    [{ target: "/match" }, "v1"],
    [{ target: "/match/prefix/one/any" }, "v2"],
    [{ target: "/match/prefix/any" }, "v1"],
    [{ target: "/match/any" }, "v3"],
    [{ target: "/match/" }, "v3"],
  ],
);

holds(
  "header fields",
  [
    { name: "v1", headers: { version: "one" } },
    { name: "v2", headers: { version: "two" } },
    { name: "v1", headers: { version: "two", color: "orange" } },
    { name: "v1", headers: { color: "blue" } },
    { name: "v1", headers: { color: "green" } },
    { name: "v2", headers: { color: "red" } },
    { name: "v2", headers: { color: "yellow" } },
  ],
  [
    [{ fields: ["Version: one"] }, "v1"],
    [{ fields: ["Version: two"] }, "v2"],
    [{ fields: ["Version: two", "Color: orange"] }, "v1"],
    [{ fields: ["Version: two", "Color: blue"] }, "v2"],
    [{ fields: ["Color: orange"] }, "none"],
    [{ fields: ["Some-Other-Header: one"] }, "none"],
    [{ fields: ["Color: blue"] }, "v1"],
    [{ fields: ["Color: green"] }, "v1"],
    [{ fields: ["Color: red"] }, "v2"],
    [{ fields: ["Color: yellow"] }, "v2"],
    [{ fields: ["Color: purple"] }, "none"],
  ],
);

holds(
  "methods",
  [
    { name: "v1", methods: ["POST"] },
    { name: "v2", methods: ["GET"] },
    { name: "v1", methods: ["GET"], paths: ["/path1"] },
    { name: "v2", methods: ["PUT"], headers: { version: "one" } },
    { name: "v3", methods: ["POST"], paths: ["/path2"], headers: { version: "two" } },
    { name: "v1", methods: ["PATCH"], paths: ["/path3"] },
    { name: "v1", methods: ["DELETE"], paths: ["/path4"], headers: { version: "three" } },
    { name: "v1", paths: ["/path5"] },
    { name: "v2", methods: ["PATCH"] },
    { name: "v3", headers: { version: "four" } },
  ],
  [
    [{ method: "POST" }, "v1"],
    [{ method: "GET" }, "v2"],
    [{ method: "HEAD" }, "none"],
    [{ method: "GET", target: "/path1" }, "v1"],
    [{ method: "PUT", fields: ["version: one"] }, "v2"],
    [{ method: "POST", target: "/path2", fields: ["version: two"] }, "v3"],
    [{ method: "PATCH", target: "/path3" }, "v1"],
    [{ method: "DELETE", target: "/path4", fields: ["version: three"] }, "v1"],
    [{ method: "PUT" }, "none"],
    [{ method: "DELETE", target: "/path4" }, "none"],
    [{ method: "PATCH", target: "/path5" }, "v1"],
    [{ method: "PATCH", fields: ["version: four"] }, "v2"],
    [{ method: "HEAD", fields: ["version: four"] }, "v3"],
  ],
);

holds(
  "over several routes of a host",
  [
    { name: "v1", hosts: ["example.com", "example.net"], paths: ["/"] },
    { name: "v1", hosts: ["example.com", "example.net"], headers: { version: "one" } },
    { name: "v2", hosts: ["example.com"], paths: ["/v2"] },
    { name: "v2", hosts: ["example.com"], headers: { version: "two" } },
  ],
  [
    [{ host: "example.com" }, "v1"],
    [{ host: "example.com", target: "/example" }, "v1"],
    [{ host: "example.net", target: "/example" }, "v1"],
    [{ host: "example.com", target: "/example", fields: ["Version: one"] }, "v1"],
    [{ host: "example.com", target: "/v2" }, "v2"],
    [{ host: "example.net", target: "/v2" }, "v1"],
    [{ host: "example.com", target: "/v2/example" }, "v2"],
    [{ host: "example.com", fields: ["Version: two"] }, "v2"],
  ],
);

holds(
  "hosts, exact and with a wildcard",
  [
    { name: "v1", hosts: ["bar.com"] },
    { name: "v2", hosts: ["foo.bar.com"] },
    { name: "v3", hosts: ["*.bar.com", "*.foo.com"] },
  ],
  [
    [{ host: "bar.com" }, "v1"],
    [{ host: "foo.bar.com" }, "v2"],
    [{ host: "baz.bar.com" }, "v3"],
    [{ host: "boo.bar.com" }, "v3"],
    [{ host: "multiple.prefixes.bar.com" }, "v3"],
    [{ host: "multiple.prefixes.foo.com" }, "v3"],
    [{ host: "foo.com" }, "none"],
    [{ host: "no.matching.host" }, "none"],
  ],
);

holds(
  "hosts and paths",
  [
    { name: "s1", hosts: ["very.specific.com"], paths: ["/s1"] },
    { name: "s2", hosts: ["foo.wildcard.io", "bar.wildcard.io", "foo.bar.wildcard.io"], paths: ["/s2"] },
    { name: "s3", hosts: ["very.specific.com"], paths: ["/s3"] },
    { name: "s4", hosts: ["*.anotherwildcard.io"], paths: ["/s4"] },
  ],
  [
    [{ host: "very.specific.com", target: "/s1" }, "s1"],
    [{ host: "very.specific.com:1234", target: "/s1" }, "s1"],
    [{ host: "non.matching.com", target: "/s1" }, "none"],
    [{ host: "foo.wildcard.io", target: "/s1" }, "none"],
    [{ host: "very.specific.com", target: "/non-matching-prefix" }, "none"],
    [{ host: "foo.wildcard.io", target: "/s2" }, "s2"],
    [{ host: "foo.bar.wildcard.io", target: "/s2" }, "s2"],
    [{ host: "wildcard.io", target: "/s2" }, "none"],
    [{ host: "very.specific.com", target: "/s3" }, "s3"],
    [{ host: "foo.specific.com", target: "/s3" }, "none"],
    [{ host: "foo.anotherwildcard.io", target: "/s4" }, "s4"],
    [{ host: "foo.bar.anotherwildcard.io", target: "/s4" }, "s4"],
    [{ host: "anotherwildcard.io", target: "/s4" }, "none"],
    [{ host: "foo.wildcard.io", target: "/s4" }, "none"],
  ],
);

holds(
  "the host comes before the path, and what it has no route for falls to the next",
  [
    { name: "any", paths: ["/"] },
    { name: "any /api/v2", paths: ["/api/v2"] },
    { name: "*.shop", hosts: ["*.shop.test"], paths: ["/api"] },
    { name: "*.eu.shop", hosts: ["*.eu.shop.test"], methods: ["POST"] },
    { name: "www", hosts: ["www.eu.shop.test"], exact: ["/api/v2"] },
  ],
  [
    [{ host: "www.eu.shop.test", target: "/api/v2" }, "www"],
    [{ host: "www.eu.shop.test", target: "/api/v2/x" }, "*.shop"],
    [{ host: "www.eu.shop.test", target: "/api/v2/x", method: "POST" }, "*.eu.shop"],
    [{ host: "de.eu.shop.test", target: "/api/v2" }, "*.shop"],
    [{ host: "de.eu.shop.test", target: "/x" }, "any"],
    [{ host: "shop.test", target: "/api/v2" }, "any /api/v2"],
    [{ host: "eu.shop.test", target: "/api/v2" }, "*.shop"],
  ],
);

holds(
  "a method before more header fields, more fields before the order of the configuration",
  [
    { name: "first", paths: ["/a"] },
    { name: "second", paths: ["/a"] },
    { name: "one field", paths: ["/a"], headers: { a: "1" } },
    { name: "two fields", paths: ["/a"], headers: { a: "1", b: "*" } },
    { name: "method", paths: ["/a"], methods: ["PUT", "QUERY"] },
    { name: "method and field", paths: ["/a"], methods: ["PUT"], headers: { c: "3" } },
    { name: "shorter", methods: ["PUT"], headers: { a: "1", b: "2", c: "3" } },
  ],
  [
    [{ target: "/a" }, "first"],
    [{ target: "/a", fields: ["A: 1"] }, "one field"],
    [{ target: "/a", fields: ["A: 1", "B: x"] }, "two fields"],
    [{ target: "/a", method: "PUT", fields: ["A: 1", "B: x"] }, "method"],
    [{ target: "/a", method: "QUERY" }, "method"],
    [{ target: "/a", method: "query" }, "first"],
    [{ target: "/a", method: "PUT", fields: ["A: 1", "B: 2", "C: 3"] }, "method and field"],
    [{ target: "/", method: "PUT", fields: ["A: 1", "B: 2", "C: 3"] }, "shorter"],
    [{ target: "/", method: "PUT", fields: ["A: 1", "B: 2"] }, "none"],
  ],
);
