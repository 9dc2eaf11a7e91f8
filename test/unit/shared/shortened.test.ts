import { expect, test } from "bun:test";
import { shortened } from "../../../src/shared/shortened.ts";

test("what fits stays, what does not ends in an ellipsis, and no character is halved", () => {
  expect([shortened("", 3), shortened("abc", 3), shortened("abcd", 3)]).toEqual(["", "abc", "ab…"]);
  expect([shortened("a😀bc", 3), shortened("a😀bc", 4)]).toEqual(["a…", "a😀…"]);
});
