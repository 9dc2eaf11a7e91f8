/** From what the configuration file says of a route to what goes over the wire. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../../src/config/load.ts";
import { toProxySettings } from "../../../../src/config/proxy-settings.ts";
import { environmentSource } from "../../../../src/config/sources/environment.ts";
import { yamlFileSource } from "../../../../src/config/sources/yaml/source.ts";
import type { ProxySettings } from "../../../../src/protocol/worker.ts";
import { Backend, cleanUp, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, valuesOf, type WireMessage } from "../../../support/wire.ts";

const directory = mkdtempSync(join(tmpdir(), "neurabalancer-routes-"));
const path = join(directory, "neurabalancer.yaml");

const FILE = `
tls: {redirect: off, hsts: 1h}
pools:
  shop: {servers: ["http://shop.internal:8001"], upstream: {host: pool.internal}}
routes:
  - name: www
    host: www.shop.example
    redirect: {host: shop.example, status: 301}
  - name: moved
    host: shop.example
    path: /old
    redirect: {prefix: /new, status: 308}
  - name: robots
    host: shop.example
    exact_path: /robots.txt
    respond: {status: 200, body: "none\\n", content_type: text/plain}
    response_headers: {set: {cache-control: max-age=60}}
  - name: api
    host: shop.example
    path: /api
    pool: shop
    rewrite: {prefix: /v2, host: inside.example}
    request_headers: {set: {x-site: shop}, add: {x-many: [a, b]}, remove: [cookie]}
    limits: {max_body: 10B}
    error_pages: [{statuses: [404, 500-599], file: ${join(directory, "page.html")}}]
  - name: rest
    host: shop.example
    pool: shop
`;

let settings: ProxySettings;
let proxy: TestProxy;
const seen: WireMessage[] = [];

beforeAll(async () => {
  writeFileSync(path, FILE);
  writeFileSync(join(directory, "page.html"), "<h1>{{status}} {{code}}</h1>");
  const loaded = loadConfig([environmentSource({}), yamlFileSource(path, () => undefined)]);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  settings = toProxySettings(loaded.config, { nowMs: 0 });
  const backend = await Backend.answering((request) => {
    seen.push(request);
    return ok("hello");
  });
  const pools = settings.pools.map(({ row, name, ...own }) => ({ row, name, settings: own }));
  proxy = new TestProxy([backend], { pools, routes: settings.routes });
});
afterAll(() => {
  cleanUp();
  rmSync(directory, { recursive: true });
});

async function ask(host: string, target: string, fields = "", method = "GET", body = ""): Promise<WireMessage> {
  return proxy.ask(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n${body}`);
}

describe("a route in the file", () => {
  test("redirects", async () => {
    const www = await ask("www.shop.example", "/a?b");
    expect([www.status, singleValue(www, "Location")]).toEqual([301, "http://shop.example/a?b"]);
    const moved = await ask("shop.example", "/old/x?y");
    expect([moved.status, singleValue(moved, "Location")]).toEqual([308, "http://shop.example/new/x?y"]);
  });

  test("responds", async () => {
    const robots = await ask("shop.example", "/robots.txt");
    expect([robots.status, robots.body.toString(), singleValue(robots, "Cache-Control")]).toEqual([
      200,
      "none\n",
      "max-age=60",
    ]);
  });

  test("rewrites, and changes headers", async () => {
    expect((await ask("shop.example", "/api/x?y", "Cookie: c\r\nX-Site: z\r\n")).body.toString()).toBe("hello");
    const request = seen.at(-1) as WireMessage;
    expect(request.startLine).toBe("GET /v2/x?y HTTP/1.1");
    expect(["Host", "X-Site", "X-Many", "Cookie"].map((name) => valuesOf(request, name))).toEqual([
      ["inside.example"],
      ["shop"],
      ["a", "b"],
      [],
    ]);
  });

  test("has limits of its own, and its pool a host", async () => {
    const body = "01234567890";
    const length = `Content-Length: ${body.length}\r\n`;
    expect((await ask("shop.example", "/api", length, "POST", body)).status).toBe(413);
    expect((await ask("shop.example", "/", length, "POST", body)).status).toBe(200);
    expect(valuesOf(seen.at(-1) as WireMessage, "Host")).toEqual(["pool.internal"]);
  });

  test("has error pages; what no route takes is told in JSON", async () => {
    proxy.setTargets([]);
    const page = await ask("shop.example", "/api");
    expect([page.status, page.body.toString()]).toEqual([503, "<h1>503 no_server_available</h1>"]);
    expect(JSON.parse((await ask("shop.example", "/")).body.toString()).error.code).toBe("no_server_available");
    const nowhere = await ask("other.example", "/");
    expect([nowhere.status, JSON.parse(nowhere.body.toString()).error.code]).toEqual([404, "no_route"]);
  });
});
