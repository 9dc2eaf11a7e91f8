/** Learning from traffic with real processes: the life of models, good and bad, while requests flow. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeModelFiles } from "../../../src/learning/models/files/model-files.ts";
import { endedAfterAll } from "../../support/ended-after-all.ts";
import { changedOnnx, setWeight } from "../../support/model-graphs.ts";
import { spawnSync } from "../../support/processes.ts";
import { figures, isAlive, Load, request } from "../fixture.ts";
import {
  constantNetwork,
  dataDirOf,
  estimatorTimes,
  learning,
  leave,
  modelsIn,
  order,
  poison,
  propose,
  reading,
  serving,
  startLearning,
  until,
  verdicts,
} from "./fixture.ts";

const LAUNCHER = join(import.meta.dir, "../../../bin/neurabalancer");

const open = endedAfterAll();

describe("the life of a model", () => {
  test("a champion that is wrong for the fleet is taken out within seconds, and replaced by one that was learned", async () => {
    let wrong = 0;
    const fleet = await startLearning(
      [serving(10, 1), serving(10, 2), serving(40, 3)],
      { ML_JUDGE_SPEED: "40" },
      {
        before: async (dataDir) => {
          wrong = await leave(dataDir, estimatorTimes(-1), "champion");
        },
      },
    );
    open.push(fleet);
    const { product, servers } = fleet;
    await until(async () => (await learning(product)).rung === "model");
    expect((await learning(product)).model_version).toBe(wrong);
    const startedMs = performance.now();
    const running = new Load(300, () => request(product.port));
    await until(async () => (await learning(product)).rung === "estimator");
    const demotedMs = performance.now() - startedMs;
    await until(async () => (await learning(product)).models!.champion !== wrong);
    const promotedMs = performance.now() - startedMs;
    await until(async () => (await learning(product)).rung === "model");
    const seen = await running.stop();
    figures("wrong champion", seen, { demotedMs, promotedMs });
    expect(seen.why).toEqual({});
    const slow = seen.outcomes.slice(-500).filter(({ instance }) => instance === String(servers[2].port));
    expect(slow.length).toBeLessThan(100);

    const kinds = (await verdicts(product)).map(({ kind }) => kind);
    for (const kind of ["demoted", "probation_failed", "candidate", "shadow_passed", "canary_started", "promoted"]) {
      expect(kinds).toContain(kind);
    }
    const { champion } = (await learning(product)).models!;
    const models = await modelsIn(dataDirOf(fleet));
    expect(models.find(({ version }) => version === champion)).toMatchObject({
      status: "champion",
      origin: "trained",
    });
    expect(models.find(({ version }) => version === wrong)?.status).toBe("retired");
    expect(await product.metric('ml_verdicts_total{kind="promoted"}')).toBe(1);
    expect(await product.metric('ml_trainings_total{result="proposed"}')).toBeGreaterThanOrEqual(1);
    expect(await product.metric("ml_samples_kept_total")).toBeGreaterThan(2000);
  }, 400_000);

  test("candidates that are broken or wrong are never promoted", async () => {
    const fleet = await startLearning([serving(10, 1), serving(10, 2), serving(40, 3)], {
      ML_TRAIN_INTERVAL_SECONDS: "3600",
    });
    open.push(fleet);
    const { product } = fleet;
    const dataDir = dataDirOf(fleet);
    await until(async () => (await learning(product)).rung === "model");
    const { champion } = (await learning(product)).models!;
    // So few that the first training of its own, which comes in between, is hardly due before the end.
    const running = new Load(80, () => request(product.port));
    const broken: number[] = [];
    const good = encodeModelFiles(estimatorTimes(1));
    const candidates = {
      nan: {
        ...good,
        onnx: changedOnnx(estimatorTimes(1), (model) => setWeight(model, "hidden.weight", Number.NaN)),
      },
      garbage: { ...good, onnx: Uint8Array.of(1, 2, 3) },
      unknownFeature: { ...good, featuresJson: good.featuresJson.replace("log_expected", "no_such_thing") },
      slowIsGood: estimatorTimes(-1),
      absurd: constantNetwork(200),
    };
    for (const [name, model] of Object.entries(candidates)) {
      const version = await propose(dataDir, model);
      broken.push(version);
      await until(async () => {
        const found = (await modelsIn(dataDir)).find((one) => one.version === version);
        return found?.status === "rejected";
      }).catch(() => {
        throw new Error(`candidate ${name} was not rejected`);
      });
    }
    const seen = await running.stop();
    expect(seen.why).toEqual({});
    // On a busy machine all that takes so long that a model of its own may have been found meanwhile.
    const promoted = (await verdicts(product)).filter(({ kind }) => kind === "promoted");
    expect(promoted.filter(({ model_version }) => broken.includes(model_version!))).toEqual([]);
    if (promoted.length === 0) expect((await learning(product)).models!.champion).toBe(champion);
  }, 400_000);

  test("a candidate that was trained on poisoned samples is never promoted", async () => {
    const fleet = await startLearning(
      [serving(10, 1), serving(10, 2), serving(40, 3)],
      { ML_TRAIN_INTERVAL_SECONDS: "3600" },
      { before: (dataDir) => poison(dataDir, 20_000) },
    );
    open.push(fleet);
    const { product } = fleet;
    // Its first training finds samples enough at once, and the poison in them to be consistent. Traffic comes later: the newest
    // samples are those that a model is tried on, and what is true would be among them.
    await until(async () => (await product.metric('ml_trainings_total{result="proposed"}')) === 1);
    const running = new Load(300, () => request(product.port));
    await until(async () => (await modelsIn(dataDirOf(fleet))).some(({ status }) => status === "rejected"));
    const seen = await running.stop();
    expect(seen.why).toEqual({});
    const found = await verdicts(product);
    expect(found.find(({ kind }) => kind === "shadow_failed")).toBeDefined();
    expect(found.filter(({ kind }) => kind === "promoted" || kind === "canary_started")).toEqual([]);
    await until(async () => (await learning(product)).rung === "model"); // tables may be late, not gone
  }, 400_000);

  test("a bad model that an operator promotes is rolled back within seconds; orders are obeyed and refused in words", async () => {
    const fleet = await startLearning([serving(10, 1), serving(10, 2), serving(40, 3)], {
      ML_TRAIN_INTERVAL_SECONDS: "3600",
    });
    open.push(fleet);
    const { product } = fleet;
    const dataDir = dataDirOf(fleet);
    await until(async () => (await learning(product)).rung === "model");
    const { champion } = (await learning(product)).models!;
    expect(await order(product, "rollback")).toMatchObject({
      status: 409,
      message: expect.stringContaining("no champion"),
    });
    expect(await order(product, "promote", { version: 99 })).toEqual({
      status: 409,
      message: "there is no model 99",
    });
    expect(await order(product, "promote", { version: champion })).toMatchObject({ status: 409 });
    const command = (...args: string[]) => {
      const where = ["--admin", `http://127.0.0.1:${product.said("admin API listens")?.port}`];
      const { exitCode, stdout, stderr } = spawnSync([LAUNCHER, "models", ...args, ...where]);
      return { exitCode, said: stdout.toString() + stderr.toString() };
    };
    expect(command("pause")).toMatchObject({ exitCode: 0, said: expect.stringContaining("until it is resumed") });
    expect(command("reject", "99")).toMatchObject({
      exitCode: 1,
      said: expect.stringContaining("99 is not the candidate"),
    });
    expect(command("promote")).toMatchObject({ exitCode: 1 });
    expect(await order(product, "pause")).toEqual({ status: 409, message: "paused already" });
    expect((await learning(product)).models!.paused).toBe(true);
    expect(await order(product, "train")).toMatchObject({ status: 409, message: expect.stringContaining("resume") });
    expect(await order(product, "resume")).toMatchObject({ status: 200 });

    const running = new Load(300, () => request(product.port));
    await Bun.sleep(2000);
    const bad = await propose(dataDir, estimatorTimes(-1));
    const promoted = await order(product, "promote", { version: bad });
    expect(promoted).toEqual({ status: 200, message: `model ${bad} is the champion` });
    const startedMs = performance.now();
    expect((await learning(product)).models).toMatchObject({ champion: bad, previous: champion });
    await until(async () => (await learning(product)).models!.champion === champion);
    const rolledBackMs = performance.now() - startedMs;
    const seen = await running.stop();
    figures("bad model promoted", seen, { rolledBackMs });
    expect(seen.why).toEqual({});
    const found = await verdicts(product);
    expect(found.find(({ kind }) => kind === "rolled_back")).toMatchObject({ model_version: bad });
    const models = await modelsIn(dataDir);
    expect(models.find(({ version }) => version === bad)?.status).toBe("rejected");
    expect(models.find(({ version }) => version === champion)?.status).toBe("champion");
  }, 400_000);
});

describe("the learner", () => {
  test("is killed in the middle of a canary: goes on with it after its restart, and no request fails", async () => {
    const fleet = await startLearning([serving(10, 1), serving(10, 2)], { ML_TRAIN_INTERVAL_SECONDS: "3600" });
    open.push(fleet);
    const { product } = fleet;
    await until(async () => (await learning(product)).rung === "model");
    const running = new Load(200, () => request(product.port));
    const dataDir = dataDirOf(fleet);
    const candidate = await propose(dataDir, estimatorTimes(1));
    await until(async () => (await learning(product)).shares.canary > 0.3);
    const { learner } = await learning(product);
    // What the next learner begins with is written a moment later.
    await until(async () =>
      JSON.stringify(await reading(dataDir, (store) => store.note("default", "judge"))).includes('"canary"'),
    );
    process.kill(learner.pid, "SIGKILL");
    await until(async () => {
      const now = await learning(product);
      return now.learner.pid !== learner.pid && now.models !== null && now.rung === "model";
    });
    const course = async () =>
      (await verdicts(product)).filter(({ model_version }) => model_version === candidate).map(({ kind }) => kind);
    const goesOn = ["candidate", "shadow_passed", "canary_started", "canary_started"];
    await until(async () => (await course()).length >= goesOn.length);
    expect((await course()).toReversed().slice(0, goesOn.length)).toEqual(goesOn);
    // Of two that are as good as each other chance may end the trial, soon or late.
    await until(async () => (await learning(product)).shares.canary > 0.3 || (await course()).length > goesOn.length);
    const seen = await running.stop();
    figures("killed in a canary", seen);
    expect(seen.why).toEqual({});
  }, 400_000);

  test("does not learn with ML_LEARNING=off, and guards all the same", async () => {
    const fleet = await startLearning(
      [serving(10, 1), serving(10, 2), serving(40, 3)],
      { ML_LEARNING: "off" },
      { before: async (dataDir) => void (await leave(dataDir, estimatorTimes(-1), "champion")) },
    );
    open.push(fleet);
    const { product } = fleet;
    await until(async () => (await learning(product)).rung === "model");
    const candidate = await propose(dataDirOf(fleet), estimatorTimes(1));
    const running = new Load(300, () => request(product.port));
    await until(async () => (await learning(product)).rung === "estimator");
    await Bun.sleep(6000);
    const seen = await running.stop();
    expect(seen.why).toEqual({});
    expect((await learning(product)).models).toMatchObject({ learning: false, candidate: null });
    expect(await product.metric("ml_samples_kept_total")).toBe(0);
    const models = await modelsIn(dataDirOf(fleet));
    expect(models.find(({ version }) => version === candidate)?.status).toBe("candidate");
  }, 400_000);

  test("goes on making tables while it trains, and takes the trainer with it when it ends", async () => {
    const fleet = await startLearning(
      [serving(10, 1), serving(10, 2)],
      { ML_TRAIN_INTERVAL_SECONDS: "3600" },
      { before: (dataDir) => poison(dataDir, 100_000) },
    );
    open.push(fleet);
    const { product } = fleet;
    const running = new Load(100, () => request(product.port));
    let trainer = 0;
    await until(async () => {
      trainer = (await learning(product)).models?.trainer_pid ?? 0;
      return trainer !== 0;
    });
    await until(async () => niceOf(trainer) === 19); // the trainer sees to that itself, once it runs
    // It goes on for as long as it is looked at: on a busy machine it may have done before the learner has made tables.
    process.kill(trainer, "SIGSTOP");
    const tables = () => product.metric("ml_tables_total");
    const before = await tables();
    await until(async () => (await tables()) > before + 5);
    expect(isAlive(trainer)).toBe(true); // they were made meanwhile
    expect(await product.metric("ml_training")).toBe(1);
    expect(await order(product, "train")).toEqual({ status: 409, message: "a training is running" });
    const seen = await running.stop();
    expect(seen.why).toEqual({});
    product.process.kill("SIGTERM");
    expect(await product.process.exited).toBe(0);
    await until(() => !isAlive(trainer));
    expect(await modelsIn(dataDirOf(fleet))).toHaveLength(1);
  }, 400_000);
});

/** proc_pid_stat(5), field 19. */
function niceOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
}
