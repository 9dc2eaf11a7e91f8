/** Where models and what is learned come from, with real processes: files, model servers, and stores that fail. */
import { describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeModelFiles } from "../../../src/learning/models/files/model-files.ts";
import { endedAfterAll } from "../../support/ended-after-all.ts";
import { runModelServer } from "../../support/model-server-process.ts";
import { freePort } from "../../support/ports/free-port.ts";
import { spawnSync } from "../../support/processes.ts";
import { fail, Load, load, request } from "../fixture.ts";
import {
  dataDirOf,
  estimatorTimes,
  learning,
  modelsIn,
  order,
  PYTORCH_MODEL,
  serving,
  startLearning,
  until,
  verdicts,
} from "./fixture.ts";

const open = endedAfterAll();

function scratch(): string {
  const path = mkdtempSync(join(tmpdir(), "nb-drill-models-"));
  open.push({ remove: () => rmSync(path, { recursive: true, force: true }) });
  return path;
}

describe("MODEL_PATH", () => {
  test("a six-feature model made by PyTorch routes away from a server that fails", async () => {
    const fleet = await startLearning([serving(10, 1), serving(10, 2), fail], {
      MODEL_PATH: PYTORCH_MODEL,
      RETRY_ATTEMPTS: "0",
    });
    open.push(fleet);
    const { product, servers } = fleet;
    await until(async () => (await learning(product)).rung === "model");
    expect((await learning(product)).models).toMatchObject({ source: "file", learning: false, problem: null });
    await load(200, 1500, () => request(product.port)); // until the failures are known
    const seen = await load(200, 2000, () => request(product.port));
    expect(seen.shares[servers[2].port] ?? 0).toBeLessThan(seen.sent * 0.15); // round robin: a third
    expect(seen.failedShare).toBeLessThan(0.15);
    const [model] = await modelsIn(dataDirOf(fleet));
    expect(model).toMatchObject({ origin: "file", status: "champion" });
    expect(await order(product, "train")).toMatchObject({
      status: 409,
      message: expect.stringContaining("MODEL_PATH"),
    });
    expect(await order(product, "promote", { version: model.version })).toMatchObject({ status: 409 });
  }, 400_000);

  test("a file that is broken is said, the estimator balances, and the mended file takes over; so does a new one", async () => {
    const path = scratch();
    cpSync(PYTORCH_MODEL, path, { recursive: true });
    writeFileSync(join(path, "load_balancer.onnx"), "no model");
    const fleet = await startLearning([serving(10, 1), serving(10, 2)], { MODEL_PATH: path });
    open.push(fleet);
    const { product } = fleet;
    const running = new Load(100, () => request(product.port));
    await until(async () => (await product.degraded("model")) === 1);
    const broken = await learning(product);
    expect(broken.rung).toBe("estimator");
    expect(broken.models?.problem).toContain("load_balancer.onnx");
    expect((await until(() => product.said("there is no model to route by"))).why).toContain("load_balancer.onnx");
    cpSync(PYTORCH_MODEL, path, { recursive: true });
    await until(async () => (await learning(product)).rung === "model");
    await until(async () => (await product.degraded("model")) === 0);
    const first = (await learning(product)).models!.champion;
    writeModelFiles(path, estimatorTimes(1));
    await until(async () => (await learning(product)).models!.champion !== first);
    writeFileSync(join(path, "scaler.json"), "{}");
    await until(async () => (await product.degraded("model")) === 1);
    const seen = await running.stop();
    expect(seen.why).toEqual({});
    const { models, rung } = await learning(product);
    expect([rung, models!.champion]).toEqual(["model", (await modelsIn(dataDirOf(fleet)))[0].version]);
  }, 400_000);
});

