/** `ml` with a table: who is chosen, in whose name, and what happens when there is nothing to believe. Seeded. */
import { describe, expect, test } from "bun:test";
import { crowdFactor } from "../../../src/balancing/crowd.ts";
import { Ml } from "../../../src/balancing/ml.ts";
import { seededRandom } from "../../../src/balancing/random.ts";
import type { Decision } from "../../../src/balancing/strategy.ts";
import { TableModel, TableWriter } from "../../../src/learning/serving/table-writer.ts";
import {
  DecisionArm,
  type LearnedTable,
  LearnerFigure,
  LearnerWord,
  Rung,
  SCORE_COLUMNS,
  TABLE_COPIES,
  TABLE_MODELS,
} from "../../../src/shared/memory/layout/learning.ts";
import { binomialTolerance, fleetOf, SLOTS, type TestFleet } from "./fleet.ts";

function learnedTable(): LearnedTable {
  const rows = TABLE_MODELS * TABLE_COPIES * SLOTS;
  const learned = {
    words: new Int32Array(LearnerWord.LENGTH),
    figures: new Float64Array(LearnerFigure.LENGTH),
    rowId: new Int32Array(rows),
    cost: new Float32Array(rows * SCORE_COLUMNS).fill(Number.NaN), // what nobody wrote must not matter
    limit: new Int32Array(SLOTS),
    limitId: new Int32Array(SLOTS),
    settledLimit: new Int32Array(SLOTS),
    ownLimit: new Int32Array(SLOTS),
    limitSources: new Int32Array(SLOTS),
  };
  learned.words[LearnerWord.CHAMPION_COSTS] = 1;
  learned.words[LearnerWord.CANARY_COSTS] = 1;
  return learned;
}

/** Costs of each server at every load. */
function publish(
  learned: LearnedTable,
  fleet: TestFleet,
  costs: Readonly<Record<number, number>>,
  model: TableModel = TableModel.CHAMPION,
): void {
  const writer = new TableWriter(learned, model, fleet);
  const cost = writer.begin();
  for (const [slot, each] of Object.entries(costs)) {
    const at = writer.rowOf(Number(slot), fleet.id[Number(slot)]);
    cost.fill(each, at, at + SCORE_COLUMNS);
  }
  writer.publish();
}

type Noted = Pick<Decision, "slot" | "arm" | "rung" | "propensity" | "table"> & { scores: number[] };

function setUp(slots: readonly number[], seed = 1) {
  const fleet = fleetOf(slots);
  const learned = learnedTable();
  const noted: Noted[] = [];
  const decisions = {
    record: ({ slot, arm, rung, propensity, table, scores, count }: Decision) => {
      noted.push({ slot, arm, rung, propensity, table, scores: [...scores.subarray(0, count)] });
    },
  };
  const strategy = new Ml({ fleet, random: seededRandom(seed).next, learned, decisions });
  const candidates = Int32Array.from(slots);
  let nowMs = 0;
  const pick = (ms = 1): number => {
    nowMs += ms;
    return strategy.pick(candidates, candidates.length, 0, nowMs);
  };
  const heard = (latencyMs = 10) => {
    for (const slot of slots) strategy.onOutcome(slot, latencyMs, false, nowMs, 0);
  };
  heard(); // nobody is unknown: no probes
  return { fleet, learned, noted, strategy, pick, heard };
}

/** Picks `n` times; every response comes at once, so that nothing waits and nobody is forgotten. */
function picks({ pick, strategy, noted }: ReturnType<typeof setUp>, n: number): Noted[] {
  for (let i = 0; i < n; i++) strategy.onOutcome(pick(0.01), 10, false, 0, 0);
  return noted.splice(0);
}

const share = (all: readonly Noted[], matches: (each: Noted) => boolean) => all.filter(matches).length / all.length;

