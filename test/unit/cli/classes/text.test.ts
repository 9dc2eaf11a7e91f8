import { expect, test } from "bun:test";
import { classTable } from "../../../../src/cli/classes/text.ts";
import type { ShownClass } from "../../../../src/control/admin/answers/classes.ts";

const rest: ShownClass = {
  pool: "default",
  route: null,
  method: null,
  template: null,
  cost: 1,
  cost_error: null,
  least_cost: 1,
  greatest_cost: 1,
  share: 0.25,
  work_share: 0.1,
  mean_ms: null,
  requests: 0,
};
const named: ShownClass = {
  ...rest,
  route: "default",
  method: "GET",
  template: "/reports/{id}",
  cost: 7.25,
  cost_error: 0.041,
  least_cost: 5,
  greatest_cost: 9,
  share: 0.75,
  work_share: 0.9,
  mean_ms: 61.25,
};

test("a table of classes, with a dash for what is not known", () => {
  expect(classTable({ pools: ["default"], classes: [named, rest] })).toBe(
    [
      "METHOD  COST  ±    BY SERVER  REQUESTS  WORK    MEAN MS  PATH",
      "GET     7.25  4 %  5.00-9.00  75.0 %    90.0 %  61.3     /reports/{id}",
      "-       1.00  -    -          25.0 %    10.0 %  -        all others",
    ].join("\n"),
  );
});

test("pools and routes are named where there are several", () => {
  const other = { ...named, pool: "shop", route: "shop" };
  const [head] = classTable({ pools: ["default", "shop"], classes: [named, rest, other] }).split("\n");
  expect(head).toStartWith("POOL");
  expect(head).toContain("ROUTE");
});

test("it says why there are none", () => {
  expect(classTable({ pools: [], classes: [] })).toContain("REQUEST_CLASSES is off");
  expect(classTable({ pools: ["default"], classes: [] })).toContain("some seconds");
});

test("what a client has sent does nothing to a terminal", () => {
  const table = classTable({ pools: ["default"], classes: [{ ...named, template: "/\u001b[31mred\u202e" }] });
  expect(table).toContain("/\\u001b[31mred\\u202e");
});
