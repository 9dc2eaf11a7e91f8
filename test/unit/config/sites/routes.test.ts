/** Routes of the file: what they come to, what they are called, and what is said of wrong ones. */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { changesBetween } from "../../../../src/config/changes.ts";
import { ConfigFile } from "./fixture.ts";

const file = new ConfigFile();
afterAll(() => file.remove());

const POOLS = "pools: {a: {servers: [http://a:1]}, b: {servers: [http://b:1]}}\n";
const routesOf = (text: string, env: Record<string, string> = {}) => file.right(`${POOLS}${text}`, env).config.routes;
const namesOf = (text: string) => routesOf(text).map(({ name }) => name);

describe("a route", () => {
  test("that says little takes everything and changes nothing", () => {
    expect(routesOf("routes: [{pool: a}]")).toEqual([
      {
        name: "/*",
        match: { hosts: [], paths: [{ kind: "prefix", value: "/" }], methods: [], headers: [] },
        clients: null,
        action: { kind: "forward", targets: [{ pool: "a", weight: 1 }], splitBy: null },
        settings: {},
        ambiguousPaths: "refuse",
        rewrite: null,
        requestHeaders: null,
        responseHeaders: null,
        httpsRedirect: false,
        hstsMs: 0,
        mirror: null,
        forwardAuth: null,
        compression: null,
        errorPages: [],
      },
    ]);
  });

  test("has what the file says", () => {
    const [route] = routesOf(`routes:
  - name: all
    host: [Shop.Example, "*.shop.example", "[2001:db8::1]"]
    path: [/api/, /]
    exact_path: /x%2F
    methods: [GET, FETCH]
    headers: {X-Beta: "1", x-any: "*"}
    clients: {allow: [10.0.0.1/8, "2001:db8::1"], deny: 10.1.2.3}
    split: [{pool: a, weight: 9}, {pool: b}]
    split_by: cookie:sid
    limits: {max_body: 10MB}
    timeouts: {response_head: 4s}
    retry: {attempts: 0, on_status: gateway}
    rewrite: {path: /y, host: intern.example}
    request_headers: {set: {X-A: 1}, add: {X-B: [1, 2]}, remove: x-c}
    response_headers: {remove: [Server, server]}
    hsts: 1d
    ambiguous_paths: allow
    mirror: {pool: b, percent: 0.5}
    forward_auth: {pool: b, path: /check?x=1, request_headers: [Cookie], timeout: 1s}
    compression: {encodings: gzip, types: [text/*]}
    error_pages: [{statuses: [404, 5xx], file: e.html}, {statuses: 403, file: e.json, content_type: application/problem+json}]
`);
    expect(route).toEqual({
      name: "all",
      match: {
        hosts: ["shop.example", "*.shop.example", "[2001:db8::1]"],
        paths: [
          { kind: "prefix", value: "/api" },
          { kind: "prefix", value: "/" },
          { kind: "exact", value: "/x%2F" },
        ],
        methods: ["GET", "FETCH"],
        headers: [
          { name: "x-beta", value: "1" },
          { name: "x-any", value: null },
        ],
      },
      clients: { allow: ["10.0.0.0/8", "2001:db8::1/128"], deny: ["10.1.2.3/32"] },
      action: {
        kind: "forward",
        targets: [
          { pool: "a", weight: 9 },
          { pool: "b", weight: 1 },
        ],
        splitBy: "cookie:sid",
      },
      settings: {
        maxBodyBytes: 10_000_000,
        responseHeadTimeoutMs: 4000,
        retryAttempts: 0,
        retryOnStatus: [502, 503, 504],
      },
      ambiguousPaths: "allow",
      rewrite: { path: { kind: "full", value: "/y" }, host: "intern.example" },
      requestHeaders: {
        set: [{ name: "x-a", value: "1" }],
        add: [
          { name: "x-b", value: "1" },
          { name: "x-b", value: "2" },
        ],
        remove: ["x-c"],
      },
      responseHeaders: { set: [], add: [], remove: ["server"] },
      httpsRedirect: false,
      hstsMs: 86_400_000,
      mirror: { pool: "b", percent: 0.5 },
      forwardAuth: {
        pool: "b",
        path: "/check?x=1",
        requestHeaders: ["cookie"],
        responseHeaders: [],
        timeoutMs: 1000,
      },
      compression: { encodings: ["gzip"], minBytes: 1024, types: ["text/*"] },
      errorPages: [
        { statuses: [404, 404], file: "e.html", contentType: "text/html; charset=utf-8" },
        { statuses: [500, 599], file: "e.html", contentType: "text/html; charset=utf-8" },
        { statuses: [403, 403], file: "e.json", contentType: "application/problem+json" },
      ],
    });
  });

  test("redirects and answers", () => {
    const routes = routesOf(`routes:
  - {path: /old, redirect: {scheme: https, port: 8443, prefix: /new, status: 308}}
  - {exact_path: /robots.txt, respond: {body: "a\\nb\\n"}}
  - {path: /gone, respond: {status: 410, body_file: gone.html, content_type: text/html}}
`);
    expect(routes.map(({ action }) => action)).toEqual([
      {
        kind: "redirect",
        status: 308,
        scheme: "https",
        host: null,
        port: 8443,
        path: { kind: "prefix", value: "/new" },
      },
      { kind: "respond", status: 200, contentType: "text/plain; charset=utf-8", body: "a\nb\n", bodyFile: null },
      { kind: "respond", status: 410, contentType: "text/html", body: "", bodyFile: "gone.html" },
    ]);
  });

  test("takes over the instance's TLS_REDIRECT and TLS_HSTS_SECONDS where it has none of its own", () => {
    const env = { TLS_PORT: "1", TLS_CERT_FILE: "c", TLS_KEY_FILE: "k", TLS_REDIRECT: "on", TLS_HSTS_SECONDS: "9" };
    const routes = routesOf("routes: [{pool: a}, {path: /x, pool: a, https_redirect: off, hsts: 0}]", env);
    expect(routes.map(({ httpsRedirect, hstsMs }) => [httpsRedirect, hstsMs])).toEqual([
      [true, 9000],
      [false, 0],
    ]);
  });
});

