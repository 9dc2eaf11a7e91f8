import { describe, expect, test } from "bun:test";
import { columnLoad, columnOf } from "../../../../src/balancing/score-columns.ts";
import { estimatorNetwork, NetworkModel } from "../../../../src/learning/models/network-model.ts";
import type { ScoreModel } from "../../../../src/learning/models/score-model.ts";
import { LearnerCore } from "../../../../src/learning/serving/learner-core.ts";
import { HISTORY_MS, TableHistory } from "../../../../src/learning/serving/table-history.ts";
import { TableModel } from "../../../../src/learning/serving/table-writer.ts";
import {
  INFERENCE_BOUNDS,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  Rung,
  SCORE_COLUMNS,
  TABLE_COPIES,
} from "../../../../src/shared/memory/layout/learning.ts";
import { MAX_SERVERS, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";

const SLOTS = Int32Array.of(1, 4, 6);

function setUp() {
  const { servers, learned: pools, learnerCounters } = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const learned = pools[0];
  for (const slot of SLOTS) {
    servers.id[slot] = 100 + slot;
    servers.effectiveWeight[slot] = 1;
  }
  const history = new TableHistory();
  let stopwatchMs = 0;
  const core = new LearnerCore({
    pool: 0,
    fleet: servers,
    learned,
    counters: learnerCounters,
    history,
    stopwatch: () => {
      stopwatchMs += 3;
      return stopwatchMs;
    },
  });
  const observe = (slot: number, latencyMs: number, atMs: number, inFlight = 0) =>
    core.observe({ slot, serverId: servers.id[slot], latencyMs, failed: false, inFlight, atMs });
  const cost = (slot: number, inFlight: number, model: TableModel = TableModel.CHAMPION) => {
    const word = model === TableModel.CHAMPION ? LearnerWord.CHAMPION_TABLE : LearnerWord.CANARY_TABLE;
    const row = (model * TABLE_COPIES + (learned.words[word] & 1)) * MAX_SERVERS + slot;
    expect(learned.rowId[row]).toBe(servers.id[slot]);
    return learned.cost[row * SCORE_COLUMNS + columnOf(inFlight)];
  };
  return { servers, learned, counters: learnerCounters, history, core, observe, cost };
}

/** A model of the scores that `answer` gives for rows of one feature. */
function modelOf(
  answer: (row: number, value: number) => number,
  { feature = "log_load", kind = "log_relative_cost" as ScoreModel["outputKind"] } = {},
): ScoreModel {
  return {
    featureNames: [feature],
    outputKind: kind,
    predict: async (rows, count) => Float32Array.from({ length: count }, (_, i) => answer(i, rows[i])),
    release: async () => {},
  };
}

describe("a tick", () => {
  test("publishes the estimator's expectation of every server at every load, where the model says nothing else", async () => {
    const { core, observe, cost, learned, servers, counters } = setUp();
    core.setChampion({ version: 7, model: new NetworkModel(estimatorNetwork()) });
    for (let ms = 0; ms < 1000; ms += 10) for (const slot of SLOTS) observe(slot, slot === 4 ? 80 : 10, ms);
    servers.inFlight[1] = 3;
    await core.tick(SLOTS, 1000);
    expect(cost(4, 0)).toBeGreaterThan(4 * cost(1, 0));
    expect(cost(1, 0)).toBeCloseTo(cost(6, 0), 3);
    for (let k = 1; k < 2000; k += 7) expect(cost(1, k)).toBeGreaterThanOrEqual(cost(1, k - 1));
    expect(cost(1, 100)).toBeGreaterThan(cost(1, 30));
    expect(learned.words[LearnerWord.CHAMPION_MODEL]).toBe(7);
    expect(learned.words[LearnerWord.CHAMPION_COSTS]).toBe(1);
    expect(learned.words[LearnerWord.RUNG]).toBe(Rung.MODEL);
    expect(learned.figures[LearnerFigure.TABLE_MS]).toBe(1000);
    expect(core.rungReason).toBe("");
    const columns = columnOf(2 * 3 + 6) + 1;
    expect(counters[LearnerCounter.SCORES]).toBe(3 * columns);
    expect(counters[LearnerCounter.TABLES]).toBe(1);
    expect(counters[LearnerCounter.INFERENCE_SECONDS]).toBeCloseTo(0.003, 6);
    const bucket = INFERENCE_BOUNDS.indexOf(0.005);
    expect(counters[LearnerCounter.INFERENCE_BUCKETS + bucket]).toBe(1);
  });

  test("asks with the load of each column, in rows by server", async () => {
    const { core } = setUp();
    const asked: number[] = [];
    const answer = (_: number, value: number) => asked.push(value) * 0;
    core.setChampion({ version: 1, model: modelOf(answer, { feature: "active_conns" }) });
    await core.tick(SLOTS, 0);
    const columns = asked.length / SLOTS.length;
    expect(asked).toEqual([...SLOTS].flatMap(() => Array.from({ length: columns }, (_, c) => columnLoad(c))));
  });

  test("servers that are not given are not in the table; outcomes of those that left are of no use", async () => {
    const { core, observe, cost, learned, servers } = setUp();
    core.setChampion({ version: 1, model: new NetworkModel(estimatorNetwork()) });
    await core.tick(SLOTS, 0);
    servers.id[4] = 999;
    core.observe({ slot: 4, serverId: 104, latencyMs: 9999, failed: false, inFlight: 0, atMs: 1 });
    for (const slot of SLOTS) observe(slot, 10, 2);
    await core.tick(Int32Array.of(1, 4), 50);
    expect(cost(4, 0)).toBeCloseTo(cost(1, 0), 3);
    expect(learned.rowId[(learned.words[LearnerWord.CHAMPION_TABLE] & 1) * MAX_SERVERS + 6]).toBe(0);
  });

  test("a fleet of nobody gets a table of nobody", async () => {
    const { core, learned } = setUp();
    core.setChampion({ version: 1, model: modelOf(() => 0) });
    await core.tick(new Int32Array(0), 5);
    expect(learned.words[LearnerWord.CHAMPION_TABLE]).toBe(1);
    expect(learned.words[LearnerWord.RUNG]).toBe(Rung.MODEL);
  });

  test("is not begun while the last one waits for its model", async () => {
    const { core, learned } = setUp();
    const waiting = Promise.withResolvers<Float32Array>();
    let calls = 0;
    const model = modelOf(() => 0);
    core.setChampion({
      version: 1,
      model: {
        ...model,
        predict: (rows, count) => (++calls === 1 ? waiting.promise : model.predict(rows, count)),
      },
    });
    const first = core.tick(SLOTS, 0);
    await core.tick(SLOTS, 50);
    expect(calls).toBe(1);
    waiting.resolve(new Float32Array(SLOTS.length * (columnOf(6) + 1)));
    await first;
    expect(learned.figures[LearnerFigure.TABLE_MS]).toBe(0); // of the moment that it speaks of
    await core.tick(SLOTS, 100);
    expect(learned.figures[LearnerFigure.TABLE_MS]).toBe(100);
  });
});

describe("a model that fails", () => {
  test.each([
    ["rejects", () => Promise.reject(new Error("no answer from http://model"))],
    ["says NaN", async (_: unknown, count: number) => new Float32Array(count).fill(Number.NaN)],
    ["says infinity", async (_: unknown, count: number) => new Float32Array(count).fill(Number.POSITIVE_INFINITY)],
    ["is beyond what a cost can be", async (_: unknown, count: number) => new Float32Array(count).fill(500)],
  ] as const)(
    "%s: its table stays, the estimator is in charge, and it is counted; then it works again",
    async (_, bad) => {
      const { core, learned, counters } = setUp();
      const model = modelOf(() => 0);
      let broken = false;
      core.setChampion({
        version: 1,
        model: { ...model, predict: (rows, count) => (broken ? bad(rows, count) : model.predict(rows, count)) },
      });
      await core.tick(SLOTS, 50);
      broken = true;
      await core.tick(SLOTS, 100);
      expect(learned.words[LearnerWord.CHAMPION_TABLE]).toBe(1);
      expect(learned.figures[LearnerFigure.TABLE_MS]).toBe(50);
      expect(learned.words[LearnerWord.RUNG]).toBe(Rung.ESTIMATOR);
      expect(core.rungReason).not.toBe("");
      expect(counters[LearnerCounter.MODEL_FAILURES]).toBe(1);
      broken = false;
      await core.tick(SLOTS, 150);
      expect(learned.words[LearnerWord.CHAMPION_TABLE]).toBe(2);
      expect(learned.words[LearnerWord.RUNG]).toBe(Rung.MODEL);
    },
  );

  test("as a canary it does not touch the champion", async () => {
    const { core, learned, counters } = setUp();
    core.setChampion({ version: 1, model: modelOf(() => 0) });
    core.setCanary({ version: 2, model: modelOf(() => Number.NaN) });
    await core.tick(SLOTS, 50);
    expect(learned.words[LearnerWord.RUNG]).toBe(Rung.MODEL);
    expect(learned.words[LearnerWord.CANARY_TABLE]).toBe(0);
    expect(counters[LearnerCounter.MODEL_FAILURES]).toBe(1);
  });

  test("asks for features that there are not: refused with their names", () => {
    const { core } = setUp();
    const wrong = modelOf(() => 0, { feature: "gpu_usage" });
    expect(() => core.setChampion({ version: 1, model: wrong })).toThrow("gpu_usage");
  });
});

describe("two models", () => {
  test("have a table each, until the canary is taken away", async () => {
    const { core, cost, learned } = setUp();
    core.setChampion({ version: 1, model: modelOf(() => 0) });
    core.setCanary({ version: 2, model: modelOf((row) => (row < 12 ? 1 : 0), { kind: "score" }) });
    await core.tick(SLOTS, 50);
    expect(learned.words[LearnerWord.CANARY_MODEL]).toBe(2);
    expect(learned.words[LearnerWord.CANARY_COSTS]).toBe(0);
    expect(cost(1, 0, TableModel.CANARY)).toBeGreaterThan(cost(6, 0, TableModel.CANARY));
    expect(cost(1, 0)).toBe(cost(6, 0));
    core.setCanary(null);
    expect(learned.words[LearnerWord.CANARY_MODEL]).toBe(0);
    await core.tick(SLOTS, 100);
    expect(learned.words[LearnerWord.CANARY_TABLE]).toBe(1);
  });

  test("without a champion the estimator balances", async () => {
    const { core, learned } = setUp();
    await core.tick(SLOTS, 50);
    expect(learned.words[LearnerWord.RUNG]).toBe(Rung.ESTIMATOR);
    expect(core.rungReason).toBe("there is no model");
  });
});

describe("the history", () => {
  test("has what each table was made from, for ten seconds", async () => {
    const { core, history, cost } = setUp();
    core.setChampion({ version: 3, model: new NetworkModel(estimatorNetwork()) });
    for (let ms = 0; ms <= 12_000; ms += 50) await core.tick(SLOTS, ms);
    expect(history.length).toBe(HISTORY_MS / 50 + 1);
    expect(history.find(TableModel.CHAMPION, 1)).toBeUndefined();
    const table = history.find(TableModel.CHAMPION, 241);
    expect(table).toMatchObject({ atMs: 12_000, modelVersion: 3, isCost: true });
    expect(table?.features.indexOf(4, 104)).toBe(1);
    expect(table?.features.indexOf(4, 105)).toBe(-1);
    expect(table?.costs[SCORE_COLUMNS + 2]).toBe(cost(4, 2));
    expect(history.at(TableModel.CHAMPION, 11_999)?.atMs).toBe(11_950);
    expect(history.newest(TableModel.CHAMPION)?.atMs).toBe(12_000);
  });

  test("is bounded in size: of a large fleet it has fewer", async () => {
    const small = new TableHistory(() => 100_000);
    const { core, history } = setUp();
    core.setChampion({ version: 3, model: modelOf(() => 0) });
    for (let ms = 0; ms < 5000; ms += 50) {
      await core.tick(SLOTS, ms);
      small.add(history.newest(TableModel.CHAMPION)!);
    }
    const { features, costs } = small.newest(TableModel.CHAMPION)!;
    expect(small.length * (features.bytes + costs.byteLength)).toBeLessThanOrEqual(100_000);
    expect(small.length).toBeGreaterThan(5);
    expect(small.length).toBeLessThan(history.length);
    expect(small.newest(TableModel.CHAMPION)).toBe(history.newest(TableModel.CHAMPION)!);
  });
});

describe("a refresh", () => {
  /** A model that counts how often it is asked. */
  function counting() {
    const asked = { count: 0 };
    const inner = new NetworkModel(estimatorNetwork());
    const model: ScoreModel = {
      featureNames: inner.featureNames,
      outputKind: inner.outputKind,
      predict: (rows, count) => {
        asked.count++;
        return inner.predict(rows, count);
      },
      release: async () => {},
    };
    return { asked, model };
  }

  async function quiet() {
    const made = setUp();
    const { asked, model } = counting();
    made.core.setChampion({ version: 7, model });
    for (let ms = 0; ms < 1000; ms += 10) for (const slot of SLOTS) made.observe(slot, slot === 4 ? 80 : 10, ms);
    await made.core.refresh(SLOTS, 31_000); // silent for thirty seconds
    expect(asked.count).toBe(1);
    return { ...made, asked };
  }

  test("shows the same table again where nothing happened, and says that it is new", async () => {
    const { core, learned, cost, history, asked, counters } = await quiet();
    const costs = [cost(1, 0), cost(4, 3), cost(6, 100)];
    for (let i = 1; i <= 10; i++) {
      const sequence = learned.words[LearnerWord.CHAMPION_TABLE];
      await core.refresh(SLOTS, 31_000 + 50 * i);
      expect(learned.words[LearnerWord.CHAMPION_TABLE]).toBe(sequence + 1);
      expect(learned.figures[LearnerFigure.TABLE_MS]).toBe(31_000 + 50 * i);
      expect([cost(1, 0), cost(4, 3), cost(6, 100)]).toEqual(costs); // whichever copy it is
      const found = history.find(TableModel.CHAMPION, sequence + 1);
      expect(found).toMatchObject({ sequence: sequence + 1, atMs: 31_000 + 50 * i, modelVersion: 7 });
    }
    expect(asked.count).toBe(1);
    expect(counters[LearnerCounter.TABLES]).toBe(11);
    expect(core.rungReason).toBe("");
    const { addedBytes } = history;
    await core.refresh(SLOTS, 31_550);
    expect(history.addedBytes).toBe(addedBytes); // it takes no memory
  });

  test("hardly differs from a table that is made anew, however long it is shown", async () => {
    const { core, cost, asked } = await quiet();
    let shown = cost(4, 2);
    for (let ms = 31_050; ms < 60_000; ms += 50) {
      const before = asked.count;
      await core.refresh(SLOTS, ms);
      if (asked.count > before) expect(Math.abs(cost(4, 2) / shown - 1)).toBeLessThan(0.01);
      shown = cost(4, 2);
    }
    expect(asked.count).toBeGreaterThan(10);
    expect(asked.count).toBeLessThan(60); // 579 tables
  });

  type Made = Awaited<ReturnType<typeof quiet>>;
  test.each<[string, (made: Made) => void]>([
    ["an answer came", ({ observe }) => observe(4, 500, 31_020)],
    ["a request is in flight", ({ servers }) => void servers.inFlight[6]++],
    ["a server reports another usage", ({ servers }) => void servers.cpuUsagePercent.fill(50)],
    ["a capacity was changed", ({ servers }) => void servers.capacity.fill(50)],
    ["a slot went to another server", ({ servers }) => void servers.id.fill(999, 1, 2)],
    ["another model came", ({ core }) => core.setChampion({ version: 8, model: counting().model })],
    ["a canary came", ({ core }) => core.setCanary({ version: 8, model: counting().model })],
  ])("makes tables anew when %s", async (_, happens) => {
    const made = await quiet();
    await made.core.refresh(SLOTS, 31_010);
    const before = made.counters[LearnerCounter.SCORES];
    happens(made);
    await made.core.refresh(SLOTS, 31_050);
    expect(made.counters[LearnerCounter.SCORES]).toBeGreaterThan(before);
  });

  test("makes tables anew when other servers take requests", async () => {
    const { core, learned, asked } = await quiet();
    await core.refresh(SLOTS.slice(1), 31_050);
    expect(asked.count).toBe(2);
    expect(learned.rowId[(learned.words[LearnerWord.CHAMPION_TABLE] & 1) * MAX_SERVERS + SLOTS[0]]).toBe(0);
  });

  test("asks a model that failed every time, until it works", async () => {
    const { core } = setUp();
    let asked = 0;
    const model = modelOf(() => (++asked > 30 ? 0 : Number.NaN));
    core.setChampion({ version: 1, model });
    for (let i = 0; i < 6; i++) await core.refresh(SLOTS, 1000 + 50 * i);
    expect(core.rungReason).toBe("");
  });
});
