import { expect, test } from "bun:test";
import { routeNamed } from "../../../../src/control/admin/named-route.ts";
import type { RouteSpec } from "../../../../src/protocol/route.ts";

const routes = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `r${i}` }) as RouteSpec);

test("a route is found by its name, and a refusal names those that there are", () => {
  expect(routeNamed("r2", routes(3)).name).toBe("r2");
  expect(() => routeNamed("shp", routes(3))).toThrow("there is no route shp: there are r0, r1, r2");
  expect(() => routeNamed("shp", routes(500))).toThrow("r19 and more (GET /api/v1/routes lists them)");
});
