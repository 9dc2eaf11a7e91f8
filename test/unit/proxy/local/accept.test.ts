import { expect, test } from "bun:test";
import { preferenceFor } from "../../../../src/proxy/local/accept.ts";

test("of a list, or a range, that has no end only the beginning counts", () => {
  const html = "text/html";
  expect(preferenceFor(`${"x/y,".repeat(63)}text/html`, html).quality).toBe(1);
  expect(preferenceFor(`${"x/y,".repeat(64)}text/html`, html).quality).toBe(0);
  expect(preferenceFor(`text/html${";a=1".repeat(6)};q=0.5`, html).quality).toBe(0.5);
  expect(preferenceFor(`text/html${";a=1".repeat(7)};q=0.5`, html).quality).toBe(1);
});
