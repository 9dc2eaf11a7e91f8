import { describe, expect, test } from "bun:test";
import { judgeOptions } from "../../../../src/learning/judge/operator-options.ts";
import { JUDGE_DEFAULTS } from "../../../../src/learning/judge/options.ts";
import type { AttemptRecord } from "../../../../src/learning/judge/record.ts";
import { RandomThinning } from "../../../../src/learning/online/attempts/random-thinning.ts";
import { TableIndex } from "../../../../src/learning/online/attempts/table-index.ts";
import { ArmCosts } from "../../../../src/learning/online/judging/arm-costs.ts";
import { ModelStatuses } from "../../../../src/learning/online/shelf/model-statuses.ts";
import {
  FIRST_SAMPLES,
  MORE_SAMPLES,
  TrainingSchedule,
} from "../../../../src/learning/online/training/training-schedule.ts";
import type { PublishedTable } from "../../../../src/learning/serving/table-history.ts";
import { TableModel } from "../../../../src/learning/serving/table-writer.ts";
import { LearnerFigure } from "../../../../src/shared/layout.ts";
import { StoreError } from "../../../../src/storage/store-error.ts";
import { seeded } from "../../../support/networks.ts";

describe("thinning", () => {
  const passed = (perSecond: number, rate: number, seconds: number) => {
    const thinning = new RandomThinning(perSecond, seeded(1));
    const counts: number[] = [];
    for (let i = 0; i < rate * seconds; i++) {
      const second = Math.floor(i / rate);
      counts[second] = (counts[second] ?? 0) + (thinning.passes((i * 1000) / rate) ? 1 : 0);
    }
    return counts;
  };

  test("lets all of a light traffic pass, and about as much as is wanted of a heavy one", () => {
    expect(passed(200, 150, 5)).toEqual([150, 150, 150, 150, 150]);
    const [first, ...rest] = passed(200, 5000, 6);
    expect(first).toBe(400); // it is not known yet that there are so many
    for (const count of rest) {
      expect(count).toBeGreaterThan(150);
      expect(count).toBeLessThan(250);
    }
  });

  test("takes all again when traffic ends and comes back", () => {
    const thinning = new RandomThinning(10, seeded(1));
    for (let i = 0; i < 1000; i++) thinning.passes(i);
    thinning.passes(60_000);
    expect([61_001, 61_002, 61_003].map((ms) => thinning.passes(ms))).toEqual([true, true, true]);
  });
});

describe("the schedule of trainings", () => {
  const SOON = new TrainingSchedule(60_000);

  test("waits for samples at first, then for the interval and for new ones", () => {
    SOON.add(FIRST_SAMPLES - 1);
    expect(SOON.due(0)).toBe(false);
    SOON.add(1);
    expect(SOON.due(0)).toBe(true);
    SOON.begin(0);
    SOON.end("proposed");
    SOON.add(MORE_SAMPLES);
    expect(SOON.due(59_999)).toBe(false);
    expect(SOON.due(60_000)).toBe(true);
    SOON.begin(60_000);
    expect(SOON.due(1e9)).toBe(false);
  });

  test("waits longer after each that gave nothing, up to sixteen times; another champion ends that", () => {
    const schedule = new TrainingSchedule(1000);
    schedule.add(FIRST_SAMPLES);
    let nowMs = 0;
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      schedule.begin(nowMs);
      schedule.end(i % 2 === 0 ? "no_better" : "failed");
      schedule.add(MORE_SAMPLES);
      const startMs = nowMs;
      while (!schedule.due(nowMs)) nowMs += 500;
      waits.push(nowMs - startMs);
    }
    expect(waits).toEqual([2000, 4000, 8000, 16_000, 16_000, 16_000]);
    schedule.begin(nowMs);
    schedule.end("no_better");
    schedule.add(MORE_SAMPLES);
    schedule.restart();
    expect(schedule.due(nowMs + 1000)).toBe(true);
  });

  test("is at once when somebody asks", () => {
    const schedule = new TrainingSchedule(60_000);
    schedule.ask();
    expect(schedule.due(0)).toBe(true);
    schedule.begin(0);
    expect(schedule.due(1)).toBe(false);
  });
});

