/** Samples of traffic under every strategy, with real processes: kept, shown, and learned from on the day it is `ml`. */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endedAfterAll } from "../../support/ended-after-all.ts";
import { run } from "../../support/processes.ts";
import { Load, load, Product, request, startScripted, taking } from "../fixture.ts";
import { dataDirOf, learning, reading, serving, startLearning, until } from "./fixture.ts";

const open = endedAfterAll();
const OBSERVED = { LB_STRATEGY: "least_connections", LEARNING_SAMPLES: "on", ML_TRAIN_INTERVAL_SECONDS: "86400" };

interface SamplesView {
  readonly pools: readonly string[];
  readonly kept: number;
  readonly learner: { readonly pid: number; readonly state: string };
}

async function samples(product: Product): Promise<SamplesView | null> {
  return ((await product.status()) as unknown as { samples: SamplesView | null }).samples;
}

const ml = async (product: Product) => ((await product.status()) as unknown as { ml: object | null }).ml;

const countIn = (dataDir: string, pool = "default") => reading(dataDir, (store) => store.countSamples(pool));

function reload(product: Product, settings: Readonly<Record<string, string>>): void {
  product.configure(settings);
  product.process.kill("SIGHUP");
}

test("samples are kept under another strategy, and are there when it becomes ml; LEARNING_SAMPLES=off ends it", async () => {
  const fleet = await startLearning([serving(5, 1), serving(10, 2), serving(20, 3)], OBSERVED);
  open.push(fleet);
  const { product } = fleet;
  const dataDir = dataDirOf(fleet);
  const running = new Load(300, () => request(product.port));
  await until(async () => (await samples(product))?.learner.state === "ready");
  await until(async () => (await samples(product))!.kept > 300);
  await until(async () => (await countIn(dataDir)) > 300);

  // It is not shown as if anything were balanced by it.
  expect(await ml(product)).toBeNull();
  expect((await samples(product))!.pools).toEqual(["default"]);
  const refused = await product.admin("/api/v1/ml");
  expect(refused.status).toBe(404);
  expect(await refused.text()).toContain("only samples of the traffic of default are kept");
  expect((await product.admin("/api/v1/explain/some-request")).status).toBe(404);
  const metrics = await (await product.admin("/metrics")).text();
  expect(metrics).not.toContain("\nneurabalancer_ml_rung");
  expect(await product.metric("ml_decisions_total")).toBe(0);
  expect(await product.metric("ml_tables_total")).toBe(0);
  await until(async () => (await product.status()).degraded.length === 0); // no process is late for long

  const { pid } = (await samples(product))!.learner;
  const switchedMs = Date.now();
  const before = await countIn(dataDir);
  reload(product, { LB_STRATEGY: "ml" });
  await until(async () => ((await ml(product)) as { rung?: string } | null)?.rung === "model");
  const balanced = await learning(product);
  expect(balanced.learner.pid).toBe(pid);
  expect(balanced.model_version).toBe(1);
  expect(await samples(product)).toBeNull();
  await until(async () => (await product.metric('ml_decisions_total{arm="champion"}')) > 100);
  await until(async () => (await countIn(dataDir)) > Math.max(2200, before));

  // What was observed is learned from, together with what `ml` placed.
  const out = mkdtempSync(join(tmpdir(), "nb-drill-samples-"));
  open.push({ remove: () => rmSync(out, { recursive: true, force: true }) });
  const launcher = join(import.meta.dir, "../../../bin/neurabalancer");
  const env = { PATH: process.env.PATH!, HOME: process.env.HOME!, DATA_DIR: dataDir };
  // Servers and clients are in this process, and go on meanwhile.
  const command = [launcher, "train", "--from", "store", "--out", out, "--epochs", "1"];
  const trained = await run(command, { env, cwd: out, deadlineMs: 200_000 });
  expect([trained.code, trained.stderr]).toEqual([0, expect.any(String)]);
  const report = JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as { samples: { fromMs: number } };
  expect(report.samples.fromMs).toBeLessThan(switchedMs);

  reload(product, { LB_STRATEGY: "round_robin" });
  await until(async () => (await ml(product)) === null);
  const back = (await samples(product))!.kept;
  await until(async () => (await samples(product))!.kept > back + 50);
  expect((await samples(product))!.learner.pid).toBe(pid);

  reload(product, { LEARNING_SAMPLES: "off" });
  await until(async () => (await samples(product)) === null && (await product.metric("process_resident")) > 0);
  await until(async () => !(await (await product.admin("/metrics")).text()).includes('process="learner"'));
  const seen = await running.stop();
  expect(seen.why).toEqual({});
}, 400_000);

