import { expect, test } from "bun:test";
import fc from "fast-check";
import { editDistance, nearest } from "../../../src/config/suggest.ts";

test.each([
  ["", "", 0],
  ["abc", "abc", 0],
  ["abc", "ab", 1],
  ["abc", "acb", 1],
  ["abc", "xyz", 3],
  ["kitten", "sitting", 3],
])("from %p to %p are %d edits", (a, b, distance) => {
  expect(editDistance(a, b, 9)).toBe(distance);
});

test("is symmetric, and stops counting above the limit", () => {
  const word = fc.string({ unit: fc.constantFrom("A", "B", "_"), maxLength: 8 });
  fc.assert(
    fc.property(word, word, fc.integer({ min: 0, max: 4 }), (a, b, limit) => {
      const exact = editDistance(a, b, 99);
      expect(editDistance(b, a, 99)).toBe(exact);
      expect(editDistance(a, b, limit)).toBe(Math.min(exact, limit + 1));
    }),
  );
});

test("the nearest wins; short names must be closer", () => {
  expect(nearest("LOG_LEVELS", ["LOG_FORMAT", "LOG_LEVEL"])).toBe("LOG_LEVEL");
  expect(nearest("WORK", ["WORKERS"])).toBeNull();
  expect(nearest("WORKER", ["WORKERS"])).toBe("WORKERS");
});
