import { afterAll, describe, expect, test } from "bun:test";
import { FEATURE_NAMES } from "../../../src/learning/features/feature-names.ts";
import { mean } from "../../../src/simulator/statistics.ts";
import { TrainingError } from "../../../src/training/check-trained.ts";
import { columnMoments } from "../../../src/training/column-moments.ts";
import { reportPage } from "../../../src/training/report/html.ts";
import { TrainingRows } from "../../../src/training/rows.ts";
import { examine } from "../../../src/training/simulation/exam.ts";
import { type Job, type Laboratory, perform, SAME_THREAD } from "../../../src/training/simulation/laboratory.ts";
import { networkAt, pointOf, spreadOf } from "../../../src/training/simulation/search-space.ts";
import { drawRuns, recordRun } from "../../../src/training/simulation/simulated-rows.ts";
import { SILENT_INPUTS, superviseStart } from "../../../src/training/simulation/supervised-start.ts";
import { ThreadLaboratory } from "../../../src/training/simulation/thread-laboratory.ts";
import { trainFromSimulation } from "../../../src/training/simulation/train-from-simulation.ts";
import { blankNetwork, weightsOf } from "../../unit/training/support.ts";

const SMALL = {
  seed: 3,
  rows: 1500,
  hidden: 4,
  epochs: 2,
  generations: 1,
  population: 4,
  requests: 100,
  examRounds: 1,
};

describe("rows of simulations", () => {
  const runs = drawRuns(5);
  const drawn = Array.from({ length: 50 }, () => runs.next().value);
  const rows = recordRun(drawn[0], 800);

  test("come from built-in and random scenarios in turn", () => {
    for (const [i, { scenario }] of drawn.entries()) {
      expect(scenario.name.startsWith("random-")).toBe(i % 2 === 1);
    }
    const builtIn = drawn.filter((_, i) => i % 2 === 0).map(({ scenario }) => `${scenario.name} ${scenario.balancers}`);
    expect(new Set(builtIn).size).toBe(24);
  });

  test("are complete: nothing unknown but what servers report, latencies around the fleet's mean", () => {
    expect(rows.length).toBe(800);
    const unknown = FEATURE_NAMES.filter((name) => columnMoments(rows, name).known < rows.length);
    expect(unknown).toEqual(["cpu_usage", "memory_usage", "response_p95", "capacity"]);
    expect(mean(rows.target)).toBeGreaterThan(0.7);
    expect(mean(rows.target)).toBeLessThan(1.4);
  });

  test("are the same for the same run", () => {
    const again = recordRun(drawn[0], 800);
    expect([...again.target]).toEqual([...rows.target]);
    expect([...again.features]).toEqual([...rows.features]);
    expect(recordRun(drawn[24], 800).target).not.toEqual(rows.target);
  });
});

describe("the supervised start", () => {
  const rows = new TrainingRows(6000);
  for (const run of drawRuns(1)) {
    rows.append(recordRun(run, 1000));
    if (rows.full) break;
  }
  const { network, report } = superviseStart(rows, { hidden: 8, epochs: 4, seed: 1 });

  test("predicts better than the curves and the estimator", () => {
    expect(report.network).toBeLessThan(report.curves);
    expect(report.network).toBeLessThan(report.estimator);
    expect(report.epochs).toHaveLength(4);
  });

  test("does not listen to what the rows do not tell, nor to what is bound to a scale or to failures", () => {
    expect([...report.silent].sort()).toEqual([...SILENT_INPUTS, "cpu_usage", "memory_usage"].sort());
    for (const name of [...SILENT_INPUTS, "cpu_usage"]) {
      const at = network.features.indexOf(name);
      expect(network.linear[at]).toBe(0);
      expect(network.w1.filter((_, i) => i % network.features.length === at).every((w) => w === 0)).toBe(true);
      expect([network.mean[at], network.scale[at]]).toEqual([0, 1]);
    }
  });
});

