import { describe, expect, test } from "bun:test";
import { HybridClock, isStamp, stampMs, stampOf } from "../../../../src/shared/operations/stamp.ts";

const ONE = "0000000000000001";
const TWO = "0000000000000002";

describe("a hybrid clock", () => {
  test("gives later ones while the wall clock stands still, and when it is set back", () => {
    let nowMs = 5_000;
    const clock = new HybridClock(ONE, () => nowMs);
    const stamps = [clock.next(), clock.next()];
    nowMs = 1_000;
    stamps.push(clock.next());
    nowMs = 6_000.9;
    stamps.push(clock.next());
    expect(stamps).toEqual(stamps.toSorted());
    expect(new Set(stamps).size).toBe(4);
    expect(stampMs(stamps[3])).toBe(6_000);
    expect(stamps.every(isStamp)).toBe(true);
  });

  test("is later than what it has heard, however far ahead that was", () => {
    const ahead = new HybridClock(ONE, () => 86_400_000);
    const behind = new HybridClock(TWO, () => 1_000);
    const heard = ahead.next();
    expect(behind.next() < heard).toBe(true);
    behind.hear(heard);
    expect(behind.next() > heard).toBe(true);
    const answer = behind.next();
    ahead.hear(answer);
    expect(ahead.next() > answer).toBe(true);
  });

  test("goes on with the next millisecond when one has no more room", () => {
    const clock = new HybridClock(ONE, () => 1_000);
    clock.hear("000000000001000-999999-0000000000000002");
    expect(stampMs(clock.next())).toBe(1_001);
  });
});

test("what is no stamp is none", () => {
  expect(isStamp(stampOf(1_000.5, ONE))).toBe(true);
  expect(isStamp(stampOf(Number.POSITIVE_INFINITY, ONE))).toBe(true);
  for (const text of ["", "1-0-1", "999999999999999-000000-0000000000000001", `${stampOf(1, ONE)} `]) {
    expect(isStamp(text)).toBe(false);
  }
});
