/** Models are somebody else's files: what they may not do, in real processes. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ModelProto } from "onnx-buf";
import {
  encodeModelFiles,
  modelPaths,
  readModelFiles,
  writeModelFiles,
} from "../../../../src/learning/models/files/model-files.ts";
import { IsolatedModel } from "../../../../src/learning/models/inference/isolated-model.ts";
import { loadModel } from "../../../../src/learning/models/inference/load-model.ts";
import { NetworkModel } from "../../../../src/learning/models/network-model.ts";
import { request } from "../../../drill/fixture.ts";
import { learning, serving, startLearning } from "../../../drill/learning/fixture.ts";
import { changedOnnx, EXTERNAL_DATA, loopForEver, setMetadata } from "../../../support/model-graphs.ts";
import { type ModelServerProcess, runModelServer } from "../../../support/model-server-process.ts";
import { randomNetwork } from "../../../support/networks.ts";
import { freePort } from "../../../support/ports/free-port.ts";
import { spawn, spawnSync } from "../../../support/processes.ts";

const network = randomNetwork(21, 6);
/** A thousand standard deviations from anything. */
const FAR = Float64Array.from(network.mean, (mean, i) => mean + 1000 * network.scale[i]);
/** Each test waits for one of them; of the others a busy machine must be far away. */
const LIMITS = { startMs: 60_000, loadMs: 60_000, predictMs: 60_000 };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-untrusted-"));
  writeModelFiles(directory, network);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Somebody else's model, that is: one that says so. */
function foreign(model: ModelProto): void {
  model.producerName = "somebody";
}

const put = (onnx: Uint8Array) => writeFileSync(join(directory, "load_balancer.onnx"), onnx);
const files = () => readModelFiles(modelPaths(directory));
const isGone = (pid: number) =>
  !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

async function until(condition: () => unknown): Promise<void> {
  while (!(await condition())) await Bun.sleep(20);
}

/** Time that a process has been running, in hundredths of a second; proc_pid_stat(5). */
function cpuTicks(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ")[11]);
}

/** Process ids of the children of a process. */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").split(" ").filter(Boolean).map(Number),
  );
}

/** A model is stopped after ten seconds at the earliest; on a busy machine it may have run for one of them by then. */
const RUNS_AFTER_MS = 6000;

/** The child that is in its model's loop: so it is with so much time of a processor, which nothing else takes, or soon. */
async function untilItRuns(parent: number, ticks: number): Promise<number> {
  const seenMs = new Map<number, number>();
  let found = 0;
  await until(() => {
    for (const pid of childrenOf(parent).filter((child) => !isGone(child))) {
      const sinceMs = seenMs.get(pid) ?? performance.now();
      seenMs.set(pid, sinceMs);
      if (performance.now() - sinceMs > RUNS_AFTER_MS || cpuTicks(pid) > ticks) found = pid;
    }
    return found !== 0;
  });
  return found;
}

describe("where a model is run", () => {
  test("our own networks here, whichever version of ours wrote them; changed in any way, in a process of its own", async () => {
    expect(await loadModel(files())).toBeInstanceOf(NetworkModel);
    put(changedOnnx(network, (model) => Object.assign(model, { producerVersion: "0.0.1" })));
    expect(await loadModel(files())).toBeInstanceOf(NetworkModel);
    for (const change of [
      (model: ModelProto) => setMetadata(model, "neurabalancer.output", "score"),
      (model: ModelProto) => Object.assign(model.graph!.node[2], { opType: "Sin" }),
    ]) {
      put(changedOnnx(network, change));
      const model = await loadModel(files());
      expect(model).toBeInstanceOf(IsolatedModel);
      await model.release();
    }
  });

  test("that process knows no secret, stands in the root directory, and goes with its model", async () => {
    put(changedOnnx(network, foreign));
    const model = (await loadModel(files())) as IsolatedModel;
    const pid = model.pid!;
    const names = readFileSync(`/proc/${pid}/environ`, "latin1")
      .split("\0")
      .map((entry) => entry.split("=")[0]);
    expect(names.filter((name) => !/^$|^PATH$|^LD_LIBRARY_PATH$|^NODE_CHANNEL_/.test(name))).toEqual([]);
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, "latin1").trim()).toBe("1000");
    expect((await model.predict(FAR, 1)).length).toBe(1);
    await model.release();
    await until(() => isGone(pid));
    await expect(model.predict(FAR, 1)).rejects.toThrow("released");
  });
});

