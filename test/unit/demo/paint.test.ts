import { describe, expect, test } from "bun:test";
import { ansiPaint, bar, cut, padEnd, padStart, sparkline, visibleWidth } from "../../../src/demo/paint.ts";
import { formatCount, formatElapsed, formatMs, formatShare } from "../../../src/load/format.ts";

const red = ansiPaint("red", "error");

describe("width", () => {
  test("styles take no columns", () => {
    expect(visibleWidth(red)).toBe(5);
    expect(visibleWidth("█░…")).toBe(3);
    expect(visibleWidth(padEnd(red, 9))).toBe(9);
    expect(padStart("ab", 4)).toBe("  ab");
  });

  test("cut keeps what fits and closes styles", () => {
    expect(cut("hello", 5)).toBe("hello");
    expect(cut("hello", 4)).toBe("hel…");
    expect(cut("hello", 0)).toBe("");
    const styled = cut(`${red} and more`, 3);
    expect(visibleWidth(styled)).toBe(3);
    expect(styled).toEndWith("\x1b[0m");
  });
});

describe("bar", () => {
  test.each([
    [0, "", "░░░░"],
    [0.5, "██", "░░"],
    [0.6, "██▍", "░"],
    [1, "████", ""],
    [7, "████", ""],
  ])("%p of four columns", (share, filled, empty) => {
    expect(bar(share, 4)).toEqual([filled, empty]);
  });

  test("has the same width whatever its share", () => {
    for (let share = 0; share <= 1; share += 0.01) expect([...bar(share, 11).join("")].length).toBe(11);
  });
});

test("a sparkline scales to its largest value and leaves gaps", () => {
  expect(sparkline([0, 50, 100])).toBe("▁▅█");
  expect(sparkline([Number.NaN, 1])).toBe(" █");
  expect(sparkline([0, 0])).toBe("▁▁");
  expect(sparkline([])).toBe("");
});

test("numbers as people read them", () => {
  expect([0.04, 4.56, 15.4, 999, 1234, 12_000, Number.NaN, null].map(formatMs)).toEqual([
    "0.0 ms",
    "4.6 ms",
    "15 ms",
    "999 ms",
    "1.2 s",
    "12 s",
    "–",
    "–",
  ]);
  expect([0.116, Number.NaN].map(formatShare)).toEqual(["12 %", "–"]);
  expect([7_400, 754_000].map(formatElapsed)).toEqual(["0:07", "12:34"]);
  expect(formatCount(12_345)).toBe("12,345");
});
