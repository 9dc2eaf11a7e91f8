import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { durationText, Progress } from "../../../src/cli/progress.ts";
import { FEATURE_COUNT } from "../../../src/learning/features/fleet-features.ts";
import { readNetworkAt } from "../../../src/learning/models/files/onnx/reader.ts";
import { TrainerProcess } from "../../../src/learning/online/training/trainer-process.ts";
import { openLearningStore, openStoreReader } from "../../../src/storage/open-store.ts";
import { spawn } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { column, syntheticRows } from "../../unit/training/support.ts";
import { at } from "../storage/store-fixture.ts";
import { LAUNCHER, neurabalancer } from "./spawn.ts";

const FILES = ["inference_features.json", "load_balancer.onnx", "report.html", "report.json", "scaler.json"];
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-train-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const train = (...args: string[]) => neurabalancer(["train", ...args], {}, directory);

/** A store in `name` with that many samples, of which the shipped model does not know the half. */
async function storeOf(name: string, count: number, pool = "default"): Promise<string> {
  const place = join(directory, name);
  const { store } = await openLearningStore(at(place), { nowMs: () => 2_000_000 });
  const rows = syntheticRows(count, 1, (row) => 0.4 * row[column("log_silence")]);
  store.appendSamples(
    Array.from({ length: count }, (_, i) => ({
      pool,
      atMs: 1_000_000 + i,
      serverId: "http://a:80 10.0.0.1",
      arm: 0,
      modelVersion: 1,
      propensity: 1,
      features: rows.features.slice(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT),
      latencyMs: rows.target[i] * 20,
      meanMs: 20,
      failed: false,
    })),
  );
  await store.flush();
  await store.close();
  return place;
}

test("--help teaches: examples, what is written, exit codes", () => {
  const { code, stdout } = train("--help");
  expect(code).toBe(0);
  for (const part of ["Examples:", "--propose", "report.html", "Exit codes:", "From simulation:", "From store:"]) {
    expect(stdout).toContain(part);
  }
});

test("from simulation: a model that can be used, its report, and what went on", () => {
  const sizes = ["--rows", "500", "--epochs", "1", "--generations", "1", "--population", "4", "--requests", "500"];
  const { code, stdout, stderr } = train("--from", "simulation", "--out", "made", "--quick", ...sizes);
  expect(stderr).toContain("generation 1: loss ");
  expect(stdout).toContain("The model and its report are in made.");
  expect(code).toBe(0);
  expect(readdirSync(join(directory, "made")).sort()).toEqual(FILES);
  expect(readNetworkAt(join(directory, "made")).b1).toHaveLength(12);
  const report = JSON.parse(readFileSync(join(directory, "made", "report.json"), "utf8"));
  expect(report).toMatchObject({ from: "simulation", options: { seed: 1, rows: 500, generations: 1 } });
  const simulated = neurabalancer(
    ["simulate", "--policies", "ml", "--model", "made", "--requests", "500", "--seeds", "1"],
    {},
    directory,
  );
  expect(simulated.code).toBe(0);
});