test.each(Object.entries(EXTERNAL_DATA))("a tensor that is kept in another file is refused: %s", async (_, change) => {
  writeFileSync(join(directory, "secret"), new Uint8Array(64));
  put(changedOnnx(network, (model) => change(model, "secret")));
  await expect(loadModel(files())).rejects.toThrow('load_balancer.onnx: its tensor "');
  await expect(loadModel(files())).rejects.toThrow('is kept in "secret": save the model as one file');
});

describe("a model that never answers", () => {
  test("is refused when it is tried, in bounded time, and leaves no process behind", async () => {
    put(changedOnnx(network, (model) => loopForEver(model)));
    const before = childrenOf(process.pid);
    await expect(loadModel(files(), { limits: { ...LIMITS, loadMs: 1500 } })).rejects.toThrow(
      "load_balancer.onnx: the model was stopped: it took longer than 1500 ms",
    );
    await until(() => childrenOf(process.pid).every((pid) => before.includes(pid) || isGone(pid)));
  });

  test("is stopped in service, rests, and is asked again", async () => {
    put(changedOnnx(network, (model) => loopForEver(model, 100)));
    const limits = { ...LIMITS, predictMs: 4000 };
    const model = (await loadModel(files(), { limits })) as IsolatedModel;
    const near = Float64Array.from(network.mean);
    const [score] = await model.predict(near, 1);
    const pid = model.pid!;
    await expect(model.predict(FAR, 1)).rejects.toThrow("the model was stopped: it took longer than 4000 ms");
    await expect(model.predict(near, 1)).rejects.toThrow("the model was stopped"); // it rests for a second
    await until(() => isGone(pid));
    await until(async () => (await model.predict(near, 1).catch(() => [null]))[0] === score);
    expect(model.pid).not.toBe(pid);
    await model.release();
  });

  test("a process that dies is replaced", async () => {
    put(changedOnnx(network, foreign));
    const model = (await loadModel(files())) as IsolatedModel;
    const near = Float64Array.from(network.mean);
    const [score] = await model.predict(near, 1);
    process.kill(model.pid!, "SIGSEGV");
    await until(() => model.pid === null);
    await expect(model.predict(near, 1)).rejects.toThrow("its process ended");
    await until(async () => (await model.predict(near, 1).catch(() => [null]))[0] === score);
    await model.release();
  });

  test("its process ends by itself when nobody is there to end it", async () => {
    put(changedOnnx(network, (model) => loopForEver(model)));
    const script = join(directory, "parent.ts");
    const source = join(import.meta.dir, "../../../../src/learning/models");
    writeFileSync(
      script,
      `import { loadModel } from "${source}/inference/load-model.ts";
       import { modelPaths, readModelFiles } from "${source}/files/model-files.ts";
       console.log("begun");
       await loadModel(readModelFiles(modelPaths(${JSON.stringify(directory)})));`,
    );
    const parent = spawn([process.execPath, "--no-env-file", script], { stdout: "pipe", stderr: "ignore" });
    await parent.stdout.getReader().read();
    const child = await untilItRuns(parent.pid, 200);
    parent.kill("SIGKILL");
    await until(() => isGone(child));
  }, 120_000);
});