describe("names", () => {
  test("are made of what routes match, and each is unique", () => {
    expect(
      namesOf(`routes:
  - {host: shop.example, path: /api, pool: a}
  - {host: shop.example, exact_path: /x, methods: POST, pool: a}
  - {pool: a}
  - {host: [a.example, b.example, c.example], pool: a}
  - {path: /x, headers: {x-v: "2", x-w: "*"}, pool: a}
  - {exact_path: /metrics, pool: a}
  - {path: "/a,b", pool: a}
  - {path: /p, headers: {x-v: "a, b"}, pool: a}
  - {path: /p, headers: {x-v: "a, c"}, pool: a}
`),
    ).toEqual([
      "shop.example/api/*",
      "POST shop.example/x",
      "/*",
      "a.example|b.example|+1/*",
      "/x/* x-v=2|x-w",
      "/metrics #2",
      "/a%2Cb/*",
      "/p/* x-v",
      "/p/* x-v #2",
    ]);
  });

  test("a route that takes what others above take is warned of", () => {
    const text = `routes:
  - {name: one, host: [a.example, b.example], pool: a}
  - {name: two, host: c.example, path: [/, /x], pool: a}
  - {name: three, host: [B.example, c.example], pool: b}
  - {name: four, host: [b.example, d.example], pool: b}
`;
    expect(file.right(`${POOLS}${text}`).warnings).toEqual([
      "routes[2] (n.yaml:5:5): never gets a request: one and two above takes the same",
    ]);
  });
});