test("Ctrl-C: ends at once, and nothing is written", async () => {
  const child = spawn([LAUNCHER, "train", "--from", "simulation", "--out", "never"], {
    cwd: directory,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said = new Response(child.stderr).text();
  await until(() => existsSync(join(directory, "never")));
  await until(() => catchesInterrupt(child.pid));
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  expect(await said).toContain("stopped by SIGINT; nothing was written");
  expect(readdirSync(join(directory, "never"))).toEqual([]);
});

describe("from a store", () => {
  test("into a directory: tables, the verdict, and the files", async () => {
    const place = await storeOf("enough", 5000);
    const { code, stdout, stderr } = train("--from", "store", "--data-dir", place, "--out", "tuned");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    for (const part of ["the shipped model", "epoch   learned from", "decile", "predicts better"]) {
      expect(stdout).toContain(part);
    }
    expect(readdirSync(join(directory, "tuned")).sort()).toEqual(FILES);
  });

  test("--propose leaves a candidate, in the store that DATA_DIR names", async () => {
    const place = await storeOf("proposed", 5000);
    const run = neurabalancer(["train", "--from", "store", "--propose", "--json"], { DATA_DIR: place }, directory);
    expect(run.stderr).toBe("");
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ from: "store", verdict: "better", proposedVersion: 1 });
    const reader = openStoreReader(at(place));
    expect((await reader.models({ limit: 5 })).map(({ status }) => status)).toEqual(["candidate"]);
    await reader.close();
    expect(neurabalancer(["models", "show", "1", "--data-dir", place]).stdout).toContain("candidate since");
  });

  test("--pool: of that pool's samples alone, for that pool alone", async () => {
    const place = await storeOf("pooled", 5000, "shop");
    const propose = (...more: string[]) => train("--from", "store", "--data-dir", place, "--propose", ...more);
    const without = propose();
    expect(without.code).toBe(2);
    expect(without.stderr).toContain("the store has 0 samples to learn from");
    const other = propose("--pool", "other");
    expect(other.stderr).toContain("the store has 0 samples of the pool other to learn from");
    expect(propose("--pool", "shop").code).toBe(0);
    const reader = openStoreReader(at(place));
    expect(await reader.models({ limit: 5 })).toMatchObject([{ pool: "shop", status: "candidate" }]);
    await reader.close();
  });

  test("--propose keeps what is no better to itself: exit 3", async () => {
    const place = await storeOf("again", 4000);
    const nothingLearned = ["--rate", "0.000001", "--decay", "100"];
    const { code, stdout } = train(
      "--from",
      "store",
      "--data-dir",
      place,
      "--propose",
      "--epochs",
      "1",
      "--rows",
      "2000",
      ...nothingLearned,
    );
    expect(stdout).toContain("was not proposed");
    expect(code).toBe(3);
    const reader = openStoreReader(at(place));
    expect(await reader.models({ limit: 5 })).toEqual([]);
    await reader.close();
  });

  test("too few samples: exit 2, and why", async () => {
    const place = await storeOf("few", 50);
    const { code, stdout, stderr } = train("--from", "store", "--data-dir", place, "--propose");
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("the store has 50 samples to learn from");
  });

  test("the learner's trainer is handed the place as it is, not as an argument", async () => {
    const trainer = new TrainerProcess({
      program: [LAUNCHER],
      pool: "default",
      location: at(await storeOf("handed", 60)),
      seed: 1,
    });
    try {
      const { result, sentence } = await trainer.ended();
      expect(sentence).toContain("the store has 60 samples to learn from");
      expect(result).toBe("too_few_samples");
    } finally {
      trainer.kill();
    }
  });
});

describe("wrong usage", () => {
  test.each([
    [[], "--from <source>"],
    [["--from", "traffic"], "simulation, store"],
    [["--from", "simulation"], "--out says where the model goes"],
    [["--from", "store"], "give one of the two"],
    [["--from", "store", "--out", "x", "--propose"], "give one of the two"],
    [
      ["--from", "store", "--out", "x", "--generations", "3", "--quick"],
      "--generations, --quick: only with --from simulation",
    ],
    [["--from", "simulation", "--out", "x", "--propose"], "--propose: only with --from store"],
    [["--from", "simulation", "--out", "x", "--population", "5"], "even number"],
    [["--from", "store", "--out", "x", "--data-dir", "nowhere"], "nowhere"],
  ])("%j: exit 1, and why", (args, message) => {
    const { code, stdout, stderr } = train(...args);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
  });
});

describe("progress", () => {
  function on(isTTY: boolean) {
    const written: string[] = [];
    let nowMs = 0;
    const progress = new Progress({ isTTY, write: (text) => written.push(text) }, () => nowMs);
    return { written, progress, advance: (ms: number) => (nowMs += ms) };
  }

  test("on a terminal one line tells the time that is left of the phase", () => {
    const { written, progress, advance } = on(true);
    progress.update("rows", 0, 10);
    advance(1000);
    progress.update("rows", 5, 10);
    progress.update("rows", 6, 10); // too soon
    advance(1000);
    progress.update("rows", 10, 10);
    expect(written).toEqual(["\r\x1b[Krows: 0 of 10", "\r\x1b[Krows: 5 of 10, 1 s left", "\r\x1b[K"]);
  });

  test("elsewhere only what stays is written", () => {
    const { written, progress } = on(false);
    progress.update("rows", 5, 10);
    progress.say("epoch 1");
    expect(written).toEqual(["epoch 1\n"]);
  });

  test.each([
    [0, "0 s"],
    [90_000, "90 s"],
    [180_001, "4 min"],
    [3 * 3600 * 1000 + 60_000, "3 h 1 min"],
  ])("%d ms are %s", (ms, text) => expect(durationText(ms)).toBe(text));
});

/** Whether a process has a handler for SIGINT (proc_pid_status(5)); true where the system does not tell. */
function catchesInterrupt(pid: number): boolean {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return true;
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(status, "latin1"))?.[1];
  return (BigInt(`0x${caught}`) & 2n) !== 0n;
}
