import { expect, test } from "bun:test";
import fc from "fast-check";
import { PANIC_HOLD_MS, PanicMode } from "../../../src/health/panic-mode.ts";

test("begins at once below the threshold, ends after enough servers held", () => {
  const panic = new PanicMode();
  expect(panic.update(2, 4, 50, 0)).toBe(false);
  expect(panic.update(1, 4, 50, 100)).toBe(true);
  expect(panic.update(2, 4, 50, 200)).toBe(true);
  expect(panic.update(2, 4, 50, 200 + PANIC_HOLD_MS - 1)).toBe(true);
  expect(panic.update(2, 4, 50, 200 + PANIC_HOLD_MS)).toBe(false);
});

test("a relapse starts the hold again", () => {
  const panic = new PanicMode();
  panic.update(0, 2, 50, 0);
  panic.update(1, 2, 50, 1000);
  panic.update(0, 2, 50, 1500);
  panic.update(1, 2, 50, 2000);
  expect(panic.update(1, 2, 50, 2000 + PANIC_HOLD_MS - 1)).toBe(true);
  expect(panic.update(1, 2, 50, 2000 + PANIC_HOLD_MS)).toBe(false);
});

test("threshold 0 and an empty fleet mean no panic", () => {
  const panic = new PanicMode();
  expect(panic.update(0, 3, 0, 0)).toBe(false);
  expect(panic.update(0, 0, 50, 0)).toBe(false);
  panic.update(0, 3, 50, 0);
  expect(panic.update(0, 3, 0, 1)).toBe(false);
});

test("it never ends twice within one hold", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(4), { maxLength: 200 }), (healthy) => {
      const panic = new PanicMode();
      let was = false;
      let endedMs = Number.NEGATIVE_INFINITY;
      healthy.forEach((up, i) => {
        const on = panic.update(up, 4, 50, i * 100);
        if (up < 2) expect(on).toBe(true);
        if (was && !on) {
          expect(i * 100 - endedMs).toBeGreaterThanOrEqual(PANIC_HOLD_MS);
          endedMs = i * 100;
        }
        was = on;
      });
    }),
  );
});