describe("ML_MODEL_ENDPOINT", () => {
  test("a model server is asked; when it is gone, weighted round robin at once, and it comes back by itself", async () => {
    const port = String(freePort());
    const server = await runModelServer({ MODEL_PATH: PYTORCH_MODEL, ML_SERVICE_PORT: port });
    open.push({ end: () => server.stop() });
    const fleet = await startLearning([serving(10, 1), serving(10, 2)], {
      ML_MODEL_ENDPOINT: server.url,
      ML_CIRCUIT_BREAKER_RESET_SECONDS: "0.5",
    });
    open.push(fleet);
    const { product, servers } = fleet;
    await until(async () => (await learning(product)).rung === "model");
    const running = new Load(150, () => request(product.port));
    expect((await learning(product)).models).toMatchObject({ source: "remote", problem: null });
    expect((await learning(product)).model_version).toBeNull();
    await until(async () => (await product.metric("ml_cache_hits_total")) > 0);
    expect(await product.metric('ml_model_version{role="champion"}')).toBe(-1);
    expect(await product.metric("ml_inference_duration_seconds_count")).toBeGreaterThan(0);
    expect(await product.metric("ml_circuit_breaker_open")).toBe(0);

    await server.stop();
    await until(async () => (await learning(product)).rung === "weighted_round_robin");
    await until(async () => (await product.metric("ml_circuit_breaker_open")) === 1);
    expect(await product.degraded("model")).toBe(1);
    expect(await product.metric("ml_model_failures_total")).toBeGreaterThanOrEqual(5);
    expect(await product.metric("ml_predictions_total")).toBeGreaterThan(0);
    const fallbacks = await product.metric("ml_errors_total");
    const hits = await product.metric("ml_cache_hits_total");
    await until(async () => (await product.metric("ml_errors_total")) > fallbacks + 50);
    expect(await product.metric("ml_cache_hits_total")).toBe(hits);
    expect(await product.metric("ml_predicted_latency_seconds_count")).toBe(0); // its scores are no times
    await until(async () => (await verdicts(product)).some(({ kind }) => kind === "demoted"));
    const shares = (await load(100, 1000, () => request(product.port))).shares;
    const [one, two] = servers.map(({ port }) => shares[port] ?? 0);
    expect(Math.abs(one - two)).toBeLessThan(0.3 * (one + two));

    const again = await runModelServer({ MODEL_PATH: PYTORCH_MODEL, ML_SERVICE_PORT: port });
    open.push({ end: () => again.stop() });
    await until(async () => (await product.metric("ml_circuit_breaker_open")) === 0);
    await until(async () => (await learning(product)).rung === "model");
    const seen = await running.stop();
    expect(seen.why).toEqual({});
    await until(async () => (await product.degraded("model")) === 0);
  }, 400_000);
});

describe("the store", () => {
  test("cannot be made where DATA_DIR is a file: requests flow, it is shown, and learning goes on in memory", async () => {
    const path = join(scratch(), "file");
    writeFileSync(path, "");
    const fleet = await startLearning([serving(10, 1), serving(10, 2)], { DATA_DIR: join(path, "data") });
    open.push(fleet);
    const { product } = fleet;
    await until(async () => (await learning(product)).rung === "model");
    const seen = await load(100, 1500, () => request(product.port));
    expect(seen.why).toEqual({});
    await until(async () => (await product.degraded("learning_store")) === 1);
    const { models } = await learning(product);
    expect(models!.store).toMatchObject({ durable: false });
    expect(models!.store.problem).toContain("kept in memory");
    await until(() => product.said("the store of what is learned"));
    expect(await order(product, "train")).toMatchObject({ status: 409, message: expect.stringContaining("memory") });
  }, 400_000);

  test("of a disk that is full keeps nothing more, which is shown; requests flow, and it goes on when there is room", async () => {
    const fleet = await startLearning(
      [serving(10, 1), serving(10, 2)],
      { ML_TRAIN_INTERVAL_SECONDS: "3600" },
      { prelude: "trap '' XFSZ" },
    );
    open.push(fleet);
    const { product } = fleet;
    await until(async () => (await learning(product)).rung === "model");
    const { learner } = await learning(product);
    // A limit of the size of its files stands for the disk.
    const limit = (bytes: string) => spawnSync(["prlimit", "--pid", String(learner.pid), `--fsize=${bytes}:unlimited`]);
    expect(limit("50000").exitCode).toBe(0);
    const running = new Load(200, () => request(product.port));
    await until(async () => (await product.degraded("learning_store")) === 1);
    expect((await product.status()).degraded).toContain("learning_store");
    await until(async () => (await learning(product)).rung === "model"); // tables may be late, not gone
    expect(limit("unlimited").exitCode).toBe(0);
    await until(async () => (await product.degraded("learning_store")) === 0);
    const seen = await running.stop();
    expect(seen.why).toEqual({});
    expect((await learning(product)).learner.pid).toBe(learner.pid);
    await until(() => product.said("the store of what is learned works again"));
  }, 400_000);

  test("belongs to the first of two instances: the second learns in memory and says so", async () => {
    const dataDir = join(scratch(), "data");
    mkdirSync(dataDir);
    const first = await startLearning([serving(10, 1), serving(10, 2)], { DATA_DIR: dataDir });
    open.push(first);
    await until(async () => (await learning(first.product)).rung === "model");
    const second = await startLearning([serving(10, 1), serving(10, 2)], { DATA_DIR: dataDir });
    open.push(second);
    const running = new Load(100, () => request(second.product.port));
    await until(async () => (await second.product.degraded("learning_store")) === 1);
    await until(async () => (await learning(second.product)).rung === "model");
    const seen = await running.stop();
    expect(seen.why).toEqual({});
    expect((await learning(second.product)).models!.store).toMatchObject({ durable: false });
    expect((await learning(first.product)).models!.store).toMatchObject({ durable: true, problem: null });
    expect(await first.product.degraded("learning_store")).toBe(0);
  }, 400_000);
});
