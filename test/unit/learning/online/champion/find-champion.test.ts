import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  encodeModelFiles,
  modelPaths,
  readModelFiles,
  writeModelFiles,
} from "../../../../../src/learning/models/files/model-files.ts";
import { toStoredFiles } from "../../../../../src/learning/models/files/stored-files.ts";
import { SHIPPED_MODEL_DIRECTORY } from "../../../../../src/learning/models/shipped-model.ts";
import { fileChampion, storedChampion } from "../../../../../src/learning/online/champion/find-champion.ts";
import type {
  LearningStore,
  ModelOrigin,
  ModelStatus,
  StoredModelFiles,
} from "../../../../../src/storage/learning-store.ts";
import { openLearningStore } from "../../../../../src/storage/open-store.ts";
import { at, scratch } from "../../../../integration/storage/store-fixture.ts";
import { randomNetwork } from "../../../../support/networks.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";

const open: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of open.toReversed()) await close();
});

async function makeStore() {
  const directory = scratch();
  open.push(() => directory.remove());
  const { store } = await openLearningStore(at(directory.path), { nowMs: () => 1000 });
  open.push(() => store.close());
  const { log, lines } = recordingLogger();
  return { store, lines, source: { pool: "default", store, log, wallMs: () => 5000 }, path: directory.path };
}

const filesOf = (seed: number) => encodeModelFiles(randomNetwork(seed));
const BROKEN: StoredModelFiles = { ...filesOf(1), onnx: Uint8Array.of(1) };

function leave(store: LearningStore, files: StoredModelFiles, status: ModelStatus, origin: ModelOrigin = "trained") {
  return store.insertModel({
    pool: "default",
    createdAtMs: 1,
    origin,
    parentVersion: null,
    status,
    files,
    report: null,
  });
}

describe("the store's champion", () => {
  test("of an empty store is the shipped model, as a version that it keeps", async () => {
    const { store, source } = await makeStore();
    const first = await storedChampion(source);
    expect(first.version).toBe(1);
    expect(await store.champion("default")).toMatchObject({ version: 1, origin: "shipped" });
    expect((await storedChampion(source)).version).toBe(1);
    expect(await store.models({ limit: 10 })).toHaveLength(1);
    expect(await first.model.predict(new Float32Array(first.model.featureNames.length), 1)).toHaveLength(1);
  });

  test("is the one that was learned", async () => {
    const { store, source } = await makeStore();
    await storedChampion(source);
    const learned = await leave(store, filesOf(2), "champion");
    expect((await storedChampion(source)).version).toBe(learned);
  });

  test("that is broken gives way to the one before it, and that to the shipped one; the log names each", async () => {
    const { store, source, lines } = await makeStore();
    const before = await leave(store, filesOf(3), "champion");
    const champion = await leave(store, BROKEN, "champion");
    expect((await storedChampion(source)).version).toBe(before);
    expect((await store.champion("default"))?.version).toBe(before);
    expect(lines.map(({ message }) => message).join()).toContain(`model ${champion}, load_balancer.onnx`);
    await leave(store, BROKEN, "champion");
    await store.setModelStatus(before, "rejected", 1);
    expect(await store.model((await storedChampion(source)).version)).toMatchObject({
      origin: "shipped",
      status: "champion",
    });
  });

  test("with features that this version does not have is not used", async () => {
    const { store, source, lines } = await makeStore();
    const files = filesOf(4);
    await leave(store, { ...files, featuresJson: files.featuresJson.replace("log_expected", "of_old") }, "champion");
    expect(await store.model((await storedChampion(source)).version)).toMatchObject({ origin: "shipped" });
    expect(lines.map(({ message }) => message).join()).toContain("of_old");
  });

  test("that was the shipped one before an update gives way to the one that the update brought", async () => {
    const { store, source } = await makeStore();
    const old = await leave(store, filesOf(5), "champion", "shipped");
    const { version } = await storedChampion(source);
    expect(version).not.toBe(old);
    const shipped = toStoredFiles(readModelFiles(modelPaths(SHIPPED_MODEL_DIRECTORY)));
    expect((await store.modelFiles(version))?.onnx).toEqual(shipped.onnx);
  });

  test("is not the file that MODEL_PATH named once", async () => {
    const { store, source } = await makeStore();
    const learned = await leave(store, filesOf(6), "champion");
    await leave(store, filesOf(7), "champion", "file");
    expect((await storedChampion(source)).version).toBe(learned);
  });
});

describe("the model of MODEL_PATH", () => {
  const settings = (path: string) => ({ path, scalerPath: null, inputName: "features", outputName: "predicted_score" });

  test("has one version in the store, however often it is loaded, and another after a change", async () => {
    const { store, source, path } = await makeStore();
    writeModelFiles(path, randomNetwork(1));
    const { version } = await fileChampion(settings(path), source);
    expect((await fileChampion(settings(path), source)).version).toBe(version);
    expect(await store.champion("default")).toMatchObject({ version, origin: "file" });
    writeModelFiles(path, randomNetwork(2));
    const changed = await fileChampion(settings(path), source);
    expect(changed.version).toBeGreaterThan(version);
    writeModelFiles(path, randomNetwork(1));
    expect((await fileChampion(settings(path), source)).version).toBe(version);
    expect((await store.champion("default"))?.version).toBe(version);
  });

  test("gets no version when it is broken", async () => {
    const { store, source, path } = await makeStore();
    await expect(fileChampion(settings(path), source)).rejects.toThrow("there is no such file");
    writeModelFiles(path, randomNetwork(1));
    writeFileSync(join(path, "load_balancer.onnx"), "nonsense");
    await expect(fileChampion(settings(path), source)).rejects.toThrow("is no ONNX file");
    expect(await store.models({ limit: 10 })).toEqual([]);
  });
});
