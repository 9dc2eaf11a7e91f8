import { expect, test } from "bun:test";
import { Absences } from "../../../../src/replay/reading/absences.ts";

test("from when a server was first seen away until it was seen back, within the recording", () => {
  const absences = new Absences(1000, 10_000);
  absences.observe(0, false, 500);
  absences.observe(0, false, 2000);
  absences.observe(1, false, 3000);
  absences.observe(0, true, 4000);
  absences.observe(0, true, 5000);
  absences.observe(2, false, 20_000);
  expect(absences.finish()).toEqual([
    { server: 0, fromMs: 0, toMs: 3000 },
    { server: 1, fromMs: 2000, toMs: 10_000 },
  ]);
});