describe("route_defaults", () => {
  const page = readFileSync("docs/route-actions.md", "utf8");
  const SHOWN = /## The same for all routes[\s\S]*?```yaml\n([\s\S]*?)```/.exec(page)![1];
  const SHOWN_POOLS = "pools: {shop: {servers: [http://a:1]}, api: {servers: [http://b:1]}}\n";

  test("hold for routes that do not say it themselves", () => {
    const { config, effective } = file.right(SHOWN_POOLS + SHOWN);
    const [shop, api] = config.routes;
    expect([shop.compression?.minBytes, api.compression?.minBytes]).toEqual([2048, 2048]);
    expect([shop.errorPages.length, api.errorPages.length]).toEqual([1, 0]);
    expect([shop.responseHeaders?.remove, api.responseHeaders?.remove]).toEqual([["server"], []]);
    expect(effective.find(({ env }) => env === "route_defaults.compression.min_size")).toMatchObject({
      section: "route_defaults",
      value: "2KiB",
    });
  });

  test("hold where there are no routes, and stand beside redirects", () => {
    const defaults = "route_defaults: {compression: {}, request_headers: {set: {x-a: b}}}\n";
    const [all] = file.right(defaults, { SERVERS: "http://a:1" }).config.routes;
    expect([all.compression?.encodings.length, all.requestHeaders?.set]).toEqual([3, [{ name: "x-a", value: "b" }]]);
    const text = `${POOLS}${defaults}routes: [{path: /x, redirect: {path: /y}}, {path: /b, pool: b}, {pool: a}]`;
    expect(file.right(text).warnings).toEqual([]);
  });

  test("that are wrong are told of once, however many routes there are", () => {
    const text = (inner: string) => `${POOLS}route_defaults: {${inner}}\nroutes: [{pool: a}, {path: /b, pool: b}]`;
    expect(file.problems(text("compresion: {}"))).toEqual([
      'n.yaml:2:18: route_defaults: "compresion" is no key; did you mean compression?',
    ]);
    expect(file.problems(text("response_headers: {set: {content-length: 1}}"))).toEqual([
      expect.stringContaining("route_defaults.response_headers.set.content-length (n.yaml:2:"),
    ]);
    expect(file.problems(text("error_pages: [{file: x}]"))).toHaveLength(1);
  });

  test("that change are told of, not the routes that have them", () => {
    const of = (inner: string) =>
      file.right(`${POOLS}route_defaults: {${inner}}\nroutes: [{pool: a}, {path: /b, pool: b}]`);
    const changes = (from: string, to: string) => changesBetween(of(from), of(to)).map(({ env }) => env);
    expect(changes("compression: {}", "compression: {min_size: 1MB}")).toEqual([
      "route_defaults.compression.min_size",
      "route_defaults.compression",
    ]);
    expect(changes("", "compression: {}")).toEqual(["route_defaults.compression"]);
    expect(changes("request_headers: {set: {x-a: b}}", "request_headers: {set: {x-a: c}}")).toEqual([
      "route_defaults.request_headers",
    ]);
  });
});

test("what a route says of servers that it does not ask is warned of", () => {
  const text = `routes:
  - path: /old
    redirect: {host: a.example}
    timeouts: {response_head: 1s, request_body: 1s}
    retry: {attempts: 1}
    limits: {max_body: 1kB}
  - {path: /x, respond: {}, timeouts: {tunnel: 1h, response_body: 1s}}
  - {pool: a, timeouts: {response_head: 1s}}
  - {path: /b, pool: b}
`;
  expect(file.right(`${POOLS}${text}`).warnings).toEqual([
    "routes[0].timeouts.response_head (n.yaml:5:31): has no effect: a route with redirect asks no server",
    "routes[0].retry.attempts (n.yaml:6:23): has no effect: a route with redirect asks no server",
    "routes[1].timeouts.tunnel (n.yaml:8:48): has no effect: a route with respond asks no server",
  ]);
});

