import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ageText } from "../../../src/cli/models/text.ts";
import type { LearningStore } from "../../../src/storage/learning-store.ts";
import { model, openStore, scratch, verdict } from "../storage/store-fixture.ts";
import { neurabalancer } from "./spawn.ts";

const directory = scratch();
let store: LearningStore;
const models = (...args: string[]) => neurabalancer(["models", ...args], { DATA_DIR: directory.path });

beforeAll(async () => {
  store = await openStore(directory.path); // stays open, as in a running instance
  const createdAtMs = Date.now() - 3 * 3_600_000;
  await store.insertModel(model({ createdAtMs, status: "champion", origin: "shipped" }));
  await store.insertModel(model({ createdAtMs, parentVersion: 1 }));
  await store.insertModel(model({ createdAtMs }));
  store.appendVerdict(verdict(1, { modelVersion: 2, kind: "shadow_passed" }));
  store.appendVerdict(verdict(2, { modelVersion: 2, kind: "promoted", reason: "Better by 4 %." }));
  store.appendVerdict(verdict(3, { modelVersion: null, kind: "demoted", reason: "Stale table." }));
  await store.setModelStatus(2, "champion", createdAtMs + 30 * 60_000); // 2 h ago for half an hour to come
});

afterAll(async () => {
  await store.close();
  directory.remove();
});

