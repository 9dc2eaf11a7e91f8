import { expect, test } from "bun:test";
import type { NotedEvent } from "../../../../src/control/events/events.ts";
import { RungWatch } from "../../../../src/control/events/rung-watch.ts";
import { Rung } from "../../../../src/shared/memory/layout/learning.ts";

test("each change of a pool's rung is noted once, and where it begins is none", () => {
  const noted: NotedEvent[] = [];
  const watch = new RungWatch({ note: (event) => noted.push(event) });
  watch.tick([]);
  watch.tick([{ name: "shop", rung: Rung.ESTIMATOR }]);
  watch.tick([
    { name: "shop", rung: Rung.MODEL },
    { name: "blog", rung: Rung.ESTIMATOR },
  ]);
  watch.tick([
    { name: "shop", rung: Rung.MODEL },
    { name: "blog", rung: Rung.FLOOR },
  ]);
  watch.tick([{ name: "shop", rung: Rung.MODEL }]);
  watch.tick([
    { name: "shop", rung: Rung.MODEL },
    { name: "blog", rung: Rung.MODEL },
  ]);
  expect(noted).toEqual([
    {
      kind: "verdict",
      pool: "shop",
      message: "requests are balanced by a model; before it was the estimator",
      detail: { rung: { from: "estimator", to: "model" } },
    },
    {
      kind: "verdict",
      pool: "blog",
      message: "requests are balanced by weighted round robin; before it was the estimator",
      detail: { rung: { from: "estimator", to: "weighted_round_robin" } },
    },
  ]);
});
