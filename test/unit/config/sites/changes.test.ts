/** What differs between two files with pools and routes, as `check --diff` and the log of a reload tell. */
import { afterAll, expect, test } from "bun:test";
import { changesBetween, describeChange } from "../../../../src/config/changes.ts";
import { ConfigFile } from "./fixture.ts";

const file = new ConfigFile();
afterAll(() => file.remove());

const BEFORE = `pools:
  a: {servers: [http://a:1, {url: http://b:1, weight: 2}], timeouts: {connect: 2s}, health: {headers: {X-Key: one}}}
  gone: {servers: [http://g:1], queue: {size: 3}}
routes:
  - {host: shop.example, pool: a, limits: {max_body: 1MB}, request_headers: {set: {X-Key: one}}}
  - {path: /gone, pool: gone}
`;

function told(before: string, after: string, env: Record<string, string> = {}, envAfter = env): string[] {
  return changesBetween(file.right(before, env), file.right(after, envAfter)).map(describeChange);
}

test("the same is the same, however it is written", () => {
  expect(told(BEFORE, BEFORE)).toEqual([]);
  expect(told(BEFORE, BEFORE.replace("connect: 2s", "connect: 2000ms"))).toEqual([]);
});

test("pools, routes and servers come, go and change", () => {
  const after = `pools:
  a: {servers: [http://a:1, http://c:1], timeouts: {connect: 3s}, health: {headers: {X-Key: one}}}
  new: {servers: [http://n:1], queue: {size: 4}}
routes:
  - {host: shop.example, pool: a, limits: {max_body: 2MB}, request_headers: {set: {X-Key: one}}}
  - {path: /new, pool: new}
`;
  expect(told(BEFORE, after)).toEqual([
    "pools: + new - gone",
    "pools.a.servers: + http://c:1 - http://b:1",
    "pools.a.timeouts.connect: 2000 → 3000",
    "routes: + /new/* - /gone/*",
    'routes["shop.example/*"].limits.max_body: 1000000 → 2000000',
    'pools.a.servers["http://b:1"].weight: 2 → unset',
  ]);
});

test("that a mapping is there is told, though it says nothing", () => {
  const text = "servers: [http://s:1]\nroutes: [{pool: default, compression: {}}]\n";
  expect(told(text, text.replace(", compression: {}", ""))).toEqual(['routes["/*"].compression: {} → unset']);
  expect(told(text, text.replace("{}}", "{encodings: gzip}}"))).toEqual([
    'routes["/*"].compression.encodings: unset → gzip',
    'routes["/*"].compression: {} → unset',
  ]);
});

test("secrets and what references stand for are told without their values", () => {
  expect(told(BEFORE, BEFORE.replaceAll("X-Key: one", "X-Key: two"))).toEqual([
    "pools.a.health.headers: another value",
    'routes["shop.example/*"].request_headers: another value',
  ]);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what users write
  const text = BEFORE.replace("host: shop.example", "name: shop, host: '${SITE}'");
  expect(told(text, text, { SITE: "a.example" }, { SITE: "b.example" })).toEqual(["routes.shop: another value"]);
});

test("a file without pools has one, and one route", () => {
  const simple = "servers: [http://s:1]\n";
  expect(
    told(simple, `${simple}pools: {b: {servers: [http://b:1]}}\nroutes: [{path: /b, pool: b}, {pool: default}]`),
  ).toEqual(["pools: + b", "routes: + /b/*", 'routes["/*"].pool: unset → default']);
  expect(told(`${simple}listeners: [{port: 81}]`, simple)).toEqual(["listeners[0].port: 81 → unset (needs a restart)"]);
});
