import { expect, test } from "bun:test";
import {
  byteFigure,
  count,
  grouped,
  joined,
  latency,
  latencyTick,
  percent,
  signedPercent,
} from "../../../../../src/dashboard/page/model/format/numbers.ts";
import { duration, inUtc, spokenDuration } from "../../../../../src/dashboard/page/model/format/times.ts";

test.each([
  [0, "0"],
  [0.04, "0.04"],
  [12.34, "12.3"],
  [9999, "9\u2009999"],
  [12_345, "12.3 k"],
  [999_600, "1.00 M"],
  [null, "–"],
  [Number.NaN, "–"],
] as const)("count %p", (value, text) => {
  expect(count(value)).toBe(text);
});

test.each([
  [0.42, "0.42 ms"],
  [12.34, "12.3 ms"],
  [999.4, "999 ms"],
  [999.6, "1.00 s"],
  [125_000, "2.08 min"],
  [null, "–"],
] as const)("latency %p", (value, text) => {
  expect(latency(value)).toBe(text);
});

test("shares, bytes, ticks", () => {
  expect([0, 0.0004, 0.032, 0.48, null].map(percent)).toEqual(["0 %", "<0.1 %", "3.2 %", "48 %", "–"]);
  expect([0.12, -0.07].map(signedPercent)).toEqual(["+12 %", "-7.0 %"]);
  expect(joined(byteFigure(136_000))).toBe("136 kB");
  expect(latencyTick(50)).toBe("50 ms");
  expect(grouped(1_234_567)).toBe("1\u2009234\u2009567");
});

test("times", () => {
  expect([4_000, 125_000, 600_000, 7_500_000, 273_600_000, -5].map(duration)).toEqual([
    "4 s",
    "2 min 5 s",
    "10 min",
    "2 h 5 min",
    "3 d 4 h",
    "0 s",
  ]);
  expect(spokenDuration(1_000)).toBe("1 second");
  expect(inUtc(Date.UTC(2026, 10, 30))).toBe("2026-11-30T00:00:00.000Z (UTC)");
});