test("of several pools each keeps its own, beside one that is balanced by ml; a learner that is killed goes on", async () => {
  const servers = await startScripted(taking(5), taking(20), taking(5), taking(10));
  const base = mkdtempSync(join(tmpdir(), "nb-drill-samples-"));
  const url = (i: number) => `http://127.0.0.1:${servers[i].port}`;
  const file = join(base, "pools.yaml");
  writeFileSync(
    file,
    [
      `storage: {keep_samples: on}`,
      "pools:",
      `  calm: {servers: [${url(0)}, ${url(1)}], balancing: {strategy: ml}}`,
      `  shop: {servers: [${url(2)}]}`,
      `  quiet: {servers: [${url(3)}], storage: {keep_samples: off}}`,
      "routes: [{path: /shop, pool: shop}, {path: /quiet, pool: quiet}, {pool: calm}]",
      "",
    ].join("\n"),
  );
  const dataDir = join(base, "data");
  // What the file says of pools is more specific; what the environment says of the instance is above the file's.
  const product = new Product({ CONFIG_FILE: file, DATA_DIR: dataDir, ACCESS_LOG: "off", LEARNING_SAMPLES: "on" });
  const end = async () => {
    await product.end();
    rmSync(base, { recursive: true, force: true });
  };
  open.push({ end }, ...servers);
  await product.ready();
  const paths = ["/", "/shop", "/quiet"];
  const running = new Load(150, (i) => {
    const raw = `GET ${paths[i % 3]} HTTP/1.1\r\nHost: drill\r\nConnection: close\r\n\r\n`;
    return request(product.port, { raw });
  });
  await until(async () => ((await ml(product)) as { rung?: string } | null)?.rung === "model");
  const counts = async () => [await countIn(dataDir, "calm"), await countIn(dataDir, "shop")];
  await until(async () => (await counts()).every((count) => count > 50));
  const view = (await samples(product))!;
  expect(view.pools).toEqual(["shop"]);
  expect(await countIn(dataDir, "quiet")).toBe(0);
  const only = await product.admin("/api/v1/ml?pool=shop");
  expect([only.status, await only.text()]).toEqual([
    404,
    expect.stringContaining("the pool shop is not balanced by ml"),
  ]);

  process.kill(view.learner.pid, "SIGKILL");
  await until(async () => ((await ml(product)) as { rung?: string } | null)?.rung === "model");
  const before = await counts();
  await until(async () => (await counts()).every((count, i) => count > before[i] + 30));
  const seen = await running.stop();
  expect(seen.why).toEqual({});
}, 200_000);

test("a store that cannot be used costs samples and nothing else: it is said once, and shown", async () => {
  const base = mkdtempSync(join(tmpdir(), "nb-drill-samples-"));
  open.push({ remove: () => rmSync(base, { recursive: true, force: true }) });
  writeFileSync(join(base, "file"), "");
  const fleet = await startLearning([serving(5, 1), serving(10, 2)], {
    ...OBSERVED,
    DATA_DIR: join(base, "file/data"),
  });
  open.push(fleet);
  const { product } = fleet;
  await until(async () => (await product.degraded("learning_store")) === 1);
  const seen = await load(200, 2000, () => request(product.port));
  expect(seen.why).toEqual({});
  expect((await product.status()).degraded).toEqual(["learning_store", "operations"]);
  expect(await product.degraded("learner")).toBe(0);
  await until(() => product.count("what is learned is not kept as it should be") === 1);
  expect(product.count("the store of what is learned")).toBe(1);
}, 200_000);
