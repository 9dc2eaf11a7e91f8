/** Canaries as the page asks for them and begins them again. */
import { expect, test } from "bun:test";
import {
  beginAgain,
  isLive,
  type ShownCanary,
  stepsOf,
  toneOf,
} from "../../../../../src/dashboard/page/model/canary.ts";

const ARM = { requests: 0, failed: 0, mean_ms: null };
const CANARY: ShownCanary = {
  route: "a/b",
  pool: "next",
  state: "running",
  percent: 25,
  steps: [5, 25, 100],
  next_step: 100,
  stable: { old: 1 },
  auto: false,
  min_duration_ms: 90_000,
  min_requests: 500,
  max_duration_ms: 900_000,
  tolerance: 0.03,
  verdict: null,
  sentence: "",
  arms: { canary: ARM, stable: ARM },
};

test("steps are read as people type them", () => {
  expect(stepsOf("5, 25 50,100")).toEqual([5, 25, 50, 100]);
  for (const wrong of ["", "5, x", "50, 25", "0", "5, 120"]) expect(() => stepsOf(wrong)).toThrow("percents that rise");
});

test("one that has ended is begun again as it was, when its pool has nothing of its own", async () => {
  const made = await Promise.all(beginAgain(CANARY).map((step) => step(null)));
  expect(made).toEqual([
    { method: "PATCH", path: "/api/v1/routes/a%2Fb", body: { split: { old: 1 } } },
    {
      method: "POST",
      path: "/api/v1/routes/a%2Fb/canary",
      body: {
        pool: "next",
        percent: 25,
        steps: [5, 25, 100],
        auto: false,
        min_duration: "90000ms",
        min_requests: 500,
        max_duration: "900000ms",
        tolerance: 0.03,
      },
    },
  ]);
});

test("what is under way, and what is alarming", () => {
  expect(isLive(CANARY)).toBe(true);
  expect(isLive({ ...CANARY, state: "ended" })).toBe(false);
  expect(toneOf({ ...CANARY, state: "waiting", verdict: "worse" })).toBe("bad");
  expect(toneOf({ ...CANARY, state: "rolled_back", verdict: "unusable" })).toBe("bad");
  expect(toneOf({ ...CANARY, state: "waiting", verdict: "no_worse" })).toBe("warn");
  expect(toneOf({ ...CANARY, state: "promoted", verdict: "no_worse" })).toBe("ok");
});
