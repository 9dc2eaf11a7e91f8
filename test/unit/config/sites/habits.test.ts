/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what users write */
/** What people write who come from other programs, or in haste: each is told what would be right, and nothing besides. */
import { afterAll, describe, expect, test } from "bun:test";
import { ConfigFile } from "./fixture.ts";

const file = new ConfigFile();
afterAll(() => file.remove());

const POOLS = "pools: {a: {servers: [http://a:1]}, b: {servers: [http://b:1]}}\n";

describe("in a route", () => {
  test.each([
    ["server_name: x.example, pool: a", '"server_name" is no key; did you mean host?'],
    ["path: /x, proxy_pass: a, pool: a", '"proxy_pass" is no key; did you mean pool?'],
    ["location: /x, pool: a", '"location" is no key; did you mean path?'],
    ["exact: /x, pool: a", '"exact" is no key; did you mean exact_path?'],
    ["strip_prefix: /x, pool: a", '"strip_prefix" is no key; did you mean rewrite?'],
    ["client_max_body_size: 1m, pool: a", '"client_max_body_size" is no key; did you mean limits?'],
    ["max_body: 1MB, pool: a", '"max_body" is no key; the setting is limits.max_body'],
    ["host: *.x.example, pool: a", 'begins with "*", by which YAML means an anchor (&…), and there is none above'],
    ["host: _, pool: a", 'host="_" (n.yaml:2:17): must be a host: a route for all hosts has none'],
    ["host: .x.example, pool: a", "must be a host such as shop.example, *.shop.example"],
    ["host: '~^www', pool: a", "no regular expression"],
    ["path: api/v1, pool: a", 'must begin with "/": write /api/v1'],
    ["path: '^/api/.*$', pool: a", 'must begin with "/", and is no regular expression: /api fits what is below it'],
    ["path: '/users/{id}', pool: a", "there are no regular expressions and no {parameters} in paths"],
    ["methods: '*', pool: a", "must be a method: a route for all methods has none"],
    ["headers: {Host: x.example}, pool: a", "routes[0].headers.Host (n.yaml:2:21): is what host is for"],
    ["redirect: 'https://x.example$uri'", "must be a mapping of names to values: there are scheme, host, port,"],
    ["redirect: {host: 'https://x.example'}", 'must be a host such as shop.example (no port, no "https://")'],
    ["pool: a, mirror: b", "must be a mapping of names to values: there are pool, percent"],
    ["pool: a, compression: true", "must be a mapping of names to values: there are encodings, min_size, types"],
    ["pool: a, timeouts: 5s", "routes[0].timeouts must be a mapping of names to values: there are request_body,"],
  ])("{%s}", (route, problem) => {
    expect(file.problems(`${POOLS}routes: [{${route}}]\n`)).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    ["{path: /users/:id, pool: a}", 'routes[0].path (n.yaml:2:17): fits ":id" as it stands: there are no wildcards'],
    ["{exact_path: /x/*, pool: a}", 'fits "*" as it stands'],
    ["{path: '/*/x', pool: a}", 'fits "*" as it stands'],
    [
      "{pool: a, request_headers: {set: {x-real-ip: $remote_addr}}}",
      "routes[0].request_headers.set.x-real-ip (n.yaml:2:44): is sent as it stands: nothing takes the place of $remote_addr",
    ],
    ["{pool: a, response_headers: {add: {x-a: ['%[src]']}}}", "nothing takes the place of %[src"],
    ["{path: /metrics, pool: a}", "routes[0].path (n.yaml:2:17): is a path that the balancer answers itself"],
    ["{exact_path: /health/live, pool: a}", "RESERVED_PATHS=false gives it to them"],
    ["{headers: {x-a: '~^b'}, pool: a}", "routes[0].headers.x-a (n.yaml:2:21): is compared as it stands"],
    ["{host: x.example, redirect: {scheme: https}}", "is given to requests that came by https as well, for ever"],
    ["{host: x.example, redirect: {scheme: https, host: x.example}}", "use https_redirect: on"],
    ["{host: x.example, redirect: {host: x.example}}", "sends clients of x.example to where they are, for ever"],
  ])("%s is warned of", (route, warning) => {
    const { warnings } = file.right(`${POOLS}routes: [${route}, {host: other.example, split: [{pool: a}, {pool: b}]}]`);
    expect(warnings).toEqual([expect.stringContaining(warning)]);
  });

  test.each([
    "{path: /a*b/x:y, pool: a}",
    "{path: /health, pool: a}",
    "{pool: a, response_headers: {set: {x-price: '5 $'}}}",
    "{host: x.example, redirect: {scheme: https, host: y.example}}",
    "{host: [x.example, y.example], redirect: {scheme: http, path: /x}}",
  ])("%s is not", (route) => {
    const { warnings } = file.right(`${POOLS}routes: [${route}, {host: other.example, split: [{pool: a}, {pool: b}]}]`);
    expect(warnings).toEqual([]);
  });
});

