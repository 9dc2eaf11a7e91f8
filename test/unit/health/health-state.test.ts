import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HealthState } from "../../../src/health/health-state.ts";

const thresholds = { rise: 2, fall: 3 };

describe("health state", () => {
  test("serves from the first moment, unproven", () => {
    const state = new HealthState(thresholds);
    expect([state.up, state.proven]).toEqual([true, false]);
  });

  test("the first probe decides alone", () => {
    expect(new HealthState(thresholds).onProbe(false)).toBe("down");
    const good = new HealthState(thresholds);
    expect(good.onProbe(true)).toBe("proven");
    expect(good.proven).toBe(true);
  });

  test("a proven server falls after `fall` failures in a row and rises after `rise` successes", () => {
    const state = new HealthState(thresholds);
    const seen = [true, false, false, true, false, false, false, true, false, true, true].map((ok) =>
      state.onProbe(ok),
    );
    expect(seen).toEqual(["proven", "none", "none", "none", "none", "none", "down", "none", "none", "none", "up"]);
  });

  test("wavers only while probes contradict the verdict", () => {
    const state = new HealthState(thresholds);
    state.onProbe(true);
    expect(state.wavering).toBe(false);
    state.onProbe(false);
    expect(state.wavering).toBe(true);
    state.onProbe(true);
    expect(state.wavering).toBe(false);
  });

  test("a change of verdict always needs its whole run, whatever came before", () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        (probes, rise, fall) => {
          const state = new HealthState({ rise, fall });
          let run = 0;
          let last: boolean | undefined;
          let proven = false;
          for (const ok of probes) {
            run = ok === last ? run + 1 : 1;
            last = ok;
            const change = state.onProbe(ok);
            if (change === "down") expect(run).toBeGreaterThanOrEqual(proven ? fall : 1);
            if (change === "up") expect(run).toBeGreaterThanOrEqual(rise);
            if (run >= Math.max(rise, fall)) expect(state.up).toBe(ok);
            proven ||= change === "proven" || change === "up";
            expect(state.proven).toBe(proven);
          }
        },
      ),
    );
  });

  test("without checks it is up and proven", () => {
    const state = new HealthState(thresholds);
    state.onProbe(false);
    state.assumeUp();
    expect([state.up, state.proven]).toEqual([true, true]);
  });
});
