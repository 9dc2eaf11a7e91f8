import { expect, test } from "bun:test";
import { RouteNumbers } from "../../../../src/control/supervisor/route-numbers.ts";
import { FIRST_ROUTE_NUMBER, ROUTE_NUMBERS, ROUTES } from "../../../../src/shared/memory/series-table.ts";

const names = (count: number, prefix = "route") => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

test("the route that takes everything is 0, the others are counted from there on", () => {
  const numbers = new RouteNumbers();
  expect([...numbers.plan(["shop", "/*", "blog"])]).toEqual([
    ["shop", FIRST_ROUTE_NUMBER],
    ["/*", 0],
    ["blog", FIRST_ROUTE_NUMBER + 1],
  ]);
});

test("a name keeps its number, also when it was gone for a while; what is only planned takes none", () => {
  const numbers = new RouteNumbers();
  numbers.plan(["never"]);
  numbers.take(numbers.plan(["shop"]));
  numbers.take(numbers.plan(["blog"]));
  expect([...numbers.plan(["blog", "shop", "api"]).values()]).toEqual([17, 16, 18]);
  expect([0, 6, 16, 17].map((number) => numbers.nameOf(number))).toEqual(["/*", ROUTES[6], "shop", "blog"]);
});

test("when all are given, those of routes that are gone are given again, and called as the new ones", () => {
  const numbers = new RouteNumbers();
  const all = names(ROUTE_NUMBERS - FIRST_ROUTE_NUMBER);
  numbers.take(numbers.plan(all));
  numbers.take(numbers.plan(all.slice(1)));
  const again = numbers.plan([...all.slice(1), "new"]);
  expect(again.get("new")).toBe(FIRST_ROUTE_NUMBER);
  numbers.take(again);
  expect(numbers.nameOf(FIRST_ROUTE_NUMBER)).toBe("new");
  expect(() => numbers.plan([...all.slice(1), "new", "newer"])).toThrow(
    "routes: there are numbers for 8176 routes only",
  );
});
