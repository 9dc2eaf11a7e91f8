import { describe, expect, test } from "bun:test";
import { isoMoment, parseEnd, parseMoment } from "../../../src/shared/moments.ts";

const NOW = Date.UTC(2026, 10, 29, 14, 5, 30, 250);

describe("moments", () => {
  test.each([
    ["now", "2026-11-29T14:05:30.250Z"],
    ["90s", "2026-11-29T14:04:00.250Z"],
    ["2h", "2026-11-29T12:05:30.250Z"],
    ["1w", "2026-11-22T14:05:30.250Z"],
    ["today", "2026-11-29T00:00:00Z"],
    ["yesterday", "2026-11-28T00:00:00Z"],
    ["02:30", "2026-11-29T02:30:00Z"],
    ["14:05:31", "2026-11-28T14:05:31Z"],
    ["2026-11-28", "2026-11-28T00:00:00Z"],
    ["2026-11-28T02:30", "2026-11-28T02:30:00Z"],
    ["2026-11-28 02:30:15.5Z", "2026-11-28T02:30:15.500Z"],
    ["2026-11-28T02:30+05:30", "2026-11-27T21:00:00Z"],
    ["2026-11-28T02:30:00-0100", "2026-11-28T03:30:00Z"],
    ["2024-02-29", "2024-02-29T00:00:00Z"],
    ["1795960800000", "2026-11-29T14:00:00Z"],
  ])("%s", (text, expected) => {
    const atMs = parseMoment(text, NOW);
    expect(atMs).not.toBeNull();
    expect(isoMoment(atMs as number)).toBe(expected);
  });

  test.each(["", "soon", "2", "-2h", "2 h", "25:00", "12:60", "2026-02-30", "2026-13-01", "2026-11-29T24:00"])(
    "%p is no time",
    (text) => expect(parseMoment(text, NOW)).toBeNull(),
  );

  test.each(["2026-11-29T02:30+19:00", "2026-11-29T02:30+01:60", "999999w", "2026-11-29T02:30 UTC"])(
    "nor is %p",
    (text) => expect(parseMoment(text, NOW)).toBeNull(),
  );
});

test("no number of a row makes it throw", () => {
  expect(isoMoment(9e18)).toBe("+275760-09-13T00:00:00Z");
  expect(isoMoment(-9e18)).toBe("-271821-04-20T00:00:00Z");
});

describe("the end of a time", () => {
  const sinceMs = Date.UTC(2026, 10, 29, 14, 0);
  test.each([
    ["a time of day that is still to come is today's", "14:10", "2026-11-29T14:10:00Z"],
    ["one that has passed since is today's", "14:04", "2026-11-29T14:04:00Z"],
    ["one after midnight is tomorrow's", "00:10", "2026-11-30T00:10:00Z"],
    ["one that comes too late for that is the last one", "13:30", "2026-11-29T13:30:00Z"],
    ["a date stays what it is", "2026-11-28", "2026-11-28T00:00:00Z"],
  ])("%s", (_, text, expected) => {
    expect(isoMoment(parseEnd(text, sinceMs, NOW) as number)).toBe(expected);
  });

  test("without a beginning it is the last one", () => {
    expect(isoMoment(parseEnd("14:06", Number.NEGATIVE_INFINITY, NOW) as number)).toBe("2026-11-28T14:06:00Z");
    expect(parseEnd("soon", sinceMs, NOW)).toBeNull();
  });
});