describe("with a table", () => {
  test("the least cost is taken, whatever the worker itself has seen", () => {
    const made = setUp([2, 5, 9]);
    publish(made.learned, made.fleet, { 2: 30, 5: 20, 9: 40 });
    made.strategy.onOutcome(5, 300, false, 0, 0);
    for (const { slot, arm, rung, table, propensity } of picks(made, 50)) {
      expect([slot, arm, rung, table, propensity]).toEqual([5, DecisionArm.CHAMPION, Rung.MODEL, 1, 1]);
    }
  });

  test("both copies are read, each when it is the one that is shown", () => {
    const made = setUp([2, 5]);
    for (let round = 0; round < 6; round++) {
      publish(made.learned, made.fleet, round % 2 === 0 ? { 2: 10, 5: 20 } : { 2: 20, 5: 10 });
      const [last] = picks(made, 1);
      expect([last.slot, last.table]).toEqual([round % 2 === 0 ? 2 : 5, round + 1]);
    }
  });

  test("the column is that of the requests in flight, and the crowd counts on top", () => {
    const made = setUp([2, 5]);
    const writer = new TableWriter(made.learned, TableModel.CHAMPION, made.fleet);
    const cost = writer.begin();
    for (const slot of [2, 5]) {
      const at = writer.rowOf(slot, made.fleet.id[slot]);
      for (let column = 0; column < SCORE_COLUMNS; column++) cost[at + column] = slot === 2 ? 10 + column : 12;
    }
    writer.publish();
    made.fleet.inFlight[2] = 3;
    made.fleet.inFlight[5] = 3;
    const [{ slot, scores }] = picks(made, 1);
    expect(slot).toBe(5);
    expect(scores[0]).toBeCloseTo(13 * crowdFactor(0, 3), 4);
    expect(scores[1]).toBeCloseTo(12 * crowdFactor(0, 3), 4);
  });

  test("scores that know the load already are compared as they are", () => {
    const made = setUp([2, 5]);
    publish(made.learned, made.fleet, { 2: 1.5, 5: 1.4 });
    made.learned.words[LearnerWord.CHAMPION_COSTS] = 0;
    made.fleet.inFlight[5] = 7;
    const [{ slot, scores }] = picks(made, 1);
    expect(slot).toBe(5);
    expect(scores[1]).toBeCloseTo(1.4, 5);
  });

  test("weights and slow start divide the cost", () => {
    const made = setUp([2, 5]);
    publish(made.learned, made.fleet, { 2: 20, 5: 10 });
    expect(picks(made, 1)[0].slot).toBe(5);
    made.fleet.effectiveWeight[2] = 3;
    expect(picks(made, 1)[0].slot).toBe(2);
    made.fleet.effectiveWeight[2] = 0.05;
    expect(picks(made, 1)[0].slot).toBe(5);
  });

  test("ties are broken evenly", () => {
    const made = setUp([2, 5, 9]);
    publish(made.learned, made.fleet, { 2: 10, 5: 10, 9: 10 });
    const all = picks(made, 6000);
    for (const slot of [2, 5, 9]) {
      const count = all.filter((each) => each.slot === slot).length;
      expect(Math.abs(count - 2000)).toBeLessThan(binomialTolerance(6000, 1 / 3));
    }
  });

  test("a table that lacks a candidate, or has its slot's former server, is not used", () => {
    const made = setUp([2, 5]);
    publish(made.learned, made.fleet, { 2: 10 });
    expect(picks(made, 1)[0]).toMatchObject({ rung: Rung.ESTIMATOR, table: 0 });
    publish(made.learned, made.fleet, { 2: 10, 5: 20 });
    expect(picks(made, 1)[0]).toMatchObject({ rung: Rung.MODEL, table: 2 });
    made.fleet.place(5);
    made.heard();
    expect(picks(made, 1)[0]).toMatchObject({ rung: Rung.ESTIMATOR, table: 0 });
  });

  test("a table that is not renewed is believed for a second and not longer; a new one is at once", () => {
    const made = setUp([2, 5]);
    publish(made.learned, made.fleet, { 2: 10, 5: 20 });
    picks(made, 1);
    made.pick(990);
    made.heard();
    expect(made.noted.pop()).toMatchObject({ slot: 2, rung: Rung.MODEL });
    made.pick(20);
    expect(made.noted.pop()).toMatchObject({ rung: Rung.ESTIMATOR, table: 0 });
    publish(made.learned, made.fleet, { 2: 20, 5: 10 });
    made.pick(1);
    expect(made.noted.pop()).toMatchObject({ slot: 5, rung: Rung.MODEL, table: 2 });
  });
});

