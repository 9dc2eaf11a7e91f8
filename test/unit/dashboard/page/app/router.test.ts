import { expect, test } from "bun:test";
import { addressOf, placeOf } from "../../../../../src/dashboard/page/app/router.ts";

test("addresses lead to the places that they were made for", () => {
  expect(placeOf(addressOf("requests", "a/b c?d", { reason: "slow" }))).toEqual({
    view: "requests",
    item: "a/b c?d",
    query: { reason: "slow" },
  });
  expect(addressOf("servers", "", { words: "" })).toBe("#/servers");
});

test("what is unknown is the overview", () => {
  expect(placeOf("").view).toBe("overview");
  expect(placeOf("#/nowhere/7").view).toBe("overview");
  expect(placeOf("#/requests/%zz").item).toBe("%zz");
});
