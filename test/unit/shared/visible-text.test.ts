import { describe, expect, test } from "bun:test";
import { visible, visibleLines } from "../../../src/shared/visible-text.ts";

describe("text from outside", () => {
  test("what can be seen stays as it is", () => {
    for (const text of ["", "plain", "ümlaut … 日本語 🙂", 'quotes " and \\ and {}']) expect(visible(text)).toBe(text);
  });

  test.each([
    ["\x1b[31mred\x1b]0;title\x07", "\\u001b[31mred\\u001b]0;title\\u0007"],
    ["a\nb\r\nc\td", "a\\nb\\r\\nc\\td"],
    ["\x7f\u009b31m\u0085", "\\u007f\\u009b31m\\u0085"],
    ["\u202eevil\u2066\u200b\ufeff", "\\u202eevil\\u2066\\u200b\\ufeff"],
    ["\u2028\u2029", "\\u2028\\u2029"],
    ["\ud800 alone", "\\ud800 alone"],
    ["\u{e0041}", "\\udb40\\udc41"],
  ])("%j is shown, not obeyed", (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test("lines of our own stay lines", () => {
    expect(visibleLines("one\ntwo\x1b[2J\r")).toBe("one\ntwo\\u001b[2J\\r");
  });

  test("JSON means the same afterwards", () => {
    const value = { text: "\u009b\u202e\u2028\u{e0041}\ud800\x00\x7f\n" };
    const json = visibleLines(JSON.stringify(value, null, 2));
    expect(JSON.parse(json)).toEqual(value);
    expect(json).toMatch(/^[\n\x20-\x7e]*$/);
  });
});