test("evolution moves the linear path of our own features and the hidden units altogether, nothing else", () => {
  const network = { ...blankNetwork(3), w2: Float64Array.of(1, 2, -3) };
  const point = pointOf(network).map((_, i) => i + 1);
  expect(point).toHaveLength(spreadOf(network).length);
  const moved = networkAt(network, point);
  expect(pointOf(moved).slice(0, -1)).toEqual(point.slice(0, -1));
  expect([...moved.w2]).toEqual([...network.w2.map((w) => w * point.length)]);
  expect([...moved.linear.subarray(0, 6)]).toEqual([0, 0, 0, 0, 0, 0]);
  expect(moved.linear[moved.features.indexOf("failure_share")]).toBe(0);
  expect([moved.w1, moved.b1, moved.b2, moved.mean]).toEqual([network.w1, network.b1, network.b2, network.mean]);
  expect(networkAt(network, pointOf(network))).toEqual(network);
});

describe("the whole way", () => {
  const threads = new ThreadLaboratory(2);
  afterAll(() => threads.close());

  test("gives the same model and report with and without threads, and another for another seed", async () => {
    const once = await trainFromSimulation(SMALL, SAME_THREAD);
    const again = await trainFromSimulation(SMALL, threads);
    expect(weightsOf(again.network)).toEqual(weightsOf(once.network));
    expect(JSON.stringify(again.report)).toBe(JSON.stringify(once.report));
    const other = await trainFromSimulation({ ...SMALL, seed: 4, generations: 0 }, threads);
    expect(weightsOf(other.network)).not.toEqual(weightsOf(once.network));
    expect(other.report.exam).toBeNull();
    const page = reportPage(once.report);
    expect(page).toContain(once.report.verdict);
    expect(page).not.toContain("NaN");
    expect(page.match(/<svg /g)).toHaveLength(4);
  });

  test("keeps the start when evolution did not improve on it, and says so", async () => {
    // A laboratory in which whatever differs from the start routes badly.
    let start: number[] | undefined;
    const answer = (job: Job): unknown => {
      if (job.kind === "trial") {
        start ??= weightsOf(job.network); // it is tried first
        const isStart = JSON.stringify(weightsOf(job.network)) === JSON.stringify(start);
        return { tail: isStart ? 1 : 2, median: 1, errors: 0 };
      }
      if (job.kind === "reference") return { tail: 1, median: 1, errors: 0 };
      return perform(job);
    };
    const rigged: Laboratory = { run: async (job) => answer(job) as never };
    const { network, report } = await trainFromSimulation(SMALL, rigged);
    expect(weightsOf(network)).toEqual(start!);
    expect(report.exam!.passed).toBe(false);
    expect(report.verdict).toStartWith("The supervised start is kept");
  });

  test("work that fails in a thread is told, and the thread goes on", async () => {
    const broken = { kind: "rows", run: { scenario: { servers: [] }, seed: 1 } } as never;
    await expect(threads.run(broken)).rejects.toThrow();
    const [run] = [drawRuns(1).next().value];
    expect((await threads.run({ kind: "rows", run })).target.length).toBeGreaterThan(1000);
  });

  test("what waits when it is closed is rejected, and so is what comes later", async () => {
    const one = new ThreadLaboratory(1);
    const run = drawRuns(1).next().value;
    const waiting = [one.run({ kind: "rows", run }), one.run({ kind: "rows", run })].map((work) =>
      work.catch((error: Error) => error.message),
    );
    one.close(new Error("enough"));
    expect(await Promise.all(waiting)).toEqual(["enough", "enough"]);
    await expect(one.run({ kind: "rows", run })).rejects.toThrow("enough");
  });
});

test("an exam of a network against itself finds no difference", async () => {
  const network = blankNetwork(1);
  const { difference, passed, scenarios } = await examine(network, network, SAME_THREAD, {
    rounds: 1,
    requests: 100,
    seed: 1,
  });
  expect(difference).toEqual({ value: 0, halfWidth: 0 });
  expect(passed).toBe(false);
  expect(scenarios).toHaveLength(25);
});

test("a laboratory that fails fails the training", async () => {
  const failing: Laboratory = { run: () => Promise.reject(new TrainingError("no room")) };
  await expect(trainFromSimulation(SMALL, failing)).rejects.toThrow("no room");
});
