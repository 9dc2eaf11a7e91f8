/** What it costs to find the route of a request: one case per kind of table, and one for a path that is not in normal form. */
import { join } from "node:path";
import { PLAIN_ROUTE, type RouteSpec } from "../../src/protocol/route.ts";
import type { Case } from "./cases.ts";

const LIMITS = { maxHeadBytes: 65_536, maxFields: 128 };
const SITES = 100;
const ROUTES = 1000;

/** @param root as in cases.ts. */
export async function makeRouteCases(root: string): Promise<Case[]> {
  const source = (path: string): string => join(root, "src", path);
  const { RouteTable } = (await import(
    source("proxy/route/route-table.ts")
  )) as typeof import("../../src/proxy/route/route-table.ts");
  const { RequestHead } = (await import(
    source("proxy/http1/head.ts")
  )) as typeof import("../../src/proxy/http1/head.ts");
  const { parseRequestHead } = (await import(
    source("proxy/http1/request-parser.ts")
  )) as typeof import("../../src/proxy/http1/request-parser.ts");

  const matching = (name: string, routes: readonly RouteSpec[], target: string, wanted: number): Case => {
    const table = new RouteTable(routes);
    const lines = [`GET ${target} HTTP/1.1`, "Host: site42.example.com:8080", "User-Agent: curl/8.5.0", "Accept: */*"];
    const buf = Buffer.from([...lines, "", ""].join("\r\n"));
    const head = new RequestHead();
    parseRequestHead(buf, 0, buf.length, head, LIMITS);
    let found = 0;
    return {
      name: `find the route, ${name}`,
      run: (times) => {
        for (let i = 0; i < times; i++) found = table.match(buf, head, head.pathStart, head.targetEnd);
      },
      check: () => {
        if (found !== wanted) throw new Error(`route ${found} instead of ${wanted}`);
      },
    };
  };
  const host = "site42.example.com";
  const overSites = Array.from({ length: ROUTES }, (_, i) => {
    return routeFor(`site${i % SITES}.example.com`, `/api/v${Math.floor(i / SITES)}`);
  });
  const underOne = Array.from({ length: ROUTES }, (_, i) => routeFor(host, `/api/v${i}`));
  return [
    matching("1 route", [routeFor(host, "/api/v7")], "/api/v7/items/4711?page=2", 0),
    matching(`${ROUTES} routes over ${SITES} hosts`, overSites, "/api/v7/items/4711?page=2", 742),
    matching(`${ROUTES} routes under one host`, underOne, "/api/v7/items/4711?page=2", 7),
    matching(`${ROUTES} routes by host alone`, hostsAlone(), "/api/v7/items/4711?page=2", 42),
    matching("a path to put into normal form", underOne, "/api/v7/%69tems/4711?page=2", 7),
    matching("a path with dot segments", underOne, "/api/v7/a/../items/./4711?page=2", 7),
  ];
}

function hostsAlone(): RouteSpec[] {
  return Array.from({ length: ROUTES }, (_, i) => routeFor(`site${i}.example.com`, "/"));
}

function routeFor(host: string, prefix: string): RouteSpec {
  return {
    ...PLAIN_ROUTE,
    number: 0,
    name: `${host}${prefix}`,
    match: { hosts: [host], paths: [{ kind: "prefix", value: prefix }], methods: [], headers: [] },
    action: { kind: "forward", targets: [{ pool: "default", weight: 1 }], splitBy: null },
  };
}
