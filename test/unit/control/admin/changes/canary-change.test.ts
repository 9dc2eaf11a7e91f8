/** What may be asked of a canary: with all the requests, or so nearly all that it comes to that, there is nothing to compare. */
import { describe, expect, test } from "bun:test";
import { canaryChangeSchema, newCanarySchema } from "../../../../../src/control/admin/changes/canary-change.ts";
import { sharesAt } from "../../../../../src/shared/operations/canary.ts";

const stable = { shop: 1 };

describe("shares", () => {
  test.each([0.01, 5, 33.333333333333336, 99.99])("%d percent leave something on both sides", (percent) => {
    expect(canaryChangeSchema.safeParse({ percent }).success).toBe(true);
    const shares = sharesAt({ pool: "next", stable }, percent);
    expect(shares.next).toBeGreaterThan(0);
    expect(shares.shop).toBeGreaterThan(0);
  });

  test.each([0, 0.001, 99.995, 99.9999999, 100, 1e308, -5])(
    "%d percent are refused, and what would be right is said",
    (percent) => {
      const refused = newCanarySchema.safeParse({ pool: "next", percent });
      expect(refused.error?.issues.map(({ message }) => message)).toContain(
        "must be a number from 0.01 to 99.99: with all the requests there is nothing to compare",
      );
    },
  );

  test("steps end with all the requests, or leave something on both sides", () => {
    const isTaken = (...steps: number[]) => canaryChangeSchema.safeParse({ steps }).success;
    expect([isTaken(5, 100), isTaken(5, 99.99), isTaken(5, 99.9999999), isTaken(99.999, 100)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