describe("statuses of models", () => {
  test("wait while the store fails, and are written in their order when it works; what is gone is left out", async () => {
    const written: unknown[][] = [];
    let broken = true;
    const statuses = new ModelStatuses({
      setModelStatus: async (...change) => {
        if (broken) throw new StoreError("disk_full", "the disk is full");
        if (change[0] === 9) throw new RangeError("there is no model 9");
        written.push(change.slice(0, 2));
      },
    });
    statuses.set(1, "shadow", 5);
    statuses.set(9, "canary", 6);
    statuses.set(-1, "champion", 7); // a remote model: the store does not have it
    statuses.set(1, "champion", 8, { outgoing: "rejected" });
    await statuses.write();
    expect(statuses.waiting).toBe(3);
    broken = false;
    await Promise.all([statuses.write(), statuses.write()]);
    expect(written).toEqual([
      [1, "shadow"],
      [1, "champion"],
    ]);
    expect(statuses.waiting).toBe(0);
  });
});

describe("the index of tables", () => {
  const table = (model: TableModel, sequence: number, atMs: number): PublishedTable =>
    ({
      model,
      sequence,
      atMs,
      modelVersion: sequence % 7,
      features: { meanMs: atMs / 10 },
    }) as unknown as PublishedTable;

  test("knows tables by number and by time, long after the tables themselves are gone", () => {
    const index = new TableIndex();
    for (let sequence = 1; sequence <= 5000; sequence++) {
      index.add(table(TableModel.CHAMPION, sequence, sequence * 50));
      index.add(table(TableModel.SHADOW, sequence, sequence * 50));
    }
    index.add(table(TableModel.CANARY, 3, 1));
    expect(index.find(TableModel.CHAMPION, 4000)).toEqual({
      sequence: 4000,
      atMs: 200_000,
      modelVersion: 4000 % 7,
      meanMs: 20_000,
    });
    expect(index.find(TableModel.CHAMPION, 100)).toBeUndefined();
    expect(index.find(TableModel.CANARY, 3)?.atMs).toBe(1);
    expect(index.find(TableModel.SHADOW, 4000)).toBeUndefined();
    expect(index.at(200_049)?.sequence).toBe(4000);
    expect(index.at(1e9)?.sequence).toBe(5000);
    expect(index.at(0)).toBeUndefined();
  });
});

describe("costs of the arms", () => {
  test("are means of late, in mean latencies; arms without attempts have none", () => {
    const record = (arm: AttemptRecord["arm"], latencyMs: number, endedMs: number, failed = false) =>
      ({ arm, latencyMs, failed, meanMs: 100, endedMs }) as AttemptRecord;
    const costs = new ArmCosts();
    for (let i = 0; i < 50; i++) {
      costs.add(record("champion", 50, i));
      costs.add(record("control", 20, i, true));
    }
    const figures = new Float64Array(LearnerFigure.LENGTH);
    costs.show(figures, 50);
    expect(figures[LearnerFigure.CHAMPION_COST]).toBeCloseTo(0.5, 6);
    expect(figures[LearnerFigure.CONTROL_COST]).toBe(8); // a failure costs a second at least, ten means, and eight at most
    expect(figures[LearnerFigure.CANARY_COST]).toBe(0);
    for (let i = 0; i < 50; i++) costs.add(record("champion", 200, 60_000 + i));
    costs.show(figures, 60_050);
    expect(figures[LearnerFigure.CHAMPION_COST]).toBeGreaterThan(1.9);
    costs.show(figures, 300_000);
    expect(figures[LearnerFigure.CHAMPION_COST]).toBe(0);
  });
});

describe("the judges' options", () => {
  test("are the defaults at their own speed", () => {
    const { canary, guardrail } = JUDGE_DEFAULTS;
    expect(judgeOptions({ canaryShare: canary.share, controlShare: guardrail.controlShare, speed: 1 })).toEqual(
      JUDGE_DEFAULTS,
    );
  });

  test("wait less at a higher speed, and are as sure", () => {
    const fast = judgeOptions({ canaryShare: 0.4, controlShare: 0.1, speed: 20 });
    expect(fast.canary).toMatchObject({
      share: 0.4,
      leastMs: 3000,
      mostMs: 45_000,
      promotionError: 0.05,
      harmError: 0.05,
    });
    expect(fast.guardrail).toMatchObject({
      controlShare: 0.1,
      holdMs: 500,
      probationOutcomes: 100,
      probationError: 0.05,
    });
    expect(fast.shadow).toMatchObject({ leastRecords: 100, leastMs: 1000, mostMs: 9000, tolerance: 0.1 });
    expect(fast.watch).toMatchObject({ ms: 15_000, error: 0.01 });
  });
});