describe("problems", () => {
  test.each([
    [
      "{}",
      "routes[0] (n.yaml:2:10): does not say what to do: give it a pool (pool: NAME), or split, redirect or respond",
    ],
    ["{pool: a, respond: {}}", "routes[0] (n.yaml:2:10): has pool and respond, and a route does one thing"],
    ["{pool: c}", 'routes[0].pool (n.yaml:2:17): "c" is no pool; there are a, b'],
    ["{pool: a, mirror: {pool: c}}", '"c" is no pool'],
    ["{pool: a, forward_auth: {path: /}}", "routes[0].forward_auth (n.yaml:2:34): names no pool"],
    ["{pool: a, hosts: x}", 'n.yaml:2:20: routes[0]: "hosts" is no key; did you mean host?'],
    ["{pool: a, host: x.example:80}", "must have no port: routes fit every port"],
    ["{pool: a, host: '*'}", "must be a host: a route for all hosts has none"],
    ["{pool: a, host: 'a.*.example'}", "must be a host such as shop.example, *.shop.example"],
    ["{pool: a, host: 'ä.example'}", "must be ASCII: write the name as clients send it (xn--…)"],
    ["{pool: a, path: api}", 'must begin with "/"'],
    ["{pool: a, path: /a/../b}", "is not in normal form, so nothing would match it: write /b"],
    ["{pool: a, path: /%7ea%2f}", "write /~a%2F"],
    ["{pool: a, path: /x?y=1}", "must be a path alone: routes do not look at the query"],
    ["{pool: a, path: /x/*}", 'has a "*": write /x, what is below it fits as well'],
    ["{pool: a, path: '/a b'}", "must be a path as clients send it"],
    ["{pool: a, path: '/a\\b'}", "must be a path as clients send it"],
    ["{pool: a, path: /100%}", 'has a "%" without two hexadecimal digits: write %25'],
    ["{pool: a, methods: get}", "must be written as clients send it: GET"],
    ["{pool: a, methods: 'A B'}", "must be a method, such as GET"],
    ["{pool: a, headers: {'a b': x}}", '"a b" is no name of a header field'],
    ['{pool: a, request_headers: {set: {x-a: "a\\r\\nb: c"}}}', "must be one line of ASCII without control characters"],
    [
      "{pool: a, request_headers: {set: {Content-Length: 3}}}",
      "changes content-length, which says how the message is sent",
    ],
    ["{pool: a, request_headers: {remove: [connection]}}", "changes connection, which says how"],
    ["{pool: a, request_headers: {set: {host: x}}}", "changes host: rewrite.host does that"],
    ["{pool: a, response_headers: {set: {x-a: 1}, remove: x-a}}", "removes x-a, which is set as well"],
    [
      `{pool: a, response_headers: {add: {x-a: [${Array.from({ length: 3 }, () => "x".repeat(3000)).join(", ")}]}}}`,
      "adds 9021 bytes to every header; the most is 8192",
    ],
    ["{split: [{pool: a}, {pool: a}]}", "names a a second time: give it one weight"],
    ["{split: [{pool: a, weight: 0}]}", "gives every pool the weight 0"],
    ["{split: []}", "names no pools"],
    ["{pool: a, split_by: client_ip}", "has no effect without split"],
    ["{redirect: {}}", "sends clients to where they are"],
    ["{redirect: {status: 301}}", "sends clients to where they are"],
    ["{redirect: {host: x, status: 200}}", "must be one of: 301, 302, 303, 307, 308"],
    ["{redirect: {path: /a, prefix: /b}}", "stands beside path, and only one of them can be"],
    ["{redirect: {host: 'x.example/a'}}", "must be a host such as shop.example"],
    ["{exact_path: /a, redirect: {prefix: /b}}", "is for routes by path, where exact_path fits whole paths: use path"],
    ["{pool: a, rewrite: {path: '/a?b'}}", "must be a path alone: the client's query stays"],
    ["{respond: {body: a, body_file: b}}", "stands beside body, and only one of them can be"],
    ["{respond: {status: 204, body: a}}", "cannot be: an answer of 204 has no body"],
    ["{respond: {status: 99}}", "must be a whole number from 200 to 599"],
    ["{respond: {}, rewrite: {host: x}}", "is for requests that go to a pool, and this route has respond"],
    ["{pool: a, error_pages: [{file: x}]}", "says not for which statuses"],
    ["{pool: a, error_pages: [{statuses: 700, file: x}]}", "must be a status from 100 to 599, or a range"],
    [
      "{pool: a, timeouts: {connect: 1s}}",
      "routes[0].timeouts.connect is a pool's: write it there, as pools.NAME.timeouts.connect",
    ],
    ["{pool: a, queue: {size: 1}}", "routes[0].queue is a pool's: write it there, as pools.NAME.queue"],
    ["{pool: a, log: {level: info}}", "routes[0].log is the whole instance's"],
    ["{pool: a, https_redirect: on}", "needs TLS_PORT, a listener with tls: on, or TRUSTED_PROXIES"],
    ["{name: X, pool: a}", "is no name: it begins with a small letter"],
    ["{name: invalid, pool: a}", "is a name that metrics use for something else"],
    [
      "{name: a, pool: a}, {name: a, pool: b}",
      "routes[1].name (n.yaml:2:37): is the name of routes[0].name already (n.yaml:2:17)",
    ],
    ["", "has no routes, so nothing would be answered"],
    ["a", "routes[0] must be a mapping of names to values"],
    ["null, {pool: a}", "routes[0] (n.yaml:2:10): is empty"],
  ])("%#", (routes, problem) => {
    const problems = file.problems(`${POOLS}routes: [${routes}]\n`);
    expect(problems.filter((one) => one.includes(problem))).toHaveLength(1);
  });

  test("a route that would be too many is refused", () => {
    const many = (name: string) => Array.from({ length: 200 }, (_, i) => `${name}${i}`).join(", ");
    const problems = file.problems(`${POOLS}routes: [{pool: a, host: [${many("h")}], path: [${many("/p")}]}]`);
    expect(problems).toEqual([
      "routes[0] (n.yaml:2:10): fits 40000 combinations of host, path and method; the most is 10000: make several routes of it",
    ]);
  });

  test("a list is wanted, and pools", () => {
    expect(file.problems(`${POOLS}routes: {pool: a}`)).toContainEqual(
      "routes (n.yaml:2:9): must be a list: each entry on a line of its own that begins with -",
    );
    expect(file.problems("routes: [{pool: a}]")).toEqual([
      expect.stringMatching(/^SERVERS: is required.* The file has them as servers, or in pools\.$/),
    ]);
  });
});