describe("the ladder", () => {
  test("the rung that the learner orders is kept to, and the policy that chose is noted", () => {
    const made = setUp([2, 5, 9]);
    publish(made.learned, made.fleet, { 2: 30, 5: 20, 9: 40 });
    made.learned.words[LearnerWord.RUNG] = Rung.ESTIMATOR;
    for (let i = 0; i < 20; i++) made.strategy.onOutcome(9, 1, false, 0, 0);
    for (const each of picks(made, 20)) expect(each).toMatchObject({ slot: 9, rung: Rung.ESTIMATOR, table: 0 });
    made.learned.words[LearnerWord.RUNG] = Rung.FLOOR;
    const all = picks(made, 300);
    for (const slot of [2, 5, 9]) expect(share(all, (each) => each.slot === slot)).toBeCloseTo(1 / 3, 5);
    expect(share(all, ({ rung }) => rung === Rung.FLOOR)).toBe(1);
  });

  test("shares of control, canary and second best are what was ordered, each with its propensity", () => {
    const made = setUp([2, 5, 9]);
    publish(made.learned, made.fleet, { 2: 10, 5: 20, 9: 30 });
    publish(made.learned, made.fleet, { 2: 30, 5: 20, 9: 10 }, TableModel.CANARY);
    made.learned.figures[LearnerFigure.CONTROL_SHARE] = 0.1;
    made.learned.figures[LearnerFigure.CANARY_SHARE] = 0.2;
    made.learned.figures[LearnerFigure.SECOND_SHARE] = 0.3;
    const n = 20_000;
    const all = picks(made, n);
    const arms: [DecisionArm, number][] = [
      [DecisionArm.CONTROL, 0.1],
      [DecisionArm.CANARY, 0.2],
      [DecisionArm.CHAMPION, 0.7],
    ];
    for (const [arm, p] of arms) {
      expect(Math.abs(share(all, (each) => each.arm === arm) - p) * n).toBeLessThan(binomialTolerance(n, p));
    }
    for (const { arm, slot, rung, propensity } of all) {
      if (arm === DecisionArm.CANARY) expect([slot, propensity]).toEqual([9, 1]);
      if (arm === DecisionArm.CONTROL) expect([rung, propensity]).toEqual([Rung.ESTIMATOR, 1]);
      if (arm === DecisionArm.CHAMPION) expect(propensity).toBe(slot === 2 ? 0.7 : 0.3);
    }
    const champion = all.filter(({ arm }) => arm === DecisionArm.CHAMPION);
    const seconds = share(champion, ({ slot }) => slot === 5);
    expect(share(champion, ({ slot }) => slot === 9)).toBe(0);
    expect(Math.abs(seconds - 0.3) * champion.length).toBeLessThan(binomialTolerance(champion.length, 0.3));
  });

  test("a canary without a table is placed by the estimator, and the champion's table is not touched by it", () => {
    const made = setUp([2, 5]);
    publish(made.learned, made.fleet, { 2: 10, 5: 20 });
    made.learned.figures[LearnerFigure.CANARY_SHARE] = 1;
    expect(picks(made, 1)[0]).toMatchObject({ arm: DecisionArm.CANARY, rung: Rung.ESTIMATOR, table: 0 });
  });

  test("a server that was not heard of is asked whatever the table says, once, and that is noted as a probe", () => {
    const made = setUp([2, 5]);
    publish(made.learned, made.fleet, { 2: 10, 5: 20 });
    made.fleet.place(5);
    publish(made.learned, made.fleet, { 2: 10, 5: 20 });
    made.pick(20);
    expect(made.noted.pop()).toMatchObject({ slot: 5, arm: DecisionArm.PROBE, propensity: 1, table: 0 });
    made.fleet.inFlight[5] = 1;
    made.pick(20);
    expect(made.noted.pop()).toMatchObject({ slot: 2, arm: DecisionArm.CHAMPION });
  });

  test("without a learner it balances as the estimator does", () => {
    const fleet = fleetOf([2, 5]);
    const strategy = new Ml({ fleet, random: seededRandom(1).next });
    for (let i = 0; i < 50; i++) {
      strategy.onOutcome(2, 50, false, i, 0);
      strategy.onOutcome(5, 5, false, i, 0);
    }
    for (let i = 0; i < 20; i++) expect(strategy.pick(Int32Array.of(2, 5), 2, 0, 50)).toBe(5);
  });
});
