import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withRouteTables } from "../../../../../src/control/admin/routes/docs.ts";
import { allowedMethods, operationOf, patternOf, readOnly } from "../../../../../src/control/admin/routes/route.ts";
import { type AdminControl, adminRoutes } from "../../../../../src/control/admin/routes/routes.ts";
import { ReservedPath } from "../../../../../src/shared/reserved-paths.ts";
import { quietLog } from "../../fleet/fixtures.ts";

const routes = adminRoutes({} as AdminControl, quietLog()); // nothing is looked at before a request comes

test("docs/http-api.md has the routes as they are: run `npm run generate`", () => {
  const document = readFileSync(join(import.meta.dir, "../../../../../docs/http-api.md"), "utf8");
  expect(withRouteTables(document)).toBe(document);
  expect(() => withRouteTables("")).toThrow("docs/http-api.md needs the lines");
});

test("what everyone may ask for is what workers keep for the balancer", () => {
  const { API_REQUEST, ...own } = ReservedPath;
  expect(API_REQUEST).toBe("/api/v1/request"); // it is passed on
  expect(routes.filter(({ audience }) => audience === "everyone").map(({ path }) => path)).toEqual(Object.values(own));
});

/** Files of the page: they say nothing of the fleet, and are not for clients of the public port. */
const PAGE = ["/", "/assets/<name>"];

test("what everyone sees it only shows, and who only reads changes nothing", () => {
  for (const route of routes) {
    if (route.audience === "everyone") expect(allowedMethods(readOnly(route))).toEqual(["GET", "HEAD"]);
    for (const [method, { scope }] of Object.entries(route.methods)) {
      const isOpen = scope === "public" || scope === "metrics";
      if (isOpen && !PAGE.includes(route.path)) expect(route.audience).toBe("everyone");
      if (method !== "GET") expect(scope).toBe("admin");
    }
  }
});

test("every path has a pattern of its own, each of its parts one that stays between slashes", () => {
  for (const route of routes) {
    const { path, parts = [] } = route;
    expect(path.match(/<[^>]+>/g) ?? []).toHaveLength(parts.length);
    if (parts.length > 0) expect(patternOf(route).test(path.replace(/<[^>]+>/g, "x/y"))).toBe(false);
    else expect(routes.filter((other) => patternOf(other).test(path))).toEqual([route]);
  }
});

test("HEAD is answered where GET is, and nothing that is no method of the route", () => {
  const order = routes.find(({ path }) => path === "/api/v1/ml/<order>")!;
  expect([allowedMethods(order), operationOf(order, "HEAD"), operationOf(order, "constructor")]).toEqual([
    ["POST"],
    undefined,
    undefined,
  ]);
  const read = routes.find(({ methods }) => methods.GET !== undefined)!;
  expect(operationOf(read, "HEAD")).toBe(read.methods.GET);
});
