import { expect, test } from "bun:test";
import { columnOf } from "../../../../../src/balancing/score-columns.ts";
import type { ReadAttempt } from "../../../../../src/learning/online/attempts/attempt-reader.ts";
import { PredictedLatency } from "../../../../../src/learning/online/attempts/predicted-latency.ts";
import { PredictionWord, Rung, SCORE_COLUMNS } from "../../../../../src/shared/memory/layout/learning.ts";

const SLOT = 3;

/** An attempt at the server in `SLOT`, with three requests in flight there, for which the model says 20 ms. */
function attempt(changes: { record?: object; decision?: object; table?: object | null } = {}): ReadAttempt {
  const costs = new Float32Array(2 * SCORE_COLUMNS).fill(999);
  costs[SCORE_COLUMNS + columnOf(3)] = 20;
  const features = { indexOf: (slot: number, id: number) => (slot === SLOT && id === 7 ? 1 : -1) };
  const table = { isCost: true, costs, features, ...changes.table };
  const candidates = [
    { slot: 1, inFlight: 0, waiting: 0, score: 30 },
    { slot: SLOT, inFlight: 3, waiting: 1, score: 25 },
  ];
  return {
    record: { arm: "champion", failed: false, slot: SLOT, latencyMs: 25, ...changes.record },
    decision: { rung: Rung.MODEL, table: 12, serverId: 7, candidates, ...changes.decision },
    table: changes.table === null ? null : table,
  } as unknown as ReadAttempt;
}

function setUp() {
  const sums = new Float64Array(8 * PredictionWord.LENGTH);
  const row = sums.subarray(SLOT * PredictionWord.LENGTH, (SLOT + 1) * PredictionWord.LENGTH);
  const rowOf = () => Array.from(row, (value) => Number(value.toFixed(6)));
  return { latency: new PredictedLatency(sums), row, rowOf };
}

test("what was predicted and what came of it are added up of the same attempts", () => {
  const { latency, rowOf } = setUp();
  latency.add(attempt());
  latency.add(attempt({ record: { latencyMs: 15 } }));
  expect(rowOf()).toEqual([7, 2, 0.04, 0.04]);
});

test("only those count that a time placed which the champion predicted, and that succeeded", () => {
  const { latency, rowOf } = setUp();
  latency.add(attempt({ record: { failed: true } }));
  latency.add(attempt({ record: { arm: "canary" } }));
  latency.add(attempt({ decision: { rung: Rung.ESTIMATOR, table: 0 } }));
  latency.add(attempt({ decision: { table: 0 } }));
  latency.add(attempt({ table: null }));
  latency.add(attempt({ table: { isCost: false } }));
  latency.add(attempt({ decision: { candidates: [] } }));
  expect(rowOf()).toEqual([0, 0, 0, 0]);
});

test("the slot's next server begins at zero, and what comes late of the one before is left out", () => {
  const { latency, row, rowOf } = setUp();
  latency.add(attempt());
  const next = attempt({ decision: { serverId: 9 }, table: { features: { indexOf: () => 1 } } });
  latency.add(next);
  latency.add(attempt());
  expect(rowOf()).toEqual([9, 1, 0.02, 0.025]);
  expect(row[PredictionWord.SERVER]).toBe(9);
});
