/** Statements of the documents that the program could contradict: each is compared with what the code does. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ALL_SETTINGS } from "../../../src/config/schema.ts";
import { SERVER_SCHEMES } from "../../../src/config/servers/schemes.ts";
import type { ProxySettings } from "../../../src/protocol/worker.ts";
import { routeOf } from "../../../src/proxy/downstream/routes.ts";
import { RequestHead } from "../../../src/proxy/http1/head.ts";
import { Route } from "../../../src/shared/memory/series-table.ts";
import { configOf } from "../../support/configuration.ts";

const ROOT = join(import.meta.dir, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
/** Line breaks are where the text happened to be wrapped. */
const flat = (path: string): string => read(path).replaceAll(/\s+/g, " ");

test("the reserved paths are those that README and configuration name, and no others", () => {
  const settings = { reservedPaths: true, prometheusEnabled: true } as ProxySettings;
  const isReserved = (path: string): boolean => {
    const head = new RequestHead(8);
    head.pathStart = 0;
    head.targetEnd = path.length;
    return routeOf(Buffer.from(path), head, settings) !== Route.PROXY;
  };
  const named = ["/health/live", "/health/ready", "/metrics", "/api/v1/servers", "/api/v1/request"];
  for (const path of [...named, "/api/v1/request/a", "/api/v1/servers/1"])
    expect({ path, is: isReserved(path) }).toEqual({ path, is: true });
  for (const path of [
    "/api/v1/",
    "/api/v1/servers/../1",
    "/api/v1/status",
    "/api/v1/requests",
    "/health",
    "/metrics/a",
  ]) {
    expect({ path, is: isReserved(path) }).toEqual({ path, is: false });
  }
  for (const document of ["README.md", "docs/configuration.md", "docs/http-api.md"]) {
    for (const path of named) expect(flat(document)).toContain(path);
    expect(flat(document)).not.toContain("/api/v1/*");
  }
});

test("every scheme that SERVERS knows is told of", () => {
  for (const scheme of Object.keys(SERVER_SCHEMES))
    expect(flat("docs/configuration.md")).toMatch(new RegExp(`[ (]${RegExp.escape(scheme)}://`));
});

test("the accept queue is as long as deployment and the threat model say", () => {
  const [, backlog] = /^const BACKLOG = (\d+);$/m.exec(read("src/proxy/sockets/tcp.ts")) ?? [];
  expect(flat("docs/deployment.md")).toContain(`as long as this, ${backlog} at most; 512 at most for TLS`);
  expect(flat("docs/threat-model.md")).toContain(`has ${backlog} places, 512 for TLS`);
});

test("what a reload does not change is named", () => {
  const pinned = ALL_SETTINGS.filter(({ setting }) => setting.restart).map(({ setting }) => setting.env);
  expect(pinned.length).toBeGreaterThan(3);
  for (const name of pinned) expect(flat("docs/operations.md")).toMatch(new RegExp(`\`${name}\`[^.]*need a restart`));
});

test("the units of the timeouts of the service are those of the settings", () => {
  const { shutdownTimeoutMs } = configOf().app;
  const [, unit] = /TimeoutStopSec=(\d+)/.exec(read("deployments/systemd/neurabalancer.service")) ?? [];
  expect(Number(unit) * 1000).toBeGreaterThan(shutdownTimeoutMs);
});

test("README is read in two minutes", () => {
  const words = read("README.md")
    .replaceAll(/^\|.*$/gm, "") // tables are looked up, not read
    .split(/\s+/);
  expect(words.length).toBeLessThan(900);
});

test("every command is in the table of docs/README.md, and no other", () => {
  const commands = [...read("src/cli/program.ts").matchAll(/^ {2}"?([a-z-]+)"?: async \(\) => /gm)].map(
    ([, name]) => name,
  );
  expect(commands.length).toBeGreaterThan(20);
  const [, table] = read("docs/README.md").split("\n## Commands\n");
  const told = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  expect(told.sort()).toEqual(commands.sort());
});
