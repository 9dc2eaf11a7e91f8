/** What a route may say of requests beside its own: mirrors, and auth servers. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../../src/config/load.ts";
import { environmentSource } from "../../../../src/config/sources/environment.ts";
import { yamlFileSource } from "../../../../src/config/sources/yaml/source.ts";
import { MIRROR_ROWS } from "../../../../src/shared/memory/mirror-table.ts";

const directory = mkdtempSync(join(tmpdir(), "neurabalancer-beside-"));
afterAll(() => rmSync(directory, { recursive: true }));

const POOLS = "pools: {shop: {servers: [http://127.0.0.1:1]}, side: {servers: [http://127.0.0.1:2]}}\n";

function load(routes: readonly string[]) {
  const path = join(directory, "n.yaml");
  writeFileSync(path, `${POOLS}routes:\n${routes.map((route) => `  - {${route}}\n`).join("")}`);
  return loadConfig([environmentSource({}), yamlFileSource(path, () => undefined)]);
}

const problemsOf = (...routes: string[]): readonly string[] => {
  const loaded = load(routes);
  return loaded.ok ? [] : loaded.problems;
};

test("an auth server's answer gives a request what the balancer does not say itself", () => {
  const asking = (field: string) => `pool: shop, forward_auth: {pool: side, response_headers: [x-user, ${field}]}`;
  expect(problemsOf(asking("x-groups"))).toEqual([]);
  for (const field of ["X-Forwarded-For", "x_forwarded_for", "host", "connection"]) {
    const [problem, ...others] = problemsOf(asking(field));
    expect(problem).toContain(`takes ${field.toLowerCase()} from the answer`);
    expect(problem).toContain("n.yaml:3:");
    expect(others).toEqual([]);
  }
});

test("no more routes mirror than there are rows for their figures", () => {
  const routes = Array.from({ length: MIRROR_ROWS }, (_, i) => `path: /${i}, pool: shop, mirror: {pool: side}`);
  expect(problemsOf(...routes)).toEqual([]);
  const [problem] = problemsOf(...routes, "path: /more, pool: shop, mirror: {pool: side}");
  expect(problem).toContain("is one too many that mirrors: at most 64 routes may");
  expect(problem).toContain(`n.yaml:${3 + MIRROR_ROWS}:`);
});
