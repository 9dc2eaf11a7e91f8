/** `neurabalancer route`: what it says, of a file with three sites. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RouteReport } from "../../../src/cli/route/report.ts";
import { neurabalancer, type Outcome } from "./spawn.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "nb-route-"));
const FILE = join(FOLDER, "sites.yaml");
writeFileSync(
  FILE,
  `timeouts:
  response_head: 20s
pools:
  shop:
    servers: [http://127.0.0.1:3001]
    timeouts: {response_head: 5s}
  canary:
    servers: [http://127.0.0.1:3002]
  blog:
    servers: [http://127.0.0.1:3003]
routes:
  - name: api
    host: shop.example
    path: /api
    split: [{pool: shop, weight: 3}, {pool: canary, weight: 1}]
    split_by: client_ip
    rewrite: {prefix: /}
    limits: {max_body: 10MB}
    request_headers: {set: {X-Key: topsecret}, remove: [Cookie]}
  - name: writes
    host: shop.example
    path: /api
    methods: [POST]
    pool: shop
  - name: beta
    host: "*.example"
    headers: {X-Beta: "1"}
    pool: canary
  - name: old
    host: old.example
    path: /
    redirect: {host: shop.example, status: 301}
  - name: away
    host: shop.example
    path: /away
    respond: {status: 503, body: gone fishing}
  - name: blog
    host: blog.example
    path: /posts
    pool: blog
`,
);
afterAll(() => rmSync(FOLDER, { recursive: true }));

function route(...args: string[]): Outcome {
  return neurabalancer(["route", ...args, "--config", FILE]);
}

function report(...args: string[]): RouteReport & { readonly code: number | null } {
  const { code, stdout } = route(...args, "--json");
  return { ...(JSON.parse(stdout) as RouteReport), code };
}

describe("neurabalancer route", () => {
  test("says which route, pools and values a request gets, and where they come from", () => {
    const { code, stdout } = route("GET", "https://shop.example/api/x?y=1");
    expect(code).toBe(0);
    for (const part of [
      /^Route +api$/m,
      /^because +the host is shop\.example, the path begins with \/api$/m,
      /^action +to one of the pools shop \(75 %\), canary \(25 %\), by client_ip$/m,
      /^rewrite +what the route's path matched becomes \/$/m,
      /^ +split_by +client_ip +\S+sites\.yaml:16:15$/m,
      /pool shop:.*timeouts\.response_head +5000 \(5s\) +\S+sites\.yaml:6:.*pool canary:/s,
      /pool canary:.*timeouts\.response_head +20000 \(20s\) +\S+sites\.yaml:2:/s,
      /pool canary:.*limits\.max_body +10000000 \(10MB\) +\S+sites\.yaml:18:/s,
      /^ +writes +host and path fit, the method does not$/m,
      /^ +beta +host, path and method fit, the field x-beta does not$/m,
      /^ +old +the host is another$/m,
      /^ +away +the path is another$/m,
    ]) {
      expect(stdout).toMatch(part);
    }
    expect(stdout).not.toContain("topsecret");
  });

  test("the same as JSON", () => {
    const { code, outcome, pools, considered, request_headers } = report("POST", "shop.example/api");
    expect([code, outcome]).toEqual([0, "route"]);
    expect(pools.map(({ name, share }) => [name, share])).toEqual([["shop", 100]]);
    expect(considered.slice(0, 2)).toMatchObject([
      { route: "writes", verdict: "taken", host: "shop.example", path: { kind: "prefix", value: "/api" } },
      { route: "api", verdict: "fits" },
    ]);
    expect(request_headers).toBeNull();
    expect(JSON.stringify(report("GET", "shop.example/api"))).not.toContain("topsecret");
  });

  test("header fields and Host are those of -H", () => {
    expect(report("GET", "/x", "-H", "Host: a.example", "-H", "X-Beta: 1").route).toBe("beta");
    expect(report("GET", "http://blog.example/posts", "-H", "Host: old.example").route).toBe("old");
  });

  test("other actions are told", () => {
    expect(report("GET", "http://shop.example/away").action).toEqual({
      kind: "respond",
      status: 503,
      content_type: "text/plain; charset=utf-8",
    });
    expect(route("GET", "http://old.example/a").stdout).toMatch(/^action +a redirect, 301: host shop\.example$/m);
    expect(route("GET", "http://shop.example/away").stdout).toMatch(/^action +a fixed response, 503$/m);
  });

  test("what is taken over of route_defaults is told with what the route says, not what it has of its own", () => {
    const file = join(FOLDER, "defaults.yaml");
    writeFileSync(
      file,
      `pools: {default: {servers: [http://127.0.0.1:3001]}}
route_defaults:
  compression: {min_size: 2KiB}
  response_headers: {set: {x-a: b}}
routes:
  - {name: own, path: /own, pool: default, compression: null, response_headers: {set: {x-a: c}}}
  - {name: rest, pool: default}
`,
    );
    const said = (path: string) => {
      const { stdout } = neurabalancer(["route", "GET", `http://a${path}`, "--json", "--config", file]);
      return (JSON.parse(stdout) as RouteReport).said.map(({ name, value }) => `${name} ${value}`);
    };
    expect(said("/own")).toEqual(["name own", "path /own", "pool default", "response_headers.set.x-a c"]);
    expect(said("/")).toEqual([
      "name rest",
      "pool default",
      "route_defaults.compression.min_size 2KiB",
      "route_defaults.response_headers.set.x-a b",
    ]);
  });

  test("a request below /api/v1/request is another one, and the balancer's own paths are no route's", () => {
    expect(report("GET", "blog.example/api/v1/request/posts").route).toBe("blog");
    expect(report("GET", "blog.example/health/live")).toMatchObject({
      code: 0,
      outcome: "balancer",
      route: "/health/live",
    });
  });

  test("no route is exit code 1", () => {
    const { code, stdout } = route("GET", "https://shop.example/none");
    expect(code).toBe(1);
    expect(stdout).toContain("answers 404 (no_route)");
  });

  test("an ambiguous path is exit code 1, and shows the readings", () => {
    const { code, stdout } = route("GET", "https://shop.example/api/..%2Faway");
    expect(code).toBe(1);
    expect(stdout).toContain("answers 400 (ambiguous_path)");
    expect(stdout).toContain("/api/..%2Faway would be the route api's (in normal form)");
    expect(stdout).toContain("/away would be the route away's (%2F separates segments)");
  });

  test("wrong use is exit code 2, with what would be right", () => {
    const cases: readonly (readonly [args: readonly string[], words: string])[] = [
      [["GET"], "missing required argument 'url'"],
      [["https://shop.example/x"], "as in: neurabalancer route GET https://"],
      [["GET", "/x", "--nonsense"], "unknown option"],
      [["GET", "ftp://shop.example/"], "write https://shop.example/path"],
      [["GET", "shop.example/", "-H", "nonsense"], 'write it as "Name: value"'],
      [["GE T", "shop.example/"], "is refused with 400"],
      [["CONNECT", "shop.example:443"], "is refused with"],
    ];
    for (const [args, words] of cases) {
      const { code, stdout, stderr } = route(...args);
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(words)]);
    }
  });

  test("so is a configuration that cannot be used", () => {
    const { code, stderr } = neurabalancer(["route", "GET", "/"], {}, FOLDER);
    expect(code).toBe(2);
    expect(stderr).toContain("SERVERS");
  });

  test("of SERVERS alone there is one route", () => {
    const { code, stdout } = neurabalancer(["route", "GET", "/a/../b"], { SERVERS: "http://127.0.0.1:1" }, FOLDER);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Route +\/\*$/m);
    expect(stdout).toMatch(/^because +every host, every path$/m);
  });
});