describe("in the rest of the file", () => {
  const ROUTES = "routes: [{pool: a}]\n";

  test.each([
    ["pools: {a: {servers: []}}", "pools.a (n.yaml:2:12): has no servers: give it a list"],
    ["pools: {a: {servers: }}", "pools.a (n.yaml:2:12): has no servers: give it a list"],
    ["pools: {a: [http://a:1]}", "pools.a must be a mapping of names to values: there are servers, balancing,"],
    ["pools: {a: }", "pools.a (n.yaml:2:12): is empty"],
    ["pools: [a]", "pools must be a mapping of names to values"],
    ["pools: {a: {servers: [{address: http://a:1, url: http://a:1}]}}", '"address" is no setting; did you mean url?'],
    ["pools: {a: {servers: [http://a:1], strategy: ml}}", '"strategy" is no key; the setting is balancing.strategy'],
    [
      "pools: {a: {servers: [http://a:1], health: {expected_statuses: 200}}}",
      '"expected_statuses" is no setting; did you mean statuses?',
    ],
    ["servers: [http://a:1]\nupstreams: {a: }", 'n.yaml:3:1: "upstreams" is no section; did you mean pools?'],
  ])("%s", (text, problem) => {
    const routes = text.startsWith("servers") ? "routes: [{pool: default}]\n" : ROUTES;
    expect(file.problems(`${routes}${text}\n`)).toEqual([expect.stringContaining(problem)]);
  });

  test("what is indented too little is told so, and what comes of it is not", () => {
    expect(file.problems("pools:\n  a:\n  servers: [http://a:1]\nroutes: [{pool: a}]\n")).toEqual([
      "pools.a (n.yaml:2:5): is empty",
      "pools.servers (n.yaml:3:3): is indented like the name above that it belongs to: indent it more",
    ]);
  });

  test("a name of the environment is told where it belongs, once", () => {
    expect(file.problems("SERVERS: http://a:1\n")).toEqual([
      'n.yaml:1:1: "SERVERS" is no section; the setting is servers',
      expect.stringMatching(/^SERVERS: is required .* The file has them as servers, or in pools\.$/),
    ]);
  });
});

describe("what is there without a value is not taken for what is not there", () => {
  const problemsOf = (text: string) => file.problems(text).map((one) => one.replace(/n\.yaml:2:\d+/, "n.yaml"));

  test.each([
    ["pool: a, host: ", "routes[0].host (n.yaml): is empty: give it a value, or remove it"],
    ["pool: a, host: ''", "routes[0].host (n.yaml): is empty"],
    ["pool: a, host: []", "routes[0].host (n.yaml): has no entries: remove it if all are to fit"],
    ["pool: a, methods: []", "routes[0].methods (n.yaml): has no entries"],
    ["pool: a, path: []", "routes[0].path (n.yaml): has no entries"],
    ["pool: a, exact_path: []", "routes[0].exact_path (n.yaml): has no entries"],
    ["pool: a, headers: ", "routes[0].headers (n.yaml): is empty"],
    ["pool: a, forward_auth: ", "routes[0].forward_auth (n.yaml): is empty"],
    ["pool: a, forward_auth: {pool: }", "routes[0].forward_auth.pool (n.yaml): is empty"],
    ["pool: ", "routes[0].pool (n.yaml): is empty"],
    ["pool: []", "routes[0].pool (n.yaml): is empty"],
    ["redirect: ", "routes[0].redirect (n.yaml): is empty"],
    ["respond: ", "routes[0].respond (n.yaml): is empty"],
    ["split: ", "routes[0].split (n.yaml): is empty"],
  ])("{%s}", (route, problem) => {
    expect(problemsOf(`${POOLS}routes: [{${route}}]\n`)).toEqual([expect.stringContaining(problem)]);
  });

  test("a path beside no exact one", () => {
    expect(file.problems(`${POOLS}routes: [{pool: a, path: /x, exact_path: []}]\n`)).toEqual([]);
  });

  test.each(["routes", "pools", "listeners"])("%s:", (block) => {
    expect(problemsOf(`servers: [http://s:1]\n${block}:\n`)).toEqual([
      `${block} (n.yaml): is empty: give it a value, or remove it`,
    ]);
  });

  test("what is wrong is not called missing as well", () => {
    expect(file.problems(`${POOLS}routes: [{pool: a}]\nlisteners: [80]\n`)).toEqual([
      expect.stringContaining("listeners[0] must be a mapping of names to values: there are address, port, tls"),
    ]);
    expect(file.problems(`${POOLS}routes: [{split: [a]}]\n`)).toHaveLength(1);
  });
});

test("names that others have for strategies, and what no server is", () => {
  const of = (pool: string) => file.problems(`pools: {a: {${pool}}}\nroutes: [{pool: a}]\n`);
  expect(of("servers: [http://a:1], balancing: {strategy: ip_hash}")).toEqual([
    expect.stringContaining("did you mean consistent_hash?"),
  ]);
  expect(of("servers: ['unix:/run/a.sock']")).toEqual([expect.stringContaining("is a Unix socket")]);
  expect(of("servers: [http://a:1], <<: {health: {path: /}}")).toEqual([
    expect.stringContaining("is a merge key, which YAML 1.2 has not"),
  ]);
});
