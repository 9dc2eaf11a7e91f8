/** When a certificate is asked for. */
import { describe, expect, test } from "bun:test";
import { renewalMs, retryAfterMs, waitMs } from "../../../src/acme/schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOTHING = { rateLimited: false, retryAfterMs: null };

describe("renewals", () => {
  test("a third of the lifetime before the end, up to a tenth of that earlier, however long it is", () => {
    for (const days of [6, 47, 90, 398]) {
      const end = days * DAY;
      expect(renewalMs(0, end, 0)).toBe(Math.round(end - end / 3));
      expect(renewalMs(0, end, 0.999)).toBeGreaterThan(end - (end / 3) * 1.1 - 1);
      expect(renewalMs(0, end, 0.999)).toBeLessThan(renewalMs(0, end, 0));
    }
  });
});

describe("after failures", () => {
  test("each wait is longer than the one before, and no more than five tries are made in an hour", () => {
    let at = 0;
    let within = 1;
    let before = 0;
    for (let failures = 1; failures < 20; failures++) {
      const wait = waitMs(failures, NOTHING, 0);
      expect(wait).toBeGreaterThanOrEqual(before);
      before = wait;
      at += wait;
      if (at < HOUR) within++;
    }
    expect(within).toBeLessThanOrEqual(5);
    expect(waitMs(1_000_000, NOTHING, 0)).toBe(12 * HOUR);
  });

  test("what the CA says counts where it is longer, up to a week; who asks too often waits an hour at least", () => {
    expect(waitMs(1, { rateLimited: false, retryAfterMs: 3 * HOUR }, 0)).toBe(3 * HOUR);
    expect(waitMs(1, { rateLimited: false, retryAfterMs: 1 }, 0)).toBe(waitMs(1, NOTHING, 0));
    expect(waitMs(1, { rateLimited: true, retryAfterMs: null }, 0)).toBe(HOUR);
    expect(waitMs(1, { rateLimited: true, retryAfterMs: 1e15 }, 0)).toBe(7 * DAY);
  });

  test("chance spreads those that failed together", () => {
    expect(waitMs(1, NOTHING, 0.99)).toBeGreaterThan(waitMs(1, NOTHING, 0));
  });
});

test.each([
  ["120", 120_000],
  [" 5 ", 5_000],
  ["Thu, 01 Jan 1970 00:01:00 GMT", 50_000],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["soon", null],
  ["-5", null],
  ["", null],
  [null, null],
])("Retry-After %p is %p ms", (field, ms) => {
  expect(retryAfterMs(field, 10_000)).toBe(ms);
});
