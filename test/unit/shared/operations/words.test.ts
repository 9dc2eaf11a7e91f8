import { expect, test } from "bun:test";
import { changeInWords, valueInWords } from "../../../../src/shared/operations/words.ts";

test.each([
  [null, "unset"],
  ["", "empty"],
  [true, "on"],
  [2.5, "2.5"],
  [["a", "b"], "a, b"],
  [[], "none"],
  [{}, "none"],
  [{ shop_next: 9, shop: 1 }, "shop_next 9, shop 1"],
  [{ state: "drain", reason: "release 7" }, "drain"],
  [{ state: "maintenance", reason: "", until: "2026-11-30T12:00:00Z" }, "maintenance until 2026-11-30T12:00:00Z"],
])("%j is %s", (value, words) => {
  expect(valueInWords(value)).toBe(words);
});

test.each([
  [{ weight: 1 }, { weight: 2 }, "weight 1 → 2"],
  [{ state: { state: "drain", reason: "x" } }, { state: "active" }, "state drain → active"],
  [{ shop: 1 }, { shop: 9, next: 1 }, "shop 1 → shop 9, next 1"],
  [{ LB_STRATEGY: "p2c" }, { LB_STRATEGY: "ml" }, "LB_STRATEGY p2c → ml"],
  [null, { changes: ["a: 1 → 2"] }, "unset → changes a: 1 → 2"],
  [{}, {}, "none → none"],
  [3, 0, "3 → 0"],
])("from %j to %j: %s", (before, after, words) => {
  expect(changeInWords(before, after)).toBe(words);
});