describe("models", () => {
  test("list: the newest first, with the last verdict on each", () => {
    const { code, stdout, stderr } = models("list");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "VERSION  STATUS     ORIGIN   AGE  LAST VERDICT",
      "3        candidate  trained  3 h",
      "2        champion   trained  3 h  promoted: Better by 4 %.",
      "1        retired    shipped  3 h",
      "",
    ]);
    expect(models("list", "--limit", "1").stdout.split("\n").length).toBe(3);
    const { models: listed } = JSON.parse(models("list", "--json").stdout);
    expect(listed[1]).toMatchObject({ version: 2, parentVersion: 1, lastVerdict: { numbers: { n: 2 } } });
  });

  test("show: one with its report, its features and its verdicts", () => {
    const { code, stdout } = models("show", "2");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Status {4}champion since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, 2 h ago$/m);
    expect(stdout).toMatch(/^Origin {4}trained, from version 1$/m);
    expect(stdout).toMatch(/^Features {2}first$/m);
    expect(stdout).toContain('"loss": [');
    expect(stdout).toContain("Better by 4 %.");
    expect(stdout).not.toContain("Stale table.");
    expect(JSON.parse(models("show", "2", "--json").stdout)).toMatchObject({
      model: { version: 2, report: { loss: [0.5, 0.25] } },
      features: ["first"],
      verdicts: [{ kind: "promoted" }, { kind: "shadow_passed" }],
    });
  });

  test("verdicts: all, or those about one model", () => {
    expect(models("verdicts").stdout).toMatch(/^1970-01-01 00:00:00 UTC +\d+ d ago {2}- +demoted +Stale table\.$/m);
    expect(models("verdicts", "--model", "2", "--limit", "1").stdout.split("\n").length).toBe(3);
    expect(JSON.parse(models("verdicts", "--json").stdout).verdicts.length).toBe(3);
    expect(models("verdicts", "--model", "1").stdout).toBe("No verdict was kept yet.\n");
  });

  test("export: the contract's three files, never over others unless told to", () => {
    const dir = join(dirname(directory.path), "exported/2");
    expect(models("export", "2", dir)).toMatchObject({
      code: 0,
      stdout: `Version 2 (champion, made 3 h ago) is in ${dir}.\n`,
    });
    expect(readdirSync(dir).sort()).toEqual(["inference_features.json", "load_balancer.onnx", "scaler.json"]);
    expect([...readFileSync(join(dir, "load_balancer.onnx"))]).toEqual([8, 0, 255]);
    expect(readFileSync(join(dir, "scaler.json"), "utf8")).toBe('{"mean":[0],"scale":[1]}');
    const again = models("export", "2", dir);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain(`${dir}/load_balancer.onnx is there already: --force replaces it`);
    writeFileSync(join(dir, "scaler.json"), "theirs");
    expect(models("export", "2", dir, "--force").code).toBe(0);
    expect(readFileSync(join(dir, "scaler.json"), "utf8")).toBe('{"mean":[0],"scale":[1]}');
  });

  test("of several pools say whose they are, and are shown for one", async () => {
    const dataDir = join(dirname(directory.path), "pools");
    const pools = await openStore(dataDir);
    await pools.insertModel(model({ createdAtMs: Date.now(), status: "champion", origin: "shipped" }));
    await pools.insertModel(model({ createdAtMs: Date.now(), status: "champion", pool: "shop" }));
    pools.appendVerdict(verdict(1, { pool: "shop", modelVersion: 2 }));
    pools.appendVerdict(verdict(2, { modelVersion: 1 }));
    await pools.close();
    const of = (...args: string[]) => models(...args, "--data-dir", dataDir).stdout;
    expect(of("list").split("\n").slice(0, 3)).toEqual([
      expect.stringMatching(/^VERSION {2}POOL +STATUS/),
      expect.stringMatching(/^2 +shop +champion +trained/),
      expect.stringMatching(/^1 +default +champion +shipped/),
    ]);
    expect(of("list", "--pool", "shop").split("\n")).toEqual([
      expect.stringMatching(/^VERSION {2}STATUS/),
      expect.stringMatching(/^2 +champion +trained/),
      "",
    ]);
    expect(of("list", "--pool", "other")).toBe("No model was kept yet.\n");
    expect(JSON.parse(of("list", "--json")).models.map(({ pool }: { pool: string }) => pool)).toEqual([
      "shop",
      "default",
    ]);
    expect(of("show", "2")).toMatch(/^Pool +shop$/m);
    expect(of("show", "1")).not.toMatch(/^Pool/m);
    expect(of("verdicts")).toMatch(/ago {2}shop +2 +shadow_passed/);
    expect(of("verdicts", "--pool", "shop").split("\n")).toHaveLength(3);
  });

  test.each([
    [["show", "9"], 'there is no model 9: "neurabalancer models list" shows those there are'],
    [["show", "two"], "Expected a whole number from 1."],
    [["list", "--data-dir", "/nonexistent"], "/nonexistent/learning.db: there is no store yet"],
    [["lst"], "Did you mean list?"],
  ])("%j is told in a sentence: exit 1", (args, message) => {
    const { code, stdout, stderr } = models(...args);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
  });

  test("the directory comes from .env as well, and needs no servers to be named", () => {
    const cwd = join(dirname(directory.path), "project");
    mkdirSync(cwd);
    writeFileSync(join(cwd, ".env"), "DATA_DIR=../data\nAPP_PORT=wrong\n");
    expect(neurabalancer(["models", "list"], {}, cwd).stdout).toStartWith("VERSION");
    writeFileSync(join(cwd, "other.env"), "LEARNING_MAX_SAMPLES=-1\n");
    const wrong = neurabalancer(["models", "list", "--env-file", "other.env"], {}, cwd);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('LEARNING_MAX_SAMPLES="-1" (other.env line 1): must be a whole number from 1000');
  });

  test("a damaged store is told, and left to the instance that owns it", async () => {
    const dataDir = join(dirname(directory.path), "damaged");
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, "learning.db"), "damaged".repeat(1_000));
    const { code, stderr } = models("list", "--data-dir", dataDir);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `neurabalancer: ${dataDir}/learning.db: it is damaged: it is no SQLite database (SQLITE_NOTADB)\n`,
    );
    expect(existsSync(join(dataDir, "learning.db"))).toBe(true);
  });
});

test("ageText takes the unit that says most", () => {
  const SECOND = 1000;
  expect([-5, 0, 119, 120, 7_199, 7_200, 172_799, 172_800].map((seconds) => ageText(seconds * SECOND))).toEqual([
    "0 s",
    "0 s",
    "119 s",
    "2 min",
    "119 min",
    "2 h",
    "47 h",
    "2 d",
  ]);
});