describe("the model server with a model that never answers", () => {
  let server: ModelServerProcess | undefined;
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });
  const health = async (url: string) => (await fetch(`${url}/health`)).json() as Promise<Record<string, unknown>>;
  const entry = (row: Float64Array) => Object.fromEntries(network.features.map((name, i) => [name, row[i]]));
  const ask = (url: string, row: Float64Array) =>
    fetch(`${url}/predict`, { method: "POST", body: JSON.stringify({ servers: [entry(row)] }) });

  test("refuses it, and answers meanwhile", async () => {
    put(changedOnnx(network, (model) => loopForEver(model)));
    const port = freePort();
    const starting = runModelServer({ MODEL_PATH: directory, ML_SERVICE_PORT: String(port) });
    const seen = async () => (await health(`http://127.0.0.1:${port}`).catch(() => null))?.problem;
    await until(async () => (await seen()) === "the model is being loaded");
    server = await starting;
    expect(await health(server.url)).toMatchObject({
      status: "degraded",
      problem: expect.stringContaining("the model was stopped: it took longer than"),
    });
  }, 120_000);

  test("stays alive while a run hangs, says 500, and ends at once when it is told to", async () => {
    put(changedOnnx(network, (model) => loopForEver(model, 100)));
    server = await runModelServer({ MODEL_PATH: directory, SHUTDOWN_TIMEOUT_SECONDS: "1" });
    const { url } = server;
    expect((await ask(url, network.mean)).status).toBe(200);
    const hanging = ask(url, FAR);
    for (let i = 0; i < 5; i++) expect(await health(url)).toMatchObject({ status: "ok" });
    const answer = await hanging;
    expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining("the model was stopped")]);
    await until(async () => (await ask(url, network.mean)).status === 200);

    const cutOff = ask(url, FAR).catch(() => null);
    await until(async () =>
      /requests_total [5-9]|requests_total \d\d/.test(await (await fetch(`${url}/metrics`)).text()),
    );
    server.kill("SIGTERM");
    expect(await server.exited).toBe(0);
    await cutOff;
  }, 120_000);
});

test("the learner goes on without a model that never answers, says why, and ends when it is told to", async () => {
  put(changedOnnx(network, (model) => loopForEver(model)));
  const fleet = await startLearning([serving(10, 1), serving(10, 2)], { MODEL_PATH: directory });
  try {
    const { product } = fleet;
    const { pid } = (await learning(product)).learner;
    const child = await untilItRuns(pid, 200);
    expect((await request(product.port)).error).toBe("");
    await until(async () =>
      (await learning(product)).models?.problem?.includes("the model was stopped: it took longer"),
    );
    expect((await learning(product)).rung).toBe("estimator");
    await until(() => isGone(child));
    await untilItRuns(pid, 50); // and once more
    const trying = childrenOf(pid);
    product.process.kill("SIGTERM");
    expect(await product.process.exited).toBe(0);
    for (const left of trying) await until(() => isGone(left));
  } finally {
    await fleet.end();
  }
}, 240_000);

test.each(["load_balancer.onnx", "scaler.json", "inference_features.json"])(
  "a pipe, a device or a directory in place of %s is refused at once",
  (name) => {
    const path = join(directory, name);
    for (const make of [
      ["mkfifo", path],
      ["ln", "-s", "/dev/zero", path],
      ["mkdir", path],
    ]) {
      rmSync(path, { recursive: true });
      expect(spawnSync(make).exitCode).toBe(0);
      expect(files).toThrow(/: it is (no regular file|a directory)$/);
    }
  },
);

test("what onnxruntime has to say becomes lines of the log", async () => {
  const lines: string[] = [];
  // An initialiser that nobody uses: it warns.
  put(
    changedOnnx(network, (model) => {
      foreign(model);
      model.graph!.initializer.push({ ...model.graph!.initializer[0], name: "unused" });
    }),
  );
  const model = await loadModel(files(), { onLine: (line) => lines.push(line) });
  await until(() => lines.length > 0);
  expect(lines.join()).toContain("unused");
  expect(lines.join()).not.toContain("\u001b");
  await model.release();
});

test("a file of more nodes than any model needs is refused", async () => {
  put(
    changedOnnx(network, ({ graph }) => {
      for (let i = 0; i < 10_001; i++) graph!.node.push({ ...graph!.node[0], name: `${i}`, output: [`o${i}`] });
    }),
  );
  await expect(loadModel(files())).rejects.toThrow("has more than 10000 nodes");
  expect(encodeModelFiles(network).onnx.length).toBeLessThan(256 * 1024);
});
